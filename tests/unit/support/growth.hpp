#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>

/// Whether work grows as its input does: as a ratio, so that neither the machine nor what it does besides counts.
namespace runtime_agent::tests {

/// CPU time of this thread; of a few runs the quickest, repeated until a run takes long enough to be measured.
template <class Work>
double cpu_seconds(Work work) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  double least = 1e9;
  for (int run = 0; run < 3; ++run) {
    int times = 0;
    const double start = now();
    double passed = 0;
    do {
      work();
      ++times;
      passed = now() - start;
    } while (passed < 0.002);
    least = std::min(least, passed / times);
  }
  return least;
}

/// How much longer `work` takes for eight times the input, per doubling: 2 where it is linear, 4 where it is quadratic.
/// `input` makes one of a given size.
template <class Input, class Work>
double growth_per_doubling(std::size_t size, Input input, Work work) {
  const auto small = input(size);
  const auto large = input(8 * size);
  const double ratio = cpu_seconds([&] { work(large); }) / cpu_seconds([&] { work(small); });
  return std::max(1.0, std::cbrt(ratio));
}

/// Linear work stays below it, n log n too, with room for caches; quadratic work is at 4.
inline constexpr double about_linear = 3.5;

} // namespace runtime_agent::tests
