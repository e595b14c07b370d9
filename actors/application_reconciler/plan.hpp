#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/application_reconciler/deletion_hold.hpp"
#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/application_reconciler/observed_state.hpp"

/// What has to be done so that the cluster holds what is desired. Pure and deterministic. Source: contract §§5.2, 5.3.
namespace runtime_agent::application_reconciler {

enum class ApplicationAction {
  keep,    ///< the Application is as it should be, its Secrets are not
  create,  ///< the Application, then its Secrets
  update,  ///< its Secrets, then the Application
  remove,  ///< the Application; its Secrets when it is gone
  collect, ///< the Application is gone, its Secrets are not
};

/// A Secret to be deleted, as it was seen.
struct SecretRemoval {
  std::string name;
  std::string uid;
  std::string resource_version;
  bool repair = false; ///< as in ApplicationWork
};

/// A Secret to be created, or changed where it was seen.
struct SecretWrite {
  std::size_t index = 0;     ///< in desired->secrets
  bool exists = false;       ///< as far as is known
  bool repair = false;       ///< as in ApplicationWork
  std::string written_uid{}; ///< of the one that this process has written (ObservedSecret); empty: it has not
};

/// Everything that has to be done for one Application; one failure stays within it.
struct ApplicationWork {
  std::string name;
  ApplicationAction action = ApplicationAction::keep;
  std::string uid; ///< of the Application as it was seen; empty for create and collect
  std::string resource_version;
  bool repair = false; ///< the Application is put right, though nothing that is wanted of it has changed
  std::shared_ptr<const DesiredApplication> desired; ///< null for remove and collect
  std::vector<SecretWrite> secret_writes;
  std::vector<SecretRemoval> secret_removals;

  bool empty() const { return action == ApplicationAction::keep && secret_writes.empty() && secret_removals.empty(); }
};

struct Plan {
  std::vector<ApplicationWork> work;        ///< by name
  std::vector<ApplicationProblem> problems; ///< by name: refused, conflicts, waiting
  std::vector<std::string> held;            ///< deletions held back, by name
  DeletionHold hold;                        ///< for the next plan
  std::vector<std::string> conflicts;       ///< Secrets of others that have the name of one of ours
  std::uint32_t desired = 0;                ///< Applications in the Director's data that can be written
  std::uint32_t unchanged = 0;              ///< of them, those without work and without a problem
};

struct PlanInput {
  const DesiredObjects& desired;
  const ObservedState& observed;
  FetchIdentity fetch;
  const DeletionHold& hold;
  std::chrono::milliseconds minimal_sync_time{10'000};
  /// What was desired when the cluster was brought in line last: what differs though this does not, somebody else has
  /// changed. Null: not known.
  const DesiredObjects* before = nullptr;
};

/// The plan for everything. Applying it and planning again gives no work.
Plan plan_changes(const PlanInput& input);

/// Whether anything that `name` names (an Application) is not as it should be: what decides, after an event, whether
/// a plan is worth making. Deletions count, held back or not.
bool needs_work(const std::string& application, const DesiredObjects& desired, const ObservedState& observed);

} // namespace runtime_agent::application_reconciler
