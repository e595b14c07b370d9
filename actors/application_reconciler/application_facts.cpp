#include "actors/application_reconciler/application_facts.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace runtime_agent::application_reconciler {
namespace {

// Of Applications that are no longer desired: enough to see what has happened lately.
constexpr std::size_t past_at_most = 200;

/// Forgets the oldest entries of names that `desired` does not have, beyond `past_at_most`.
template <class Entries>
void forget_past(Entries& entries, const DesiredObjects* desired) {
  std::vector<std::pair<WallTime, std::string>> past;
  for (const auto& [name, entry] : entries)
    if (!desired || (!desired->applications.contains(name) && !desired->refused.contains(name)))
      past.emplace_back(entry.time, name);
  if (past.size() <= past_at_most)
    return;
  std::sort(past.begin(), past.end());
  for (std::size_t i = 0; i + past_at_most < past.size(); ++i)
    entries.erase(past[i].second);
}

} // namespace

std::string_view to_string(ApplicationState state) {
  constexpr std::array<std::string_view, 6> names = {"applied", "failed", "refused", "held", "pending", "gone"};
  return names.at(static_cast<std::size_t>(state));
}

std::map<ApplicationState, std::size_t> ApplicationsSnapshot::by_state() const {
  std::map<ApplicationState, std::size_t> counts;
  for (const ApplicationState state : application_states)
    counts[state] = 0;
  for (const ApplicationFacts& facts : applications)
    if (facts.state != ApplicationState::gone)
      ++counts[facts.state];
  return counts;
}

void PublishedApplications::publish(PassFacts pass) {
  std::lock_guard lock(mutex_);
  for (const auto& [name, what] : pass.changes)
    changes_[name] = {what, pass.time};
  for (const ApplicationProblem& problem : pass.problems)
    errors_[problem.application] = {problem.reason, pass.time};
  last_ = std::move(pass);
  published_ = true;
  forget_past(changes_, last_.desired.get());
  forget_past(errors_, last_.desired.get());
}

ApplicationsSnapshot PublishedApplications::snapshot() const {
  std::lock_guard lock(mutex_);
  ApplicationsSnapshot snapshot;
  if (!published_)
    return snapshot;
  snapshot.time = last_.time;
  snapshot.failure = last_.failure;
  std::map<std::string, ApplicationFacts> rows;
  const auto row = [&rows](const std::string& name) -> ApplicationFacts& {
    ApplicationFacts& facts = rows[name];
    facts.name = name;
    return facts;
  };
  if (last_.desired) {
    for (const auto& [name, desired] : last_.desired->applications) {
      ApplicationFacts& facts = row(name);
      facts.desired = desired->digest;
      facts.warning = desired->warning;
      facts.state = last_.failure ? ApplicationState::pending : ApplicationState::applied;
      if (!last_.failure)
        facts.applied = desired->digest;
    }
    for (const auto& [name, reason] : last_.desired->refused)
      row(name).state = ApplicationState::refused;
  }
  for (const auto& [name, digest] : last_.differ)
    row(name).applied = digest;
  for (const ApplicationProblem& problem : last_.problems) {
    ApplicationFacts& facts = row(problem.application);
    if (facts.state != ApplicationState::refused)
      facts.state = ApplicationState::failed;
    facts.error += (facts.error.empty() ? "" : "; ") + problem.reason;
  }
  for (const std::string& name : last_.held)
    row(name).state = ApplicationState::held;
  for (const auto& [name, change] : changes_)
    row(name).change = change;
  for (const auto& [name, error] : errors_) {
    ApplicationFacts& facts = row(name);
    facts.last_error = ApplicationProblem{name, error.reason};
    facts.last_error_time = error.time;
  }
  for (auto& [name, facts] : rows)
    snapshot.applications.push_back(std::move(facts));
  return snapshot;
}

} // namespace runtime_agent::application_reconciler
