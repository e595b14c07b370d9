#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace runtime_agent::application_reconciler {

/// Two programs must not fight at full speed: an object that needs to be put right more than three times a minute
/// waits. Objects are named as `object_of_*` says. Pure. Source: contract §5.2.
class RepairLimit {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  static constexpr std::size_t repairs_at_most = 3;
  static constexpr std::chrono::seconds period{60};

  bool empty() const { return repairs_.empty(); }
  /// Nullopt: write; else: not before that time.
  std::optional<TimePoint> wait_until(const std::string& object, TimePoint now) const;
  /// It was put right, though nothing that is wanted of it had changed.
  void repaired(const std::string& object, TimePoint now);
  /// Forgets what no longer counts.
  void prune(TimePoint now);

private:
  std::map<std::string, std::vector<TimePoint>> repairs_; ///< oldest first, at most repairs_at_most
};

} // namespace runtime_agent::application_reconciler
