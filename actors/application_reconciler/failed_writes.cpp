#include "actors/application_reconciler/failed_writes.hpp"

#include <algorithm>
#include <utility>

namespace runtime_agent::application_reconciler {

FailedWrites::FailedWrites(Milliseconds initial, Milliseconds ceiling, std::function<double()> random)
    : initial_(initial), ceiling_(ceiling), random_(std::move(random)) {}

const std::vector<std::string>* FailedWrites::waiting(const std::string& application, const Digest& wanted,
                                                      TimePoint now) const {
  const auto found = entries_.find(application);
  if (found == entries_.end() || found->second.wanted != wanted || found->second.not_before <= now)
    return nullptr;
  return &found->second.reasons;
}

void FailedWrites::failed(const std::string& application, const Digest& wanted, std::vector<std::string> reasons,
                          TimePoint now) {
  Entry& entry = entries_[application];
  const bool again = entry.delay.count() > 0 && entry.wanted == wanted;
  entry.delay = again ? std::min(entry.delay * 2, ceiling_) : initial_;
  entry.wanted = wanted;
  entry.reasons = std::move(reasons);
  // Half of it at random: many that failed at once are not tried again at once.
  entry.not_before =
      now + Milliseconds(static_cast<std::int64_t>(static_cast<double>(entry.delay.count()) * (0.5 + random_() / 2)));
}

void FailedWrites::keep(const std::set<std::string>& applications) {
  std::erase_if(entries_, [&](const auto& entry) { return !applications.contains(entry.first); });
}

std::optional<FailedWrites::TimePoint> FailedWrites::next() const {
  std::optional<TimePoint> next;
  for (const auto& [name, entry] : entries_)
    if (!next || entry.not_before < *next)
      next = entry.not_before;
  return next;
}

} // namespace runtime_agent::application_reconciler
