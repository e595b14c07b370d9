#include "actors/status_writer/connection_status.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "actors/status_writer/conditions.hpp"
#include "transport/compass/address.hpp"
#include "transport/printable.hpp"
#include "transport/rfc3339.hpp"
#include "transport/utf8.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;

constexpr std::size_t error_limit = 2000; // characters: a status is read in a terminal

constexpr std::array synchronization_states = {
    std::string_view("SynchronizationFailed"), std::string_view("ResourceApplicationFailed"),
    std::string_view("MetadataUpdateFailed"), std::string_view("Synchronized")};

/// Makes sure that `parent[key]` is an object, whatever stood there.
Json& object_at(Json& parent, const char* key) {
  Json& child = parent[key];
  if (!child.is_object())
    child = Json::object();
  return child;
}

/// Sets fields and remembers the weightiest change.
class Editor {
public:
  void set(Json& parent, std::string_view key, const Json& value, Change weight = Change::significant) {
    const std::string name(key);
    if (auto found = parent.find(name); found != parent.end() && *found == value)
      return;
    parent[name] = value;
    change_ = std::max(change_, weight);
  }
  void set_time(Json& parent, std::string_view key, const std::optional<WallTime>& time, Change weight) {
    if (time)
      set(parent, key, rfc3339(*time), weight);
  }
  /// Empty: the field goes. Errors say what services have said: without what a terminal would obey.
  void set_or_remove(Json& parent, std::string_view key, const std::string& value) {
    const std::string name(key);
    if (!value.empty())
      set(parent, key, printable(value));
    else if (parent.erase(name) > 0)
      change_ = Change::significant;
  }
  /// A field that the CRD requires.
  void require(Json& parent, const char* key, Json value) {
    if (parent.contains(key) && parent[key].type() == value.type())
      return;
    parent[key] = std::move(value);
    change_ = Change::significant;
  }
  void changed(Change weight) { change_ = std::max(change_, weight); }
  Change change() const { return change_; }

private:
  Change change_ = Change::none;
};

void apply_connection(Editor& edit, Json& status, const ConnectionReport& report) {
  Json& connection = status["connectionStatus"];
  edit.set_time(connection, "established", report.established, Change::significant);
  edit.set_time(connection, "renewed", report.renewed, Change::significant);
  edit.set_time(connection, "lastSync", report.last_sync, Change::times);
  edit.set_time(connection, "lastSuccess", report.last_success, Change::times);
  // Nowhere on record (an object made by hand, a restart): the certificate's own beginning is the best there is.
  if (report.validity && !connection.contains("established") && !report.established)
    edit.set(connection, "established", rfc3339(report.validity->not_before));
  const auto& failure = report.connecting ? report.connecting : report.maintaining;
  edit.set_or_remove(connection, "error", failure ? failure->text() : "");
  // Last: a field that is added to an object moves its members, and a reference to one of them is then a stale one.
  Json& certificate = connection["certificateStatus"];
  if (report.validity) {
    edit.set(certificate, "notBefore", rfc3339(report.validity->not_before));
    edit.set(certificate, "notAfter", rfc3339(report.validity->not_after));
    if (!certificate.contains("acquired") && !report.acquired)
      edit.set(certificate, "acquired", rfc3339(report.validity->not_before));
  }
  edit.set_time(certificate, "acquired", report.acquired, Change::significant);
}

/// For the definition's columns, beside the contract. A pass that ended before its plan has counted nothing.
void apply_counts(Editor& edit, Json& synchronization, const DesiredStateApplied& applied, bool pruned) {
  if (applied.failure && applied.counts.desired == 0)
    return;
  const bool missed = synchronization.contains(applications_field) || !pruned;
  const Change weight = missed ? Change::significant : Change::none;
  edit.set(synchronization, applications_field, applied.counts.desired, weight);
  edit.set(synchronization, failed_applications_field, applications_of(applied.problems), weight);
}

void apply_synchronization(Editor& edit, Json& status, const SynchronizationReport& report, bool counts_pruned) {
  Json& synchronization = object_at(status, "synchronizationStatus");
  edit.set_time(synchronization, "lastAttempt", report.last_attempt, Change::times);
  edit.set_time(synchronization, "lastSuccessfulFetch", report.last_successful_fetch, Change::times);
  edit.set_time(synchronization, "lastSuccessfulApplication", report.last_successful_application, Change::times);
  edit.set_or_remove(synchronization, "error", synchronization_error(report));
  if (report.applied)
    apply_counts(edit, synchronization, *report.applied, counts_pruned);
}

void apply_urls(Editor& edit, Json& spec, const std::optional<ConnectionReport>& report) {
  edit.require(spec, "managementInfo", Json::object());
  Json& urls = spec["managementInfo"];
  edit.require(urls, "connectorUrl", "");
  edit.require(urls, "directorUrl", "");
  if (report && !report->connector_url.empty())
    edit.set(urls, "connectorUrl", printable(report->connector_url));
  if (report && !report->director_url.empty())
    edit.set(urls, "directorUrl", printable(report->director_url));
}

/// A wish that has been served is set back; one that came since then stands.
void serve_wish(Editor& edit, Json& spec, const char* field, const std::string& wished, const std::string& served) {
  if (!served.empty() && served == wished && spec.contains(field) && spec[field] == true)
    edit.set(spec, field, false);
}

/// What is said in any state: what is insecure by setting, and, since nobody verifies then who says where Compass is,
/// what is worse about its addresses than a person expects.
std::string warning_of(const Facts& facts) {
  std::string text = facts.warning;
  if (text.empty() || !facts.connection)
    return text;
  const auto add = [&text](std::string_view name, const std::string& url) {
    if (const auto warning = compass::address_warning("", url))
      text += fmt::format("; {} {}", name, *warning);
  };
  add("directorUrl", facts.connection->director_url);
  add("connectorUrl", facts.connection->connector_url);
  return text;
}

