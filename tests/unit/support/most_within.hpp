#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace runtime_agent::tests {

/// How many of these moments (in order) lie within any window of that length, at most.
inline std::size_t most_within(const std::vector<std::chrono::steady_clock::time_point>& moments,
                               std::chrono::nanoseconds window) {
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < moments.size(); ++last) {
    while (moments[last] - moments[first] >= window)
      ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

} // namespace runtime_agent::tests
