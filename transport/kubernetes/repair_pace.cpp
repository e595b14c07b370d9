#include "transport/kubernetes/repair_pace.hpp"

#include <algorithm>

namespace runtime_agent::kubernetes {

RepairPace::TimePoint RepairPace::due(TimePoint now) {
  if (quiet(now))
    *this = {};
  contested_ |= backs_off_ && due_ > now;
  trouble_ = std::max({trouble_.value_or(now), now, due_});
  return due_;
}

void RepairPace::repaired(TimePoint now, double chance) {
  if (quiet(now))
    *this = {};
  std::erase_if(repairs_, [now](TimePoint repair) { return now - repair >= period; });
  if (repairs_.size() == at_once)
    repairs_.erase(repairs_.begin());
  repairs_.push_back(now);
  trouble_ = std::max(trouble_.value_or(now), now);
  backs_off_ |= repairs_.size() == at_once;
  due_ = now + least_interval;
  if (!backs_off_)
    return;
  due_ = now + backoff_.next(chance);
  if (repairs_.size() == at_once)
    due_ = std::max(due_, repairs_.front() + period);
}

RepairPaces::TimePoint RepairPaces::due(const std::string& object, TimePoint now) {
  const auto found = paces_.find(object);
  return found == paces_.end() ? TimePoint::min() : found->second.due(now);
}

bool RepairPaces::contested(const std::string& object, TimePoint now) const {
  const auto found = paces_.find(object);
  return found != paces_.end() && found->second.contested(now);
}

std::size_t RepairPaces::contested(TimePoint now) const {
  return static_cast<std::size_t>(
      std::count_if(paces_.begin(), paces_.end(), [now](const auto& entry) { return entry.second.contested(now); }));
}

void RepairPaces::prune(TimePoint now) {
  std::erase_if(paces_, [now](const auto& entry) { return entry.second.quiet(now); });
}

std::string contested_text(const std::string& manager) {
  return "somebody else" + (manager.empty() ? std::string() : " (field manager " + manager + ")") +
         " keeps changing it; it is put right three times a minute, then less and less often";
}

} // namespace runtime_agent::kubernetes
