#pragma once

// Actors on simulated time, in one thread, for tests of a single actor and of several. A test is ten lines:
//
//   TestSystem system;                                     // TestSystem system(seed): seeded order of actors and jobs
//   FakePeer<StatusWriterActor> status_writer(system);     // records what it is told
//   FakePeer<ConnectionManagerActor> connection_manager(system);
//   Peers peers;                                           // those that the actor talks to
//   peers.status_writer = status_writer.handle();
//   auto watcher = system.spawn<ConfigWatcher>(peers, settings, api);   // the Environment is put in first
//   system.run();                                          // actors and I/O jobs, until nothing is left to do
//   system.io().emit("CompassConnection", ObjectSeen{…});  // what the watch of that name sees
//   system.tell(watcher, FactsRequested{});                // as a peer would
//   system.advance(5min);                                  // timers fire one by one, each at its own time
//   EXPECT_EQ(status_writer.received<CompassConnectionObserved>().size(), 1u);
//
// `system.io().hold()` leaves calls on the way, so that things can happen meanwhile; `lose_jobs()` lets them time out;
// `system.crash_switch().arm("ConfigWatcher", "FactsRequested")` kills; `system.death(watcher)` is the reason, once
// dead.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <ctime>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/supervision/crash_switch.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "tests/unit/support/manual_io.hpp"

namespace runtime_agent::tests {

class TestSystem {
public:
  /// 0: actors and jobs run in the order in which they became ready. Otherwise the seed picks the order.
  explicit TestSystem(std::uint64_t seed = 0)
      : seeded_(seed != 0), random_(seed), io_(seed), configuration_(std::make_unique<Configuration>()),
        system_(std::make_unique<caf::actor_system>(*configuration_)),
        scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler())),
        ring_(supervision::TraceRing::Settings{4096, 2048, std::chrono::nanoseconds(epoch().time_since_epoch())}),
        environment_{io_, ring_, [this] { return wall_now(); }, [this] { return random_() ^ 0x5eed; }, &crash_switch_} {
    system_->await_actors_before_shutdown(false);
  }
  TestSystem(const TestSystem&) = delete;
  TestSystem& operator=(const TestSystem&) = delete;
  ~TestSystem() { end_actors(); }

  caf::actor_system& system() { return *system_; }
  supervision::Environment& environment() { return environment_; }
  ManualIo& io() { return io_; }
  supervision::TraceRing& ring() { return ring_; }
  supervision::CrashSwitch& crash_switch() { return crash_switch_; }

  /// The actors' clock.
  std::chrono::steady_clock::time_point now() { return scheduler_.clock().now(); }
  /// Moves with the actors' clock, from noon of 1 March 2026 (UTC).
  WallTime wall_now() { return epoch() + std::chrono::duration_cast<WallTime::duration>(now().time_since_epoch()); }
  static WallTime epoch() { return std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12); }

  /// Starts an actor, with the Environment and then `arguments`; it ends with this object.
  template <class Actor, class... Arguments>
  auto spawn(Arguments&&... arguments) {
    auto handle = system_->spawn<Actor>(environment_, std::forward<Arguments>(arguments)...);
    own(caf::actor_cast<caf::strong_actor_ptr>(handle));
    return handle;
  }
  /// Ends the actor with this object, and remembers what it died of.
  void own(const caf::strong_actor_ptr& actor) {
    owned_.push_back(actor);
    actor->get()->attach_functor(
        [deaths = deaths_, id = actor->id()](const caf::error& reason) { (*deaths)[id] = reason; });
  }

  /// Sends without a sender and without a trace. Nothing is handled before `run`.
  template <class Handle, class Message>
  void send(const Handle& receiver, Message message) {
    caf::anon_send(caf::actor_cast<caf::actor>(receiver), std::move(message));
  }
  /// Sends, and runs until nothing is left to do.
  template <class Handle, class Message>
  void tell(const Handle& receiver, Message message) {
    send(receiver, std::move(message));
    run();
  }

  /// One step of an actor or one I/O job. False: nothing is left to do at this time.
  bool step() {
    const std::size_t actors = scheduler_.jobs.size();
    const std::size_t jobs = io_.held() ? 0 : io_.queued();
    if (actors + jobs == 0)
      return false;
    const std::size_t pick = seeded_ ? random_() % (actors + jobs) : 0;
    if (pick >= actors)
      return io_.run_one();
    std::swap(scheduler_.jobs[0], scheduler_.jobs[pick]);
    const auto begun = cpu_time();
    scheduler_.run_once();
    longest_handler_ = std::max(longest_handler_, cpu_time() - begun);
    return true;
  }
  /// CPU time of the longest step of an actor: one message, or one timer.
  std::chrono::nanoseconds longest_handler() const { return longest_handler_; }
  void forget_longest_handler() { longest_handler_ = {}; }
  /// Runs actors and I/O jobs until nothing is left to do at this time.
  void run() {
    while (step()) {
    }
  }
  /// Lets time pass: whatever falls due on the way happens at its own time, with all that follows from it.
  void advance(std::chrono::nanoseconds duration) {
    const auto until = now() + duration;
    run();
    while (const auto due = next_due()) {
      if (*due > until)
        break;
      scheduler_.advance_time(std::max(*due - now(), std::chrono::nanoseconds(0)));
      run();
    }
    scheduler_.advance_time(until - now());
    run();
  }
  /// When the next timer is due.
  std::optional<std::chrono::steady_clock::time_point> next_due() {
    const auto& schedule = scheduler_.clock().schedule();
    return schedule.empty() ? std::nullopt : std::optional(schedule.begin()->first);
  }

  /// What an actor of `spawn` or `own` died of; empty while it lives. An exception's text, or the reason's name.
  template <class Handle>
  std::optional<std::string> death(const Handle& actor) {
    const auto found = deaths_->find(caf::actor_cast<caf::strong_actor_ptr>(actor)->id());
    if (found == deaths_->end())
      return std::nullopt;
    const caf::error& reason = found->second;
    if (reason.category() == caf::atom("system") && reason.context().match_elements<std::string>())
      return reason.context().get_as<std::string>(0);
    return system_->render(reason);
  }
  /// Actors that are alive in the whole system.
  std::size_t alive() { return system_->registry().running(); }

  /// Ends all actors of `spawn` and `own`.
  void end_actors() {
    for (const auto& actor : owned_)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(actor), caf::exit_reason::kill);
    owned_.clear();
    io_.lose_jobs();
    run();
  }

