#pragma once

#include <chrono>
#include <functional>

namespace runtime_agent::http {

/// How long to wait after each failure in a row: exponential with full jitter (contract §4). Not thread-safe.
class Backoff {
public:
  using Duration = std::chrono::milliseconds;

  /// `random` returns values from 0 up to but not including 1; without it, only `next(share)` is used. `initial` is
  /// never waited less than, `ceiling` never more than; a ceiling below `initial` counts as `initial`.
  Backoff(Duration initial, Duration ceiling, std::function<double()> random = nullptr);

  /// The wait before the next attempt: anywhere between `initial` and a bound that starts at twice `initial` and
  /// doubles each time up to the ceiling.
  Duration next();
  /// The same with what was drawn elsewhere, 0 to 1.
  Duration next(double share);
  /// After a success, or when what failed has been changed.
  void reset() noexcept;

private:
  Duration initial_;
  Duration ceiling_;
  std::function<double()> random_;
  Duration bound_;
};

} // namespace runtime_agent::http
