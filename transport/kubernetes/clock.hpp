#pragma once

#include <chrono>

#include "transport/call.hpp"

namespace runtime_agent::kubernetes {

/// What time it is, and waiting: given, so that tests run back-offs of minutes in no time (architecture §5).
/// Thread-safe.
class Clock {
public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;
  /// For what the outside dates: expiry of credentials, `Retry-After` as a date.
  virtual std::chrono::system_clock::time_point wall() const = 0;
  /// Blocks until `duration` is over or `cancel` is cancelled. Returns whether it is cancelled.
  virtual bool wait(const CancelToken& cancel, std::chrono::steady_clock::duration duration) = 0;
};

/// The real one; lives as long as the process.
Clock& system_clock();

} // namespace runtime_agent::kubernetes
