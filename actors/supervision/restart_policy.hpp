#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>

namespace runtime_agent::supervision {

/// When a child that ended is started again, and when its Slot gives up. One-for-one, permanent, in OTP's words.
struct RestartSettings {
  std::chrono::milliseconds initial_delay{100}; ///< doubles with each restart
  std::chrono::milliseconds longest_delay{30'000};
  double jitter = 0.2; ///< of the delay, in both directions; 0 to 1
  /// A child that has lived that long begins with the initial delay again.
  std::chrono::milliseconds stable_after{60'000};
  /// More than `intensity` ends within `period` are escalated.
  std::size_t intensity = 10;
  std::chrono::milliseconds period{300'000};
  /// Messages that wait for the next child; the oldest go, for a newer fact replaces an older one.
  std::size_t buffer_limit = 1000;
};

/// Counts the ends of one child and decides. Pure but for its memory of them.
class RestartPolicy {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit RestartPolicy(const RestartSettings& settings) : settings_(settings) {}

  /// The child started at `started` has ended `now`. How long to wait, or nothing where it is to be escalated.
  std::optional<std::chrono::milliseconds> ended(TimePoint started, TimePoint now, std::mt19937_64& random);
  /// Ends within the period.
  std::size_t recent() const noexcept { return ends_.size(); }

private:
  RestartSettings settings_;
  std::deque<TimePoint> ends_;
  std::uint32_t in_a_row_ = 0;
};

} // namespace runtime_agent::supervision
