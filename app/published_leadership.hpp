#pragma once

#include <mutex>
#include <string>

#include "messages/status.hpp"

namespace runtime_agent::app {

/// Whether this process acts.
enum class Standing {
  waiting, ///< not known yet: the Lease could not be had or seen
  leader,
  standby, ///< another one leads
};
std::string_view to_string(Standing standing);

/// For readiness, pages and metrics.
struct LeadershipFacts {
  Standing standing = Standing::waiting;
  bool election = false; ///< false: APP_LEADER_ELECTION=off
  bool alone = false;    ///< leader because Leases are forbidden: it does not know of others
  std::string lease;     ///< "compass-system/runtime-agent"
  std::string identity;  ///< of this process
  std::string holder;    ///< who leads, where another does
  std::string problem;   ///< while waiting: why
  WallTime since{};      ///< of the present standing
};

/// Written by the election, read by the health server's threads. Thread-safe.
class PublishedLeadership {
public:
  void publish(LeadershipFacts facts) {
    std::lock_guard lock(mutex_);
    facts_ = std::move(facts);
  }
  LeadershipFacts facts() const {
    std::lock_guard lock(mutex_);
    return facts_;
  }

private:
  mutable std::mutex mutex_;
  LeadershipFacts facts_;
};

} // namespace runtime_agent::app