void apply_annotations(Editor& edit, Json& object, const Facts& facts) {
  Json& metadata = object["metadata"];
  const auto annotation = [&](std::string_view key) {
    const auto found = metadata.find("annotations");
    return found != metadata.end() && found->is_object() ? found->value(std::string(key), "") : std::string();
  };
  const std::string reconnect = annotation(reconnect_annotation);
  if (!reconnect.empty() && facts.connection && facts.connection->reconnect_served == reconnect)
    edit.set_or_remove(metadata["annotations"], reconnect_annotation, "");
  const std::string present = annotation(warning_annotation);
  const std::string warning = printable(warning_of(facts));
  // Until the connection is known again, what the process before has said of it stands.
  const bool may_be_more = !facts.connection && !warning.empty() && present.starts_with(warning);
  if (present != warning && !may_be_more)
    edit.set_or_remove(object_at(metadata, "annotations"), warning_annotation, warning);
}

/// The first attempt to connect is under way: it has not failed, and the CRD takes no status without a state.
bool nothing_to_tell(const Facts& facts) {
  return facts.connection && !facts.connection->connected && !facts.connection->connecting &&
         !facts.connection->maintaining;
}

std::string present_state(const Json& status) {
  const auto found = status.find("connectionState");
  return found != status.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace

std::string_view synchronization_state(const SynchronizationReport& report) {
  if (report.fetching)
    return "SynchronizationFailed";
  if (report.applied && (report.applied->failure || !report.applied->problems.empty()))
    return "ResourceApplicationFailed";
  if (report.labelling)
    return "MetadataUpdateFailed";
  return report.synchronized ? "Synchronized" : "Connected";
}

std::string_view connection_state(const Facts& facts, std::string_view present) {
  if (facts.connection) {
    if (facts.connection->connecting)
      return "ConnectionFailed";
    if (facts.connection->maintaining)
      return "ConnectionMaintenanceFailed";
    if (!facts.connection->connected)
      return "ConnectionFailed";
  }
  if (facts.synchronization && (facts.synchronization->last_attempt || facts.synchronization->fetching))
    return synchronization_state(*facts.synchronization);
  const auto* const known = std::find(synchronization_states.begin(), synchronization_states.end(), present);
  return known != synchronization_states.end() ? *known : "Connected";
}

std::string synchronization_error(const SynchronizationReport& report) {
  if (report.fetching)
    return report.fetching->text();
  std::string text;
  if (report.applied && report.applied->failure)
    text = report.applied->failure->text();
  if (report.applied && !report.applied->problems.empty()) {
    const auto& problems = report.applied->problems;
    const std::size_t failed = applications_of(problems);
    text += fmt::format("{}{} of {} Applications failed: ", text.empty() ? "" : ". ", failed,
                        std::max<std::size_t>(report.applied->counts.desired, failed));
    std::size_t shown = 0;
    for (const auto& problem : problems) {
      const std::string one = fmt::format("{}{}: {}", shown > 0 ? "; " : "", problem.application, problem.reason);
      if (shown > 0 && text.size() + one.size() > error_limit)
        break;
      text += bounded(one, error_limit - 3); // and "…"
      ++shown;
    }
    if (const auto more = failed - applications_of({problems.data(), shown}); more > 0)
      text += fmt::format("; and {} more", more);
  }
  if (text.empty() && report.labelling)
    text = report.labelling->text();
  return text;
}

Change apply_facts(kubernetes::Json& object, const Facts& facts) {
  Editor edit;
  Json& spec = object_at(object, "spec");
  apply_urls(edit, spec, facts.connection);
  if (facts.synchronization)
    serve_wish(edit, spec, "resyncNow", facts.resync_id, facts.synchronization->resync_served);
  if (facts.connection)
    serve_wish(edit, spec, "refreshCredentialsNow", facts.refresh_id, facts.connection->refresh_served);
  apply_annotations(edit, object, facts);

  if (!object.contains("status") && nothing_to_tell(facts))
    return edit.change();
  edit.require(object, "status", Json::object());
  Json& status = object["status"];
  edit.require(status, "connectionStatus", Json::object());
  edit.require(status["connectionStatus"], "certificateStatus", Json::object());
  const std::string present = present_state(status);
  const std::string_view state = connection_state(facts, present);
  edit.set(status, "connectionState", state);
  if (facts.connection)
    apply_connection(edit, status, *facts.connection);
  if (facts.synchronization)
    apply_synchronization(edit, status, *facts.synchronization, facts.counts_pruned);
  const bool missed = status.contains("conditions") || !facts.conditions_pruned;
  if (apply_conditions(status, facts, state) && missed)
    edit.changed(Change::significant);
  if (conditions_are_behind(object))
    edit.changed(Change::times);
  if (edit.change() != Change::none)
    observe_next_generation(object);
  return edit.change();
}

kubernetes::Json new_object(const Facts& facts, const std::string& absence_id) {
  Json object = {{"apiVersion", "compass.kyma-project.io/v1alpha1"},
                 {"kind", "CompassConnection"},
                 {"metadata", {{"name", object_name}}},
                 {"spec", Json::object()}};
  if (!absence_id.empty())
    object["metadata"]["annotations"][std::string(reconnect_annotation)] = absence_id;
  apply_facts(object, facts); // takes the annotation away again where the reconnect has been served already
  if (object["metadata"].contains("annotations") && object["metadata"]["annotations"].empty())
    object["metadata"].erase("annotations");
  return object;
}

} // namespace runtime_agent::status_writer
