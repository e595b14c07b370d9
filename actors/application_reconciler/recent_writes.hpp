#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "actors/application_reconciler/observed_state.hpp"

namespace runtime_agent::application_reconciler {

/// What the answers to the last writes said of the objects, until the watch tells of the same versions: a version is
/// one content (uid and all), so what was read from the answer need not be read again from the event. Thread-safe.
template <class Entry>
class RecentWrites {
public:
  /// So many of the youngest are kept; the watch is rarely more than a few hundredths of a second behind.
  static constexpr std::size_t capacity = 64;

  void remember(const Entry& entry) {
    if (entry.resource_version.empty())
      return;
    const std::lock_guard lock(mutex_);
    if (entries_.size() == capacity)
      entries_.pop_front();
    entries_.push_back(entry);
  }

  /// The entry of this object and version, once; nullopt where none is kept.
  std::optional<Entry> take(const std::string& uid, const std::string& resource_version) {
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
      if (entry->resource_version == resource_version && entry->uid == uid) {
        std::optional<Entry> taken(std::move(*entry));
        entries_.erase(entry);
        return taken;
      }
    return std::nullopt;
  }

private:
  std::mutex mutex_;
  std::deque<Entry> entries_; ///< oldest first
};

/// Of both collections.
struct Written {
  RecentWrites<ObservedApplication> applications;
  RecentWrites<ObservedSecret> secrets;
};

} // namespace runtime_agent::application_reconciler
