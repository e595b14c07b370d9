#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace runtime_agent::supervision {

/// Makes an actor throw at a given message, for tests and the demo. Thread-safe; costs one relaxed load while nothing
/// is armed.
class CrashSwitch {
public:
  /// The actor of that name throws at the next `count` messages of that type, after letting `skip` of them pass. "*" is
  /// any type; "TimerFired" any timer, "CallFinished" any answer or event; a timer, call or watch has its own name too.
  void arm(std::string actor, std::string message_type, std::uint32_t count = 1, std::uint32_t skip = 0);
  /// Forgets all that is armed.
  void disarm();
  bool armed() const noexcept { return armed_.load(std::memory_order_relaxed); }
  /// Throws std::runtime_error("crash switch: …") where armed for it. `kind` may be empty.
  void check(std::string_view actor, std::string_view message_type, std::string_view kind);

private:
  struct Entry {
    std::string actor;
    std::string message_type;
    std::uint32_t count;
    std::uint32_t skip;
  };
  std::atomic<bool> armed_{false};
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

} // namespace runtime_agent::supervision
