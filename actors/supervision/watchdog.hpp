#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "actors/supervision/environment.hpp"
#include "actors/supervision/supervisor.hpp"
#include "messages/supervision.hpp"
#include "transport/call.hpp"

namespace runtime_agent::supervision {

/// What the process got of the CPU, and whether it could have done with more (starvation.hpp).
struct CpuSource {
  std::function<std::chrono::nanoseconds()> used; ///< by all threads, since the process began; empty: not looked at
  std::function<bool()> wanted;                   ///< now: a thread other than the caller could run, and waits
};

struct WatchdogSettings {
  std::chrono::milliseconds interval{1'000};   ///< between two looks
  std::chrono::milliseconds deadline{10'000};  ///< an actor that has not answered for so long is stuck
  std::chrono::milliseconds end_after{20'000}; ///< one that is stuck for so long ends the process
  CpuSource cpu = {};
};

/// A stuck actor is as bad as a dead one: asks each actor through its mailbox whether it is there, on a thread of its
/// own. One that does not answer in time is reported in the log and in its facts (`ChildFacts::stuck_since`); one that
/// stays stuck ends the process, also where it was given up in the meantime: its thread is lost to those that come
/// after. An actor that is stopped, or waits for its restart, is not stuck; nor does time count in which the process
/// itself did not run, and where it got little CPU, little of it does.
class Watchdog {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `give_up` is called once, on the watchdog's thread, with the reason. All children are added to the supervisor
  /// already; it and the environment outlive this.
  Watchdog(const Supervisor& supervisor, Environment& environment, const WatchdogSettings& settings,
           std::function<void(const std::string&)> give_up);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  /// Nothing where it is started.
  void start();
  void stop();

  /// Whether all actors answer, as far as is known, and the watchdog itself looks: from any thread. True before
  /// `start`.
  bool all_answer(TimePoint now = std::chrono::steady_clock::now()) const;

  /// One look at all actors. What the thread does at each interval, besides TraceRing::retain.
  void look(TimePoint now);

private:
  struct Watch {
    Supervisor::Watched actor;
    std::optional<Ping> ping; ///< not answered yet, as far as is known
    TimePoint asked;
    std::optional<WallTime> life; ///< which of its lives the ping was sent to: when that started
    bool stuck = false;
  };
  void look(Watch& watch, TimePoint now);
  std::chrono::steady_clock::duration lost_since_last_look(TimePoint now);
  void ask(Watch& watch, TimePoint now);

  Environment& environment_;
  const WatchdogSettings settings_;
  std::function<void(const std::string&)> give_up_;
  std::vector<Watch> watches_;
  std::optional<TimePoint> last_look_;
  std::chrono::nanoseconds cpu_used_{0};  ///< at the last look
  std::atomic<TimePoint::rep> looked_{0}; ///< the same for other threads; 0: not yet
  std::atomic<bool> one_is_stuck_{false};
  bool given_up_ = false;
  CancelToken ending_;
  std::thread thread_;
};

} // namespace runtime_agent::supervision
