#include <fmt/format.h>

#include "app/commands/checks.hpp"
#include "app/commands/on_record.hpp"
#include "app/leadership.hpp"
#include "transport/kubernetes/lease.hpp"
#include "transport/kubernetes/timestamp.hpp"

namespace runtime_agent::app {
namespace {

using WallClock = std::chrono::system_clock;

/// How long ago the agent last did anything; nullopt where that is nowhere said.
std::optional<std::chrono::seconds> silence(const std::optional<kubernetes::Json>& connection) {
  std::optional<WallClock::time_point> latest;
  for (const char* pointer : {"/status/connectionStatus/lastSync", "/status/synchronizationStatus/lastAttempt"})
    if (const auto time = kubernetes::parse_rfc3339(text_at(connection, pointer)))
      latest = latest ? std::max(*latest, *time) : *time;
  if (!latest)
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(WallClock::now() - *latest);
}

/// A leader that has been silent for so long does not work.
std::chrono::seconds patience(const Settings& settings) {
  return std::chrono::duration_cast<std::chrono::seconds>(3 * settings.sync_period) + std::chrono::minutes(5);
}

std::string remedy_for(const std::string& state) {
  if (state == "ConnectionFailed")
    return "the rows above show the cause; a spent token has to be replaced by a new one";
  if (state == "ConnectionMaintenanceFailed")
    return "synchronization continues while the certificate is valid: see the rows 'connector' and 'certificate'";
  if (state == "SynchronizationFailed")
    return "see the rows 'configuration' and 'director'; the cluster keeps the last state";
  if (state == "ResourceApplicationFailed")
    return "the error names each Application; the others are applied. The rows of the cluster say what may stand in "
           "the "
           "way";
  return "the Applications are applied; only the Runtime's labels in Compass are not";
}

bool check_state(Checks& checks) {
  CheckReport& report = checks.report;
  if (!checks.connection) {
    report.warning("connection", "there is no CompassConnection: the agent has not run here",
                   "is its pod running? kubectl get pods -A | grep runtime-agent");
    return false;
  }
  const std::string state = text_at(checks.connection, "/status/connectionState");
  const auto silent = silence(checks.connection);
  if (silent && *silent > patience(checks.settings)) {
    report.warning("connection", fmt::format("the agent was last active {} s ago", silent->count()),
                   "is its pod running? Look at its log, and at the holder of the Lease (below)");
    return false;
  }
  std::string error = text_at(checks.connection, "/status/connectionStatus/error");
  if (error.empty())
    error = text_at(checks.connection, "/status/synchronizationStatus/error");
  if (state == "Synchronized")
    report.passed("connection", "the agent says Synchronized");
  else if (state == "Connected" || state.empty())
    report.warning("connection", "the agent is connected, but has not synchronized yet",
                   "wait for the first cycle; 'runtime-agent resync --wait' requests one now");
  else
    report.failed("connection", state + (error.empty() ? "" : ": " + error), remedy_for(state));
  return true;
}

void check_lease(Checks& checks, bool agent_works) {
  CheckReport& report = checks.report;
  const std::string name = checks.settings.certificates_secret.namespace_ + "/" + lease_name;
  if (checks.settings.leader_election == LeaderElection::off)
    return report.skipped("lease", "APP_LEADER_ELECTION is off");
  const auto lease =
      checks.api->get(kubernetes::leases(checks.settings.certificates_secret.namespace_), lease_name, check_context());
  if (!lease && lease.error().kind == FailureKind::not_found)
    return report.skipped("lease", "no agent has requested the Lease " + name);
  if (!lease)
    return report.skipped("lease", lease.error().text());
  const kubernetes::LeaseRecord record = kubernetes::read_lease(*lease);
  if (record.holder.empty())
    return report.warning("lease", "no agent holds the Lease " + name, "is a pod of the agent running?");
  const auto renewed = kubernetes::parse_rfc3339(record.renew_time);
  // By two clocks, one of them the holder's: for a sentence to a person, not for a decision.
  const bool expired = renewed && WallClock::now() > *renewed + record.duration + std::chrono::seconds(60);
  if (expired)
    return report.warning(
        "lease",
        fmt::format("{} holds the Lease {}, and has not renewed it since {}", record.holder, name, record.renew_time),
        "a running agent takes it over within seconds: is a pod of the agent running?");
  if (!agent_works)
    return report.failed(
        "lease", fmt::format("the Lease {} is held by {}, which does not do an agent's work", name, record.holder),
        fmt::format("agents stand by for it: stop that program, or, if it is not an agent, kubectl -n {} "
                    "delete lease {}",
                    checks.settings.certificates_secret.namespace_, lease_name));
  report.passed("lease", fmt::format("{} leads (Lease {})", record.holder, name));
}

} // namespace

void check_connection(Checks& checks) {
  checks.report.section("connection");
  check_lease(checks, check_state(checks));
}

} // namespace runtime_agent::app
