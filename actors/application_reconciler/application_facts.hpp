#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/application_reconciler/desired_objects.hpp"
#include "messages/applications.hpp"
#include "messages/status.hpp"

/// What the reconciler knows of each Application, for people and metrics: published after each pass, read from other
/// threads. No secret and no digest of one has a way into it.
namespace runtime_agent::application_reconciler {

/// The last thing that was done to an Application or its Secrets.
struct ApplicationChange {
  std::string what; ///< "created", "updated", "deleted", "Secrets changed"
  WallTime time;
};

/// What one pass has found and done.
struct PassFacts {
  WallTime time;
  std::shared_ptr<const DesiredObjects> desired;       ///< null before the first complete fetch
  std::map<std::string, std::optional<Digest>> differ; ///< digest in the cluster of those that were not in line
  std::map<std::string, std::string> changes;          ///< name → ApplicationChange::what
  std::vector<ApplicationProblem> problems;            ///< all of them, sorted by Application
  std::vector<std::string> held;                       ///< deletions held back
  std::optional<Failure> failure; ///< of the whole pass: nothing is known of single Applications then
};

enum class ApplicationState {
  applied, ///< as desired
  failed,  ///< could not be brought in line
  refused, ///< the Director's data cannot be applied: nothing under that name is touched
  held,    ///< its deletion is held back
  pending, ///< desired, and not applied yet
  gone,    ///< no longer desired and no longer in the cluster
};
/// Those that are counted.
inline constexpr std::array application_states = {ApplicationState::applied, ApplicationState::failed,
                                                  ApplicationState::refused, ApplicationState::held,
                                                  ApplicationState::pending};
std::string_view to_string(ApplicationState state);

/// One Application, desired against applied.
struct ApplicationFacts {
  std::string name; ///< in the cluster; the Director's where it cannot be one
  ApplicationState state = ApplicationState::gone;
  std::optional<Digest> desired;
  std::optional<Digest> applied;
  std::optional<ApplicationChange> change; ///< by this process
  std::string error;                       ///< why it is not applied; reasons joined by "; "
  std::string warning;                     ///< what does not work though it is applied
  std::optional<ApplicationProblem> last_error;
  std::optional<WallTime> last_error_time; ///< when it was last seen; stays after it is over
};

/// The whole picture, by name.
struct ApplicationsSnapshot {
  std::optional<WallTime> time; ///< of the last pass; nullopt: there was none
  std::vector<ApplicationFacts> applications;
  std::optional<Failure> failure;

  std::map<ApplicationState, std::size_t> by_state() const;
};

/// Puts the passes together, over restarts of the actor too. Thread-safe; publishing costs as much as a pass has done.
class PublishedApplications {
public:
  void publish(PassFacts pass);
  ApplicationsSnapshot snapshot() const;

private:
  struct Error {
    std::string reason;
    WallTime time;
  };
  mutable std::mutex mutex_;
  PassFacts last_;
  bool published_ = false;
  std::map<std::string, ApplicationChange> changes_;
  std::map<std::string, Error> errors_;
};

} // namespace runtime_agent::application_reconciler
