#include "actors/application_reconciler/repair_limit.hpp"

namespace runtime_agent::application_reconciler {

std::optional<RepairLimit::TimePoint> RepairLimit::wait_until(const std::string& object, TimePoint now) const {
  const auto found = repairs_.find(object);
  if (found == repairs_.end() || found->second.size() < repairs_at_most)
    return std::nullopt;
  const TimePoint free = found->second.front() + period;
  return free > now ? std::optional(free) : std::nullopt;
}

void RepairLimit::repaired(const std::string& object, TimePoint now) {
  auto& repairs = repairs_[object];
  repairs.push_back(now);
  if (repairs.size() > repairs_at_most)
    repairs.erase(repairs.begin());
}

void RepairLimit::prune(TimePoint now) {
  std::erase_if(repairs_, [now](const auto& entry) { return now - entry.second.back() >= period; });
}

} // namespace runtime_agent::application_reconciler
