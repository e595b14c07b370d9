#include "actors/application_reconciler/repair_limit.hpp"

namespace runtime_agent::application_reconciler {

std::optional<RepairLimit::TimePoint> RepairLimit::wait_until(const std::string& application, const Digest& wanted,
                                                              TimePoint now) const {
  const auto found = writes_.find(application);
  if (found == writes_.end() || found->second.wanted != wanted || found->second.repairs.size() < repairs_at_most)
    return std::nullopt;
  const TimePoint free = found->second.repairs.front() + period;
  return free > now ? std::optional(free) : std::nullopt;
}

void RepairLimit::written(const std::string& application, const Digest& wanted, TimePoint now) {
  const auto [found, first] = writes_.try_emplace(application, Writes{wanted, now, {}});
  Writes& writes = found->second;
  if (first)
    return;
  writes.last = now;
  if (writes.wanted != wanted) {
    writes = {wanted, now, {}};
    return;
  }
  writes.repairs.push_back(now);
  if (writes.repairs.size() > repairs_at_most)
    writes.repairs.erase(writes.repairs.begin());
}

void RepairLimit::prune(TimePoint now) {
  std::erase_if(writes_, [now](const auto& entry) { return now - entry.second.last >= period; });
}

} // namespace runtime_agent::application_reconciler
