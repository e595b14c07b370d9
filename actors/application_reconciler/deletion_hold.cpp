#include "actors/application_reconciler/deletion_hold.hpp"

namespace runtime_agent::application_reconciler {

namespace {

bool suspicious(std::size_t wanted, std::size_t managed) {
  const bool every_one = wanted == managed && managed > 1;
  const bool most = wanted > 10 && wanted * 2 > managed;
  return every_one || most;
}

bool confirms(const FetchIdentity& fetch, const FetchIdentity& first, std::chrono::milliseconds minimal_sync_time) {
  return fetch.connection_number != first.connection_number && fetch.fetched - first.fetched >= minimal_sync_time;
}

} // namespace

DeletionDecision decide_deletions(const std::set<std::string>& wanted, std::size_t managed, const FetchIdentity& fetch,
                                  const DeletionHold& hold, std::chrono::milliseconds minimal_sync_time) {
  DeletionDecision decision;
  if (!suspicious(wanted.size(), managed)) {
    decision.allowed = wanted;
    return decision;
  }
  for (const auto& name : wanted) {
    const auto known = hold.find(name);
    const FetchIdentity& first = known == hold.end() ? fetch : known->second;
    decision.hold.emplace(name, first); // an allowed one too: its deletion may fail and come again
    if (confirms(fetch, first, minimal_sync_time))
      decision.allowed.insert(name);
    else
      decision.held.push_back(name);
  }
  return decision;
}

} // namespace runtime_agent::application_reconciler
