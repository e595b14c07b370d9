#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace runtime_agent::app {

/// Counts durations in fixed buckets. Lock-free; a reader may see one that is counted and not summed yet.
template <std::size_t Buckets>
class Histogram {
public:
  /// Upper bounds in seconds, rising.
  using Bounds = std::array<double, Buckets>;

  void observe(const Bounds& bounds, std::chrono::nanoseconds duration) noexcept {
    const double seconds = std::chrono::duration<double>(duration).count();
    std::size_t i = 0;
    while (i < Buckets && seconds > bounds[i])
      ++i;
    counts_[i].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(static_cast<std::uint64_t>(duration.count() > 0 ? duration.count() : 0), std::memory_order_relaxed);
  }
  /// Of bucket `i`, not cumulative; `Buckets` is what is over the last bound.
  std::uint64_t count(std::size_t i) const noexcept { return counts_[i].load(std::memory_order_relaxed); }
  double sum_seconds() const noexcept { return static_cast<double>(sum_.load(std::memory_order_relaxed)) / 1e9; }

private:
  std::array<std::atomic<std::uint64_t>, Buckets + 1> counts_{};
  std::atomic<std::uint64_t> sum_{0}; ///< nanoseconds
};

} // namespace runtime_agent::app
