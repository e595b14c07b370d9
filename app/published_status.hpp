#pragma once

#include <mutex>
#include <string>

#include "actors/status_writer/connection_status.hpp"

namespace runtime_agent::app {

/// The facts as StatusWriter last heard them, for the health server's threads. Thread-safe.
class PublishedStatus {
public:
  void publish(const status_writer::Facts& facts) {
    std::lock_guard lock(mutex_);
    facts_ = facts;
  }
  status_writer::Facts facts() const {
    std::lock_guard lock(mutex_);
    return facts_;
  }

private:
  mutable std::mutex mutex_;
  status_writer::Facts facts_;
};

/// Whether the agent is ready, and in words why not.
struct Readiness {
  bool ready = false;
  std::string text;
};

/// Ready: a certificate that is valid at `now`, and a synchronisation that succeeded within three periods and the
/// back-off's ceiling (architecture §8).
Readiness readiness(const status_writer::Facts& facts, WallTime now, std::chrono::milliseconds sync_period);

} // namespace runtime_agent::app