private:
  struct Configuration : caf::actor_system_config {
    Configuration() { set("scheduler.policy", caf::atom("testing")); }
  };

  static std::chrono::nanoseconds cpu_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }

  const bool seeded_;
  std::chrono::nanoseconds longest_handler_{0};
  std::mt19937_64 random_;
  ManualIo io_;
  supervision::CrashSwitch crash_switch_;
  std::unique_ptr<Configuration> configuration_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator& scheduler_;
  supervision::TraceRing ring_;
  supervision::Environment environment_;
  std::vector<caf::strong_actor_ptr> owned_;
  std::shared_ptr<std::map<caf::actor_id, caf::error>> deaths_ =
      std::make_shared<std::map<caf::actor_id, caf::error>>();
};

/// Stands for a peer: takes every message of its protocol and records it.
template <class Handle>
class FakePeer {
public:
  explicit FakePeer(TestSystem& system) : log_(std::make_shared<Log>()) {
    const auto actor = system.system().template spawn<Recorder>(log_);
    system.own(caf::actor_cast<caf::strong_actor_ptr>(actor));
    handle_ = caf::actor_cast<Handle>(actor);
  }
  ~FakePeer() { log_->reactions.clear(); }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  const Handle& handle() const { return handle_; }
  /// The messages of that type, oldest first.
  template <class Message>
  std::vector<Message> received() const {
    std::vector<Message> found;
    for (const caf::message& message : log_->messages)
      if (message.match_elements<Message>())
        found.push_back(message.get_as<Message>(0));
    return found;
  }
  /// The youngest of that type.
  template <class Message>
  std::optional<Message> last() const {
    auto all = received<Message>();
    return all.empty() ? std::nullopt : std::optional<Message>(std::move(all.back()));
  }
  /// All messages, of whatever type.
  std::size_t count() const { return log_->messages.size(); }
  void clear() { log_->messages.clear(); }
  /// Runs `reaction` for each message of that type from now on.
  template <class Message>
  void on(std::function<void(const Message&)> reaction) {
    log_->reactions.push_back([reaction = std::move(reaction)](const caf::message& message) {
      if (message.match_elements<Message>())
        reaction(message.get_as<Message>(0));
    });
  }

private:
  struct Log {
    std::vector<caf::message> messages;
    std::vector<std::function<void(const caf::message&)>> reactions;
  };
  class Recorder : public caf::event_based_actor {
  public:
    Recorder(caf::actor_config& config, std::shared_ptr<Log> log) : caf::event_based_actor(config) {
      set_default_handler(
          [log = std::move(log)](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
            log->messages.push_back(view.copy_content_to_message());
            const caf::message message = log->messages.back();
            for (const auto& reaction : log->reactions)
              reaction(message);
            return caf::message{};
          });
    }
    const char* name() const override { return "FakePeer"; }
    caf::behavior make_behavior() override {
      return {[](caf::unit_t) {}}; // an actor without a behaviour ends; all else goes to the default handler
    }
  };

  std::shared_ptr<Log> log_;
  Handle handle_;
};

} // namespace runtime_agent::tests
