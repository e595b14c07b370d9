#include "app/commands/status_report.hpp"

#include <algorithm>

#include "actors/status_writer/connection_status.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

constexpr std::size_t events_shown = 5;

/// The text at a path of keys; null where there is none.
Json at(const Json& object, std::initializer_list<const char*> path) {
  const Json* present = &object;
  for (const char* key : path) {
    if (!present->is_object() || !present->contains(key))
      return {};
    present = &(*present)[key];
  }
  return *present;
}

std::string next_step(const Json& document) {
  const Json& state = document["state"];
  if (state == "Synchronized")
    return "";
  if (state.is_null())
    return "is the agent deployed? kubectl get pods -A | grep runtime-agent";
  if (state == "ConnectionFailed")
    return "put a new token into the configuration object";
  if (state == "Connected")
    return "wait: the first synchronization has not completed";
  return "runtime-agent trace --failed --last (in the pod) shows where it fails";
}

Json newest_events(const Json& events) {
  std::vector<Json> all(events.begin(), events.end());
  const auto time = [](const Json& event) {
    const Json last = at(event, {"lastTimestamp"});
    return last.is_string() ? last : at(event, {"eventTime"});
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Json& a, const Json& b) { return time(a).dump() > time(b).dump(); });
  Json shown = Json::array();
  for (std::size_t i = 0; i < std::min(all.size(), events_shown); ++i)
    shown.push_back({{"time", time(all[i])},
                     {"type", at(all[i], {"type"})},
                     {"reason", at(all[i], {"reason"})},
                     {"message", at(all[i], {"message"})}});
  return shown;
}

/// "2030-01-01T00:00:00Z (in 89 d)".
std::string moment(const Json& time, const Json& now) {
  return time.is_string() && !time.get<std::string>().empty()
             ? printable(time.get<std::string>()) + " (" + ago_text(time, now) + ")"
             : "-";
}

std::string counts_text(const Json& document) {
  std::string text = document["applications"].is_null()
                         ? "may not be listed"
                         : document["applications"].dump() + " of Compass in the cluster";
  const Json &all = document["directorsApplications"], &failed = document["failedApplications"];
  if (all.is_number() && failed.is_number()) // not where the definition is one that drops the counts
    text += fmt::format("; of the Director's {}, {} failed", all.dump(), failed.dump());
  return text;
}

/// What another program keeps changing; null: nothing, or the definition drops conditions.
Json contested(const Json& status) {
  const Json conditions = at(status, {"conditions"});
  for (const Json& condition : conditions)
    if (at(condition, {"type"}) == "Contested" && at(condition, {"status"}) == "True")
      return at(condition, {"message"});
  return {};
}

std::string words(const Json& value) {
  return value.is_string() ? printable(value.get<std::string>()) : value.is_null() ? "-" : value.dump();
}

} // namespace

Json status_document(const StatusFacts& facts, WallTime now) {
  const Json& status = at(facts.connection, {"status"});
  Json secrets = Json::array();
  for (const SecretFacts& secret : facts.secrets)
    secrets.push_back({{"name", secret.name},
                       {"created", secret.created},
                       {"keys", secret.keys},
                       {"problem", secret.problem.empty() ? Json() : Json(secret.problem)}});
  return {{"time", precise_timestamp(now)},
          {"state", at(status, {"connectionState"})},
          {"problem", facts.problem.empty() ? Json() : Json(facts.problem)},
          {"contested", contested(status)},
          {"connectionError", at(status, {"connectionStatus", "error"})},
          {"established", at(status, {"connectionStatus", "established"})},
          {"certificateNotAfter", at(status, {"connectionStatus", "certificateStatus", "notAfter"})},
          {"lastSynchronization", at(status, {"synchronizationStatus", "lastSuccessfulApplication"})},
          {"lastAttempt", at(status, {"synchronizationStatus", "lastAttempt"})},
          {"synchronizationError", at(status, {"synchronizationStatus", "error"})},
          {"applications", facts.applications ? Json(*facts.applications) : Json()},
          {"directorsApplications", at(status, {"synchronizationStatus", status_writer::applications_field})},
          {"failedApplications", at(status, {"synchronizationStatus", status_writer::failed_applications_field})},
          {"secrets", std::move(secrets)},
          {"events", newest_events(facts.events)},
          {"agent", facts.agent}};
}

std::string status_text(const Json& document) {
  const Json& now = document["time"];
  std::string text;
  const auto line = [&text](const char* label, const std::string& value) {
    text += fmt::format("{:<16}{}\n", label, value);
  };
  const auto error = [&](const char* key) {
    if (document[key].is_string() && document[key] != "")
      line("", "! " + words(document[key]));
  };
  line("State", words(document["state"]));
  error("problem");
  error("contested");
  error("connectionError");
  line("Certificate", "expires " + moment(document["certificateNotAfter"], now));
  line("Synchronized", moment(document["lastSynchronization"], now));
  error("synchronizationError");
  line("Applications", counts_text(document));
  for (const Json& secret : document["secrets"])
    line("Secret", words(secret["name"]) +
                       (secret["problem"].is_null()
                            ? fmt::format(", {} key{}, made {}", secret["keys"].size(),
                                          secret["keys"].size() == 1 ? "" : "s", moment(secret["created"], now))
                            : ": " + words(secret["problem"])));
  for (const Json& event : document["events"])
    line("Event", ago_text(event["time"], now) + "  " + words(event["reason"]) + ": " + words(event["message"]));
  const Json& agent = document["agent"];
  if (agent.is_object() && agent.contains("actors")) {
    line("Agent", "version " + words(agent["version"]) + ", started " + ago_text(agent["started"], now) +
                      (agent["ready"] == true ? ", ready" : ", not ready: " + words(agent["readyText"])));
    for (const Json& problem : agent["problems"])
      line("", "! " + words(problem["part"]) + ": " + words(problem["text"]));
    text += "\n" + actors_text({{"actors", agent["actors"]}, {"time", now}});
  }
  if (const std::string next = next_step(document); !next.empty())
    line("Next", next);
  return text;
}

} // namespace runtime_agent::app
