#pragma once

#include <chrono>
#include <mutex>
#include <optional>

#include "transport/call.hpp"
#include "transport/kubernetes/clock.hpp"

namespace runtime_agent::kubernetes {

/// Puts watches off while their owner has no use for what they tell: the API server would have to tell of every single
/// one of thousands of writes, on the cores that carry them out. Nothing is lost: a watch goes on from the version it
/// had come to. Thread-safe.
class WatchPause {
public:
  /// Ends the watches that are under way; none begins before resume(), or before `at_most` is over: the API server
  /// remembers for little more than a minute.
  void begin(std::chrono::milliseconds at_most, Clock& clock = system_clock());
  void resume();

  /// For reflectors: blocks until there is no pause, or `cancel`.
  void wait_for_end(const CancelToken& cancel, Clock& clock) const;
  /// For reflectors: cancelled when the next pause begins, and by nobody else. Asked for before wait_for_end().
  CancelToken next() const;

private:
  struct Under {
    std::chrono::steady_clock::time_point until;
    CancelToken over;
  };
  mutable std::mutex mutex_;
  std::optional<Under> under_;
  CancelToken next_;
};

} // namespace runtime_agent::kubernetes
