#pragma once

#include <memory>
#include <vector>

#include "actors/application_reconciler/execution.hpp"
#include "tests/unit/application_reconciler/in_memory_cluster.hpp"

namespace runtime_agent::tests {

/// Where the tests keep the Secrets of Applications.
inline const auto kyma_secrets = kubernetes::secrets("kyma-system");

/// What one pass over a cluster came to.
struct PassResult {
  application_reconciler::Plan plan;
  std::vector<application_reconciler::ApplicationOutcome> outcomes;
  std::shared_ptr<application_reconciler::Written> written; ///< for the watches
};

/// Everything that the cluster holds, as the agent knows it.
inline application_reconciler::ObservedState observe(const InMemoryCluster& cluster, const std::string& namespace_) {
  application_reconciler::ObservedState observed;
  for (const Json& object : cluster.all(kubernetes::applications()))
    observed.put(application_reconciler::object_name(object), application_reconciler::observed_application(object));
  for (const Json& object : cluster.all(kubernetes::secrets(namespace_)))
    observed.put(application_reconciler::object_name(object), application_reconciler::observed_secret(object));
  return observed;
}

/// Observes, plans and executes, one thing after another and without an actor. `confirmed`: deletions are not held
/// back.
inline PassResult reconcile_once(InMemoryCluster& cluster, const compass::RuntimeDataPtr& data,
                                 const application_reconciler::MappingSettings& settings, bool confirmed = true) {
  using namespace application_reconciler;
  const auto desired = desired_objects(data, settings);
  const auto observed = observe(cluster, settings.integration_namespace);
  DeletionHold hold;
  if (confirmed)
    for (const auto& [name, application] : observed.applications())
      hold[name] = {1, std::chrono::steady_clock::time_point()};
  const FetchIdentity fetch{2, std::chrono::steady_clock::time_point() + std::chrono::hours(1)};
  PassResult result{
      plan_changes({desired, observed, fetch, hold, std::chrono::seconds(10)}), {}, std::make_shared<Written>()};
  for (const auto& work : result.plan.work)
    result.outcomes.push_back(execute(cluster, work, settings, *result.written, CallContext()));
  return result;
}

} // namespace runtime_agent::tests
