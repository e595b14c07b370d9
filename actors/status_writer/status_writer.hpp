#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/status_writer/connection_status.hpp"
#include "actors/status_writer/connection_write.hpp"
#include "actors/status_writer/happenings.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/repair_pace.hpp"

namespace runtime_agent::status_writer {

struct Settings {
  /// A change of times alone waits for the end of a cycle, at most this long (the synchronization period).
  std::chrono::milliseconds times_limit{20'000};
  /// Least time between two writes; a change of state does not wait for it (§5.4).
  std::chrono::milliseconds least_interval{1'000};
  std::chrono::milliseconds retry_initial{1'000};
  std::chrono::milliseconds retry_ceiling{30'000};
  std::string warning; ///< what is insecure by setting; shown in the object's annotation
  /// Told the facts as they are heard, for readiness; may be empty. Must not block.
  std::function<void(const Facts&)> publish;
  /// Told what is worth an Event; may be empty. Must not block.
  std::function<void(const Happening&)> happened;
};

/// Sole writer of the CompassConnection: keeps it equal to the facts that the others report, and creates it where it is
/// lacking. Nobody waits for it; what it knows is asked for again when it starts.
class StatusWriter : public supervision::TracedActor<StatusWriterActor> {
public:
  using Base = supervision::TracedActor<StatusWriterActor>;

  StatusWriter(caf::actor_config& config, supervision::Environment& environment, Peers peers, Settings settings,
               std::shared_ptr<kubernetes::Api> api);
  behavior_type make_behavior() override;
  const char* name() const override { return "StatusWriter"; }
  void on_exit() override;

private:
  /// The facts have changed.
  void heard();
  void observed(const CompassConnectionObserved& observation);
  /// Compares the object with the facts and writes, now or later, where they differ.
  void consider();
  void write_after(std::chrono::milliseconds delay);
  void definition_is_missing();
  void tell_object_problem(const std::string& problem);
  void write();
  void written(Result<WrittenConnection> outcome, const std::string& based_on);
  void stored(WrittenConnection outcome, const std::string& based_on);
  /// When to write, by what differs and why; null: nothing does.
  std::optional<std::chrono::milliseconds> until_write();
  std::chrono::milliseconds until_repair();
  /// A write now would put right what somebody else has changed, and tell little else.
  bool repairs() const;
  void tell_not_kept(kubernetes::FieldsNotKept fields);
  void tell_contest();
  void contest_is(const std::string& text);
  std::chrono::milliseconds until_next_write() const;
  void tell_problems(const SynchronizationReport& report);
  /// The object's state, as written: told where it is another one than before.
  void tell_state(const std::string& state);

  Peers peers_;
  Settings settings_;
  std::shared_ptr<kubernetes::Api> api_;

  Facts facts_;
  std::shared_ptr<const kubernetes::Json> object_; ///< as last seen or written; null: absent
  std::string absence_id_;                         ///< of the present absence; empty: the object is there
  std::string absence_without_wish_;               ///< of an object that went with its definition
  bool observed_ = false;                          ///< whether the object is there is known
  bool cycle_finished_ = false;
  std::shared_ptr<const DesiredStateApplied> told_outcome_; ///< whose problems have been told
  ToldProblems told_problems_;
  std::optional<std::string> told_state_;        ///< null: no object, and no absence of one, has been seen yet
  std::shared_ptr<const kubernetes::Json> sent_; ///< last, whatever became of it; null: nothing yet
  kubernetes::FieldsNotKept not_kept_;           ///< of it
  kubernetes::RepairPace pace_;
  bool repair_ = false;            ///< what is being written, is one
  bool contested_ = false;         ///< as `pace_` says, and told or about to be
  std::string superseded_version_; ///< what our last write was based on: an echo of it is old
  std::string written_uid_;        ///< of the object that is being written; empty: it is being created
  bool writing_ = false;
  std::chrono::milliseconds retry_delay_{0}; ///< after the last failure; 0: the last write succeeded
  bool retry_waits_ = false;                 ///< nothing is tried before its timer
  std::chrono::steady_clock::time_point last_write_{};
  std::chrono::steady_clock::time_point timer_due_{};
  supervision::TimerId timer_ = 0;
};

} // namespace runtime_agent::status_writer
