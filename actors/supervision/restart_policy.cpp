#include "actors/supervision/restart_policy.hpp"

#include <algorithm>
#include <cmath>

namespace runtime_agent::supervision {

std::optional<std::chrono::milliseconds> RestartPolicy::ended(TimePoint started, TimePoint now,
                                                              std::mt19937_64& random) {
  ends_.push_back(now);
  while (ends_.front() + settings_.period <= now)
    ends_.pop_front();
  if (ends_.size() > settings_.intensity)
    return std::nullopt;
  if (now - started >= settings_.stable_after)
    in_a_row_ = 0;
  const double longest = static_cast<double>(settings_.longest_delay.count());
  const double doubled =
      std::ldexp(static_cast<double>(settings_.initial_delay.count()), static_cast<int>(std::min(in_a_row_, 60u)));
  ++in_a_row_;
  std::uniform_real_distribution<double> jitter(1 - settings_.jitter, 1 + settings_.jitter);
  return std::chrono::milliseconds(std::llround(std::min(doubled, longest) * jitter(random)));
}

} // namespace runtime_agent::supervision
