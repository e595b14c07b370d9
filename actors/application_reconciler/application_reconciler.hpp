#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "actors/application_reconciler/application_facts.hpp"
#include "actors/application_reconciler/cluster_view.hpp"
#include "actors/application_reconciler/failed_writes.hpp"
#include "actors/application_reconciler/plan.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/repair_pace.hpp"

namespace runtime_agent::application_reconciler {

struct Settings {
  MappingSettings mapping;
  /// Between a fetch that asks for suspiciously many deletions and the one that confirms it, at least (§5.2).
  std::chrono::milliseconds minimal_sync_time{10'000};
  std::size_t concurrency = 4; ///< Applications written at once, or Secrets' reads; at least 1
  /// Without the right to list Secrets: within this time each is read once.
  std::chrono::milliseconds secret_verification_period{600'000};
  /// How often it is tried whether Secrets may be listed after all.
  std::chrono::milliseconds secret_list_again_after{600'000};
  std::chrono::milliseconds application_limit{120'000}; ///< for everything that one Application needs
  std::chrono::milliseconds observation_limit{120'000}; ///< for listing Applications
  std::chrono::milliseconds planning_limit{60'000};
  /// After a pass that failed as a whole; doubles up to the ceiling. A fetch comes mostly earlier.
  std::chrono::milliseconds retry_initial{10'000};
  /// After an Application was refused; doubles up to the ceiling. A fetch does not come in between.
  std::chrono::milliseconds refused_initial{1'000};
  std::chrono::milliseconds retry_ceiling{300'000};
  /// So many Applications in a row that the API server could not be asked about end the pass.
  std::size_t unreachable_at_most = 8;
  /// Hears of each pass, for people and metrics; called in a handler, must not block. May be empty.
  std::function<void(PassFacts)> publish;
  /// Hears once of what the API server does not keep as it is written, in words; must not block. May be empty.
  std::function<void(const std::string&)> warn;
};

/// What is known of the pass under way.
struct Pass {
  bool answers_fetch = false;                   ///< a fetch started it, so it ends with an answer in any case
  std::shared_ptr<const DesiredObjects> before; ///< what was desired until now
  Plan plan;
  std::vector<std::string> worked_on; ///< names of plan.work, whose items go to the calls
  std::size_t next = 0;               ///< in plan.work
  std::size_t running = 0;
  std::vector<std::vector<std::string>> reads;                     ///< chunks of Secrets' names, still to be read
  std::vector<std::variant<ApplicationsEvent, SecretsEvent>> kept; ///< in the order they came
  ApplyCounts counts;
  std::vector<ApplicationProblem> problems;
  std::map<std::string, std::string> changes; ///< what was done, by name
  std::optional<std::chrono::steady_clock::time_point>
      again_at; ///< when an object that is backed off from may be written again
  std::size_t unreachable_in_a_row = 0;
  std::optional<Failure> failure; ///< of the whole
  bool failed_in_part = false;    ///< worth another look before long
};

/// Names of the two watches.
inline constexpr const char* applications_watch = "watch Applications";
inline constexpr const char* secrets_watch = "watch Secrets";

/// Keeps the cluster's Applications and their Secrets equal to the Director's data (contract §§5.2, 5.3).
/// Works in passes, one at a time: map (where there is a new fetch), observe (where watching is not allowed), plan,
/// carry out. A fetch starts a pass, and so does whatever shows something out of line. Nothing is kept that the
/// cluster does not tell again after a restart.
class ApplicationReconciler : public supervision::TracedActor<ApplicationReconcilerActor> {
public:
  using Base = supervision::TracedActor<ApplicationReconcilerActor>;

  ApplicationReconciler(caf::actor_config& config, supervision::Environment& environment, Peers peers,
                        Settings settings, std::shared_ptr<kubernetes::Api> api);
  behavior_type make_behavior() override;
  const char* name() const override { return "ApplicationReconciler"; }
  void on_exit() override;

private:
  using SecretReads = std::vector<std::pair<std::string, std::optional<ObservedSecret>>>;

  void watch_applications();
  void watch_secrets();
  template <class Event>
  void take_or_keep(const Event& event);
  /// What came while a snapshot was lent; at once when its call has ended, however it did.
  void take_kept_events();
  void take(const ApplicationsEvent& event);
  void take(const SecretsEvent& event);
  /// Starts a pass where something of what was touched is out of line.
  void look_at(const Touched& touched);
  void verify_secrets_after(std::chrono::milliseconds delay);
  void verify_secrets();

  /// Starts a pass where one is due and possible, and none is under way.
  void start_pass();
  void map();
  void observe();
  void choose_secrets();
  void read_chosen_secrets();
  void read_secrets(std::vector<std::string> names, std::function<void(const Result<SecretReads>&)> then);
  void plan();
  void planned(Plan plan);
  /// Takes what is backed off from out of the plan.
  void take_out_what_waits();
  void pace_repairs(ApplicationWork& work);
  void repaired(const std::string& object);
  /// Of Secrets that are to be created: those that others have, of types that are not watched.
  void look_for_taken_names();
  void begin_to_carry_out();
  void tell_not_kept(const kubernetes::FieldsNotKept& fields, const std::string& definition);
  void carry_out();
  void carried_out(const ApplicationWork& work, const Result<ApplicationOutcome>& outcome);
  void learn(const ApplicationWork& work, const ApplicationOutcome& outcome);
  void stop_where_unreachable(const std::string& application, const std::optional<Failure>& failure);
  void finish(std::optional<Failure> failure);
  void publish(const Pass& pass, const std::vector<ApplicationProblem>& problems,
               const std::optional<Failure>& failure);
  /// When to look again without being asked.
  void schedule_retry(const Pass& pass);
  void answer(DesiredStateApplied applied, bool in_any_case);

  Peers peers_;
  const Settings settings_;
  const std::shared_ptr<kubernetes::Api> api_;
  const std::shared_ptr<Written> written_ = std::make_shared<Written>();
  const std::shared_ptr<kubernetes::WatchPause> pause_ = std::make_shared<kubernetes::WatchPause>();

  ClusterView view_;
  std::shared_ptr<const DesiredState> waiting_;   ///< received, not started; a newer one takes its place
  std::shared_ptr<const DesiredState> state_;     ///< of the last pass
  std::shared_ptr<const DesiredObjects> desired_; ///< mapped from state_; null before the first complete fetch
  DeletionHold hold_;
  kubernetes::RepairPaces repairs_;
  kubernetes::FieldsNotKept told_not_kept_; ///< by the API server, of what was written
  FailedWrites failures_;
  SecretVerification verification_;
  bool out_of_line_ = false; ///< a pass is due without a fetch
  Touched touched_;          ///< by events during the pass
  std::uint64_t passes_ = 0; ///< so many have been started
  std::optional<Pass> pass_;
  std::optional<DesiredStateApplied> applied_; ///< the last answer
  std::string resume_after_;                   ///< the API server could not be asked any more when this one had failed
  std::chrono::milliseconds retry_delay_;
  std::optional<std::chrono::steady_clock::time_point> retry_at_; ///< after a pass that failed as a whole
  supervision::TimerId retry_timer_ = 0;
  supervision::TimerId verification_timer_ = 0;
  supervision::CallId secrets_watch_ = 0;
};

} // namespace runtime_agent::application_reconciler
