#include "app/published_status.hpp"

#include <fmt/format.h>

#include "transport/rfc3339.hpp"

namespace runtime_agent::app {

Readiness readiness(const status_writer::Facts& facts, WallTime now, std::chrono::milliseconds sync_period,
                    std::chrono::milliseconds backoff) {
  if (!facts.object_problem.empty())
    return {false, "CompassConnection: " + facts.object_problem + "\n"};
  if (!facts.connection)
    return {false, "connection: nothing is known yet\n"};
  if (facts.connection->connecting && !facts.connection->connected)
    return {false, "connection: " + facts.connection->connecting->text() + "\n"};
  if (!facts.connection->connected || !facts.connection->validity)
    return {false, "connection: there is no certificate yet\n"};
  if (now >= facts.connection->validity->not_after)
    return {false, "connection: the certificate expired at " + rfc3339(facts.connection->validity->not_after) + "\n"};
  const bool attempted = facts.synchronization.has_value();
  if (!attempted || !facts.synchronization->last_successful_fetch) {
    const std::string why = attempted && facts.synchronization->fetching ? facts.synchronization->fetching->text()
                                                                         : "the first fetch has not completed yet";
    return {false, "synchronization: " + why + "\n"};
  }
  if (now - *facts.synchronization->last_successful_fetch > 3 * sync_period + backoff)
    return {false, fmt::format("synchronization: the last successful fetch was at {}{}\n",
                               rfc3339(*facts.synchronization->last_successful_fetch),
                               facts.synchronization->fetching ? "; " + facts.synchronization->fetching->text() : "")};
  return {true, "ready\n"};
}

Readiness readiness(const LeadershipFacts& leadership, const status_writer::Facts& facts, WallTime now,
                    std::chrono::milliseconds sync_period, std::chrono::milliseconds backoff) {
  switch (leadership.standing) {
  case Standing::standby:
    return {true, fmt::format("standby: {} leads (Lease {})\n", leadership.holder, leadership.lease)};
  case Standing::waiting:
    return {false, fmt::format("leader election: Lease {}: {}\n", leadership.lease,
                               leadership.problem.empty() ? "nothing is known yet" : leadership.problem)};
  case Standing::leader:
    break;
  }
  return readiness(facts, now, sync_period, backoff);
}

} // namespace runtime_agent::app
