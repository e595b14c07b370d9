#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

/// A fetch that is suddenly empty, or nearly so, must not empty the cluster. Pure. Source: contract §5.2.
namespace runtime_agent::application_reconciler {

/// Which fetch says that an Application is to be deleted.
struct FetchIdentity {
  std::uint64_t connection_number = 0;
  std::chrono::steady_clock::time_point fetched;
};

/// Deletions that wait, each with the fetch that asked for it first.
using DeletionHold = std::map<std::string, FetchIdentity>;

struct DeletionDecision {
  std::set<std::string> allowed;
  std::vector<std::string> held; ///< sorted
  DeletionHold hold;             ///< for the next decision
};

/// `wanted`: the managed Applications that the fetch does not have. All are allowed unless they are every one of
/// several managed Applications, or more than ten that are more than half of them; then only those are that an earlier
/// fetch, over another connection and at least `minimal_sync_time` before, asked for as well.
DeletionDecision decide_deletions(const std::set<std::string>& wanted, std::size_t managed, const FetchIdentity& fetch,
                                  const DeletionHold& hold, std::chrono::milliseconds minimal_sync_time);

} // namespace runtime_agent::application_reconciler
