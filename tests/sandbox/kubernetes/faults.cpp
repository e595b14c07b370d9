#include "tests/sandbox/kubernetes/faults.hpp"

#include <algorithm>

namespace runtime_agent::sandbox::kube {
namespace {

bool glob(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star))
    return false;
  for (auto at = star; at <= text.size(); ++at)
    if (glob(pattern.substr(star + 1), text.substr(at)))
      return true;
  return false;
}

bool concerns(const Fault& fault, const Attributes& request) {
  return (fault.verb.empty() || fault.verb == request.verb) &&
         (fault.resource.empty() || fault.resource == request.resource) &&
         matches_pattern(fault.namespace_, request.namespace_) && matches_pattern(fault.name, request.name);
}

} // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  return pattern.empty() || glob(pattern, text);
}

std::uint64_t Faults::add(Fault fault) {
  std::lock_guard lock(mutex_);
  entries_.push_back({next_id_, std::move(fault)});
  return next_id_++;
}

void Faults::remove(std::uint64_t id) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const Entry& entry) { return entry.id == id; });
}

void Faults::clear() {
  std::lock_guard lock(mutex_);
  entries_.clear();
}

std::uint64_t Faults::hits(std::uint64_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.id == id; });
  return found == entries_.end() ? 0 : found->hits;
}

std::optional<Fault> Faults::take(const Attributes& request) {
  std::lock_guard lock(mutex_);
  for (auto& entry : entries_) {
    const bool exhausted = entry.fault.times != 0 && entry.hits >= entry.fault.times;
    if (exhausted || !concerns(entry.fault, request) || entry.seen++ < entry.fault.skip)
      continue;
    ++entry.hits;
    return entry.fault;
  }
  return std::nullopt;
}

} // namespace runtime_agent::sandbox::kube
