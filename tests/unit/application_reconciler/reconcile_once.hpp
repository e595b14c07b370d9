#pragma once

#include <vector>

#include "actors/application_reconciler/execution.hpp"
#include "tests/unit/application_reconciler/in_memory_cluster.hpp"

namespace runtime_agent::test {

/// What one pass over a cluster came to.
struct PassResult {
  applications::Plan plan;
  std::vector<applications::ApplicationOutcome> outcomes;
};

/// Everything that the cluster holds, as the agent knows it.
inline applications::ObservedState observe(const InMemoryCluster& cluster, const std::string& namespace_) {
  applications::ObservedState observed;
  for (const Json& object : cluster.all(kubernetes::applications()))
    observed.put(applications::object_name(object), applications::observed_application(object));
  for (const Json& object : cluster.all(kubernetes::secrets(namespace_)))
    observed.put(applications::object_name(object), applications::observed_secret(object));
  return observed;
}

/// Observes, plans and executes, one thing after another and without an actor. `confirmed`: deletions are not held
/// back.
inline PassResult reconcile_once(InMemoryCluster& cluster, const compass::RuntimeDataPtr& data,
                                 const applications::MappingSettings& settings, bool confirmed = true) {
  using namespace applications;
  const auto desired = desired_objects(data, settings);
  const auto observed = observe(cluster, settings.integration_namespace);
  DeletionHold hold;
  if (confirmed)
    for (const auto& [name, application] : observed.applications())
      hold[name] = {1, std::chrono::steady_clock::time_point()};
  const FetchIdentity fetch{2, std::chrono::steady_clock::time_point() + std::chrono::hours(1)};
  PassResult result{plan_changes({desired, observed, fetch, hold, std::chrono::seconds(10)}), {}};
  for (const auto& work : result.plan.work)
    result.outcomes.push_back(execute(cluster, work, settings, CallContext()));
  return result;
}

} // namespace runtime_agent::test
