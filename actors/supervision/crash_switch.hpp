#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "transport/failure.hpp"

namespace runtime_agent::supervision {

enum class CrashAction {
  throws, ///< the actor dies
  hangs,  ///< its thread waits until the switch is disarmed
  drops,  ///< the message is not handled
};

struct CrashOrder {
  std::string actor; ///< "*": any
  /// "*" is any; "TimerFired" any timer, "CallFinished" any answer or event, "start" the start; a timer, call or watch
  /// has its own name too.
  std::string message_type;
  std::uint32_t count = 1; ///< how often
  std::uint32_t skip = 0;  ///< how many pass before
  CrashAction action = CrashAction::throws;
  bool afterwards = false; ///< when the message has been handled, instead of before; not for `drops`
};

/// `ACTOR:MESSAGE[:ACTION[:COUNT[:SKIP]]]`, ACTION being throw, throw-after, hang, hang-after or drop; several are
/// separated by semicolons.
Result<std::vector<CrashOrder>> parse_crash_orders(std::string_view text);

/// Makes an actor throw, hang or drop a message, for tests and the demo. Thread-safe; costs one relaxed load while
/// nothing is armed.
class CrashSwitch {
public:
  void arm(CrashOrder order);
  void arm(std::string actor, std::string message_type, std::uint32_t count = 1, std::uint32_t skip = 0) {
    arm(CrashOrder{std::move(actor), std::move(message_type), count, skip});
  }
  /// Forgets all that is armed, and lets go on what hangs.
  void disarm();
  bool armed() const noexcept { return armed_.load(std::memory_order_relaxed); }
  /// Throws std::runtime_error("crash switch: …") or hangs where armed for it; false: the message is to be dropped.
  /// `kind` may be empty.
  bool check(std::string_view actor, std::string_view message_type, std::string_view kind, bool afterwards = false);

private:
  std::atomic<bool> armed_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t disarmed_ = 0; ///< how often
  std::vector<CrashOrder> orders_;
};

} // namespace runtime_agent::supervision
