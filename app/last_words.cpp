#include "app/last_words.hpp"

#include <array>
#include <string_view>

#include "actors/status_writer/connection_status.hpp"
#include "actors/supervision/log.hpp"
#include "transport/printable.hpp"
#include "transport/rfc3339.hpp"
#include "transport/utf8.hpp"

namespace runtime_agent::app {
namespace {

using kubernetes::Json;

constexpr std::size_t longest = 2000; // characters, as every error of the status

struct Place {
  std::string_view state;
  const char* part; ///< of the status
};

/// What is not done any more where that actor does not stay alive (contract §5.4).
Place place_of(const std::string& reason, bool has_certificate) {
  if (reason.starts_with("ConnectionManager"))
    return {has_certificate ? "ConnectionMaintenanceFailed" : "ConnectionFailed", "connectionStatus"};
  if (!has_certificate)
    return {"ConnectionFailed", "connectionStatus"};
  if (reason.starts_with("ApplicationReconciler"))
    return {"ResourceApplicationFailed", "synchronizationStatus"};
  return {"SynchronizationFailed", "synchronizationStatus"};
}

Json& object_at(Json& parent, const char* key) {
  Json& child = parent[key];
  if (!child.is_object())
    child = Json::object();
  return child;
}

} // namespace

void say_last_words(Json& object, const std::string& reason, WallTime now) {
  Json& status = object_at(object, "status");
  Json& certificate = object_at(object_at(status, "connectionStatus"), "certificateStatus"); // the CRD requires both
  const Place place = place_of(reason, certificate.contains("notAfter"));
  status["connectionState"] = place.state;
  Json& part = object_at(status, place.part);
  part[place.part == std::string_view("connectionStatus") ? "lastSync" : "lastAttempt"] = rfc3339(now);
  part["error"] = utf8_prefix("The agent terminated itself and is being restarted: " + printable(reason), longest);
}

void write_last_words(kubernetes::Api& api, const std::string& reason, WallTime now, std::chrono::milliseconds limit) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + limit;
  const auto written = kubernetes::read_modify_write(
      api, kubernetes::compass_connections(), std::string(status_writer::object_name),
      [&](Json& object) {
        say_last_words(object, reason, now);
        return true;
      },
      context);
  if (!written)
    log::warning("the reason for the termination could not be written to the CompassConnection",
                 {{"error", written.error().text()}});
}

} // namespace runtime_agent::app
