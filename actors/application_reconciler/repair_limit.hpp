#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "actors/application_reconciler/digest.hpp"

namespace runtime_agent::application_reconciler {

/// Two programs must not fight at full speed: what needs to be put right more than three times a minute waits. Pure.
/// Source: contract §5.2.
class RepairLimit {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t repairs_at_most = 3;
  static constexpr std::chrono::seconds period{60};

  /// `wanted`: of what the Application should be. Nullopt: write; else: not before that time.
  std::optional<TimePoint> wait_until(const std::string& application, const Digest& wanted, TimePoint now) const;
  /// It was written. A repair only where the same was written before.
  void written(const std::string& application, const Digest& wanted, TimePoint now);
  /// Forgets what no longer counts.
  void prune(TimePoint now);

private:
  struct Writes {
    Digest wanted{};
    TimePoint last;
    std::vector<TimePoint> repairs; ///< oldest first, at most repairs_at_most
  };
  std::map<std::string, Writes> writes_;
};

} // namespace runtime_agent::application_reconciler
