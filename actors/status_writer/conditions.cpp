#include "actors/status_writer/conditions.hpp"

#include <algorithm>
#include <optional>

#include "transport/printable.hpp"
#include "transport/rfc3339.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;

constexpr const char* nothing_yet = "NothingSynchronizedYet";

Condition connected(const Facts& facts) {
  Condition condition{"Connected", "Unknown", "NothingKnownYet", ""};
  if (!facts.connection)
    return condition;
  const ConnectionReport& report = *facts.connection;
  condition.status = report.connected && !report.connecting ? "True" : "False";
  if (report.connecting) {
    condition.reason = "ConnectionFailed";
    condition.message = report.connecting->text();
  } else if (report.maintaining) {
    condition.reason = "ConnectionMaintenanceFailed";
    condition.message = report.maintaining->text();
  } else {
    condition.reason = report.connected ? "CertificateValid" : "NoCertificate";
    condition.message = report.connected ? "Compass issued a certificate" : "there is no usable certificate";
  }
  return condition;
}

Condition synchronized(const Facts& facts, std::string_view state) {
  Condition condition{"Synchronized", "False", nothing_yet, "no synchronization has completed yet"};
  const auto& report = facts.synchronization;
  if (!report || !(report->last_attempt || report->fetching)) {
    // Until this process has tried: what the object says of the process before.
    if (state == "Synchronized")
      condition = {"Synchronized", "True", "Synchronized", ""};
    else if (state != "Connected" && !state.starts_with("Connection"))
      condition = {"Synchronized", "False", std::string(state), ""};
    return condition;
  }
  const std::string_view outcome = synchronization_state(*report);
  if (outcome == "Synchronized")
    return {"Synchronized", "True", "Synchronized", "the cluster matches the Director"};
  if (outcome == "Connected")
    return condition;
  return {"Synchronized", "False", std::string(outcome), synchronization_error(*report)};
}

Condition ready(const Condition& connected, const Condition& synchronized, std::string_view state) {
  if (state == "Synchronized")
    return {"Ready", "True", "Synchronized", "connected and synchronized"};
  const bool connection = state.starts_with("Connection");
  const std::string reason = state == "Connected" ? nothing_yet : std::string(state);
  return {"Ready", "False", reason, connection ? connected.message : synchronized.message};
}

/// The condition of that type in `list`, const or not; null where there is none.
template <class List>
auto find(List& list, std::string_view type) -> decltype(&list.front()) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const Json& entry) {
    return entry.is_object() && entry.contains("type") && entry["type"] == std::string(type);
  });
  return found == list.end() ? nullptr : &*found;
}

constexpr const char* observed = "observedGeneration";
const Json::json_pointer conditions_in_object("/status/conditions");

std::int64_t generation_of(const Json& object) {
  const auto generation = object.value("/metadata/generation"_json_pointer, Json());
  return generation.is_number_integer() ? generation.get<std::int64_t>() : 0;
}

constexpr std::string_view contested_type = "Contested";
constexpr std::array<std::string_view, 4> own_types{"Ready", "Connected", "Synchronized", contested_type};

/// Only where there has been something to say.
std::optional<Condition> contested(const Facts& facts, const Json& list) {
  if (!facts.contested.empty())
    return Condition{contested_type, "True", "AnotherWriter", facts.contested};
  if (find(list, contested_type))
    return Condition{contested_type, "False", "LeftAlone", "nobody else changes this object any more"};
  return std::nullopt;
}

} // namespace

bool conditions_are_behind(const Json& object) {
  if (!object.contains(conditions_in_object))
    return false;
  const auto generation = generation_of(object);
  return std::any_of(own_types.begin(), own_types.end(), [&](std::string_view type) {
    const Json* condition = find(object.at(conditions_in_object), type);
    return condition && condition->contains(observed) && (*condition)[observed].is_number_integer() &&
           (*condition)[observed].get<std::int64_t>() < generation;
  });
}

void observe_next_generation(Json& object) {
  if (!object.contains(conditions_in_object))
    return;
  const auto next = generation_of(object) + 1;
  for (const std::string_view type : own_types)
    if (Json* condition = find(object.at(conditions_in_object), type))
      (*condition)[observed] = next;
}

std::array<Condition, 3> conditions(const Facts& facts, std::string_view state) {
  const Condition connection = connected(facts);
  const Condition synchronization = synchronized(facts, state);
  return {ready(connection, synchronization, state), connection, synchronization};
}

bool apply_conditions(Json& status, const Facts& facts, std::string_view state) {
  Json list = status.contains("conditions") && status["conditions"].is_array() ? status["conditions"] : Json::array();
  const auto put = [&](const Condition& condition) {
    Json* present = find(list, condition.type);
    if (!present) {
      list.push_back({{"type", std::string(condition.type)}});
      present = &list.back();
    }
    if (present->value("status", Json()) != std::string(condition.status) || !present->contains("lastTransitionTime"))
      (*present)["lastTransitionTime"] = rfc3339(facts.now);
    (*present)["status"] = std::string(condition.status);
    (*present)["reason"] = condition.reason;
    (*present)["message"] = printable(condition.message);
  };
  for (const Condition& condition : conditions(facts, state))
    put(condition);
  if (const auto condition = contested(facts, list))
    put(*condition);
  if (status.contains("conditions") && status["conditions"] == list)
    return false;
  status["conditions"] = std::move(list);
  return true;
}

} // namespace runtime_agent::status_writer
