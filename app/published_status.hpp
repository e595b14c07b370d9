#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>

#include "actors/status_writer/connection_status.hpp"
#include "app/published_leadership.hpp"

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
  /// DirectorFetcher's: how long after a failed fetch the next one comes; 0 while fetching succeeds.
  void publish_backoff(std::chrono::milliseconds backoff) { backoff_ = backoff; }
  std::chrono::milliseconds backoff() const { return backoff_; }

private:
  std::atomic<std::chrono::milliseconds> backoff_{};
  mutable std::mutex mutex_;
  status_writer::Facts facts_;
};

/// Whether the agent is ready, and in words why not.
struct Readiness {
  bool ready = false;
  std::string text;
};

/// Ready: a certificate that is valid at `now`, and a fetch that succeeded within three periods and the present
/// back-off (architecture §8).
Readiness readiness(const status_writer::Facts& facts, WallTime now, std::chrono::milliseconds sync_period,
                    std::chrono::milliseconds backoff);
/// A standby is ready, and says who leads; a leader is judged by `facts`.
Readiness readiness(const LeadershipFacts& leadership, const status_writer::Facts& facts, WallTime now,
                    std::chrono::milliseconds sync_period, std::chrono::milliseconds backoff);

} // namespace runtime_agent::app
