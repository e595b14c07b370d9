#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include <caf/all.hpp>

#include "actors/supervision/environment.hpp"
#include "actors/supervision/restart_policy.hpp"
#include "actors/supervision/slot_mailbox.hpp"

namespace runtime_agent::supervision {

/// What a Slot runs.
struct ChildSpecification {
  std::string name; ///< as the actor's own `name()`
  /// Starts the actor, on a thread of the actor system, and must not block. What it throws counts as the child's end.
  std::function<caf::strong_actor_ptr(caf::actor_system&)> start;
  RestartSettings restart;
};

enum class ChildState { stopped, running, backing_off, stopping, escalated };
std::string_view to_string(ChildState state);

/// One row of the diagnostics.
struct ChildFacts {
  std::string name;
  ChildState state = ChildState::stopped;
  std::uint64_t restarts = 0; ///< starts after the first one (or after a stop)
  std::int64_t mailbox_depth =
      0;                      ///< messages that wait: in the child's mailbox, or in the Slot while there is no child
  std::uint64_t messages = 0; ///< messages, timers and answers handled, over all restarts
  std::uint64_t overflow = 0; ///< messages dropped because too many waited for a restart
  std::optional<ActorRecord::Exception> last_exception;
  std::optional<WallTime> started;
  std::optional<WallTime> next_start;  ///< while backing off
  std::optional<WallTime> stuck_since; ///< it runs, but has not answered the watchdog in time
};

/// What a Slot shows to the outside. Thread-safe.
class ChildStatus {
public:
  ChildStatus(std::string name, std::size_t buffer_limit)
      : mailbox(std::make_shared<SlotMailbox>(buffer_limit)), name_(std::move(name)) {}

  ChildFacts facts() const;
  const std::string& name() const noexcept { return name_; }
  ChildState state() const;
  void set(ChildState state, std::optional<WallTime> next_start = std::nullopt);
  void started(WallTime time, bool again);
  void set_stuck(std::optional<WallTime> since);

  const std::shared_ptr<SlotMailbox> mailbox;

private:
  const std::string name_;
  mutable std::mutex mutex_;
  ChildState state_ = ChildState::stopped;
  std::uint64_t restarts_ = 0;
  std::optional<WallTime> started_;
  std::optional<WallTime> next_start_;
  std::optional<WallTime> stuck_since_;
};

/// An address that never changes for an actor that may. Messages of peers go straight to the child, on the sender's
/// thread; while there is none they are kept, in order. The Slot starts the child, restarts it when it ends, and ends
/// itself, with the reason, when that happens too often. Takes ChildStartRequested and ChildStopRequested itself, and
/// answers Ping while there is no child.
class Slot : public caf::event_based_actor {
public:
  using Super = caf::event_based_actor;
  using Super::consume;
  using Super::enqueue;

  /// `stopped` is called, on the Slot's thread, each time a requested stop is done: whether the child ended by itself.
  Slot(caf::actor_config& config, Environment& environment, ChildSpecification specification,
       std::shared_ptr<ChildStatus> status, std::function<void(bool by_itself)> stopped);

  const char* name() const override { return "Slot"; }
  caf::behavior make_behavior() override;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override;
  caf::invoke_message_result consume(caf::mailbox_element& element) override;
  void on_exit() override;

private:
  void start(bool again);
  void ended(const std::string& reason);
  void escalate(const std::string& reason);
  void stop(std::chrono::milliseconds limit);
  void has_stopped();
  void record_restart();
  void set_timer(caf::atom_value type, std::chrono::milliseconds delay);
  void timer_fired(caf::atom_value type);

  Environment& environment_;
  ChildSpecification specification_;
  const std::shared_ptr<ChildStatus> status_;
  std::function<void(bool)> stopped_;
  std::mt19937_64 random_;
  RestartPolicy policy_;
  caf::strong_actor_ptr child_;
  SlotMailbox::Tenancy tenancy_ = 0;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point ended_;
  TraceContext died_in_; ///< the span in which the last child ended
  ChildState state_ = ChildState::stopped;
  bool killed_ = false;
};

/// The text of an exception that an actor died of, or the reason's name.
std::string text_of(const caf::error& reason, const caf::actor_system& system);

} // namespace runtime_agent::supervision
