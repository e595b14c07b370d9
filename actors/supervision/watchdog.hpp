#pragma once

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

struct WatchdogSettings {
  std::chrono::milliseconds interval{1'000};   ///< between two looks
  std::chrono::milliseconds deadline{10'000};  ///< an actor that has not answered for so long is stuck
  std::chrono::milliseconds end_after{20'000}; ///< one that is stuck for so long ends the process
};

/// A stuck actor is as bad as a dead one: asks each actor through its mailbox whether it is there, on a thread of its
/// own. One that does not answer in time is reported in the log and in its facts (`ChildFacts::stuck_since`); one that
/// stays stuck ends the process. An actor that is stopped, or waits for its restart, is not stuck; nor does time count
/// in which the process itself did not run.
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
  void ask(Watch& watch, TimePoint now);

  Environment& environment_;
  const WatchdogSettings settings_;
  std::function<void(const std::string&)> give_up_;
  std::vector<Watch> watches_;
  std::optional<TimePoint> last_look_;
  bool given_up_ = false;
  CancelToken ending_;
  std::thread thread_;
};

} // namespace runtime_agent::supervision
