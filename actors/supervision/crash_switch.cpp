#include "actors/supervision/crash_switch.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace runtime_agent::supervision {

void CrashSwitch::arm(std::string actor, std::string message_type, std::uint32_t count, std::uint32_t skip) {
  if (count == 0)
    return;
  std::lock_guard lock(mutex_);
  entries_.push_back({std::move(actor), std::move(message_type), count, skip});
  armed_.store(true, std::memory_order_relaxed);
}

void CrashSwitch::disarm() {
  std::lock_guard lock(mutex_);
  entries_.clear();
  armed_.store(false, std::memory_order_relaxed);
}

void CrashSwitch::check(std::string_view actor, std::string_view message_type, std::string_view kind) {
  std::lock_guard lock(mutex_);
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const bool matches = entry->message_type == "*" || entry->message_type == message_type ||
                         (!kind.empty() && entry->message_type == kind);
    if (entry->actor != actor || !matches)
      continue;
    if (entry->skip > 0) {
      --entry->skip;
      continue;
    }
    if (--entry->count == 0)
      entries_.erase(entry);
    armed_.store(!entries_.empty(), std::memory_order_relaxed);
    throw std::runtime_error(fmt::format("crash switch: {} at {}", actor, message_type));
  }
}

} // namespace runtime_agent::supervision
