#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/support/point.hpp"
#include "tests/sandbox/request_gate.hpp"

namespace runtime_agent::campaigns {

using namespace e2e;

/// How a run of the scenario has ended.
struct Outcome {
  std::string wrong;          ///< empty: everything is as it should be; else what is not, and at which step
  int new_tokens = 0;         ///< how often the agent said that its token is spent, and was given a new one
  int restarts = 0;           ///< how often its process had ended, and was started again
  std::string unexpected_end; ///< of a process that nobody had killed
  std::chrono::milliseconds duration{0};
};

/// Pair → synchronise → renew → reconnect, by the real binary in a sandbox of its own. Nothing in it is timed: each
/// step waits for what it has brought about, and an operator stands by who restarts the process (as Kubernetes does)
/// and gives a new token when the CompassConnection says that the old one is spent, but does nothing else.
class Scenario {
public:
  Scenario();

  World& world() { return world_; }
  /// Asks `passes` about each of the agent's requests, until the end of the run.
  void guard(std::function<bool(const Point& kind, sandbox::Stage)> passes);
  /// Called again and again while the scenario waits.
  void meanwhile(std::function<void()> look) { meanwhile_ = std::move(look); }
  /// The operator gives a new token when the same text has stood for so long, by default for
  /// longer than the status lags behind.
  void give_tokens_after(std::chrono::milliseconds time) { patience_ = time; }
  /// Once. `limit` holds for each step.
  Outcome run(std::chrono::milliseconds limit = std::chrono::seconds(60));
  /// SIGKILL; when the process is dead, `then` looks at what it has left, before another one is started. For a gate's
  /// thread.
  void kill_agent(const std::function<void()>& then);
  /// How many processes have been started.
  int processes() const { return processes_; }
  /// What the processes have written.
  std::string log();

private:
  void unguard();
  bool step(const std::string& name, const std::function<bool()>& reached);
  void start_agent();
  void restart_if_ended();
  void give_token_if_spent();
  void configure();
  nlohmann::json connection();
  std::string state();
  std::string certificate();
  /// What keeps the end from being a good one.
  std::string unfinished();

  World world_;
  Variables environment_;
  std::chrono::milliseconds limit_{0};
  Outcome outcome_;
  std::function<void()> meanwhile_;
  std::chrono::milliseconds patience_{1500};
  std::chrono::steady_clock::time_point asked_since_;
  std::string asking_error_;
  std::string answered_error_;
  std::string old_logs_;
  std::mutex process_mutex_;
  std::atomic<int> processes_{0};
  std::atomic<bool> killed_{false};
  pid_t process_ = -1;
  std::chrono::system_clock::time_point started_at_; ///< of the present process
};

} // namespace runtime_agent::campaigns
