#include "actors/connection_manager/change_log.hpp"

#include <utility>

#include "actors/supervision/log.hpp"
#include "transport/compass/address.hpp"
#include "transport/rfc3339.hpp"
#include "transport/x509/check.hpp"

namespace runtime_agent::connection_manager {
namespace {

/// A problem is another one when it says something else; when it is tried again does not count.
std::optional<std::string> what(const std::optional<Failure>& problem) {
  return problem ? std::optional(problem->what) : std::nullopt;
}

void log_problem(const char* text, const std::optional<std::string>& before, const std::optional<Failure>& now) {
  if (now && before != now->what)
    log::warning(text, {{"error", now->text()}});
}

/// With verification off, whoever stands in between says where Compass is.
void log_worse_addresses(const ConnectionState& state) {
  const std::string given = state.configuration ? state.configuration->connector_url : std::string();
  const auto& access = state.current->access;
  const std::pair<const char*, const std::string&> addresses[] = {{"directorUrl", access.director_url},
                                                                  {"connectorUrl", access.connector_url}};
  for (const auto& [name, url] : addresses)
    if (const auto warning = compass::address_warning(given, url))
      log::warning("Compass names an address that is worse than CONNECTOR_URL",
                   {{"which", name}, {"warning", *warning}});
}

} // namespace

ChangeLog::ChangeLog(const ConnectionState& before)
    : reconnect_wanted_(before.reconnect_wanted), configuration_(before.configuration),
      connecting_(what(before.connecting)), checking_(what(before.checking)), renewing_(what(before.renewing)),
      connector_refuses_(what(before.connector_refuses)), director_refuses_(what(before.director_refuses)),
      storing_(what(before.storing)), storing_ca_(what(before.storing_ca)),
      unusable_record_(what(before.record.problem)) {
  if (before.current) {
    serial_ = before.current->identity->serial;
    connector_url_ = before.current->access.connector_url;
    director_url_ = before.current->access.director_url;
  }
}

void ChangeLog::write(const ConnectionState& after) const {
  log_problem("connecting failed", connecting_, after.connecting);
  log_problem("checking the connection failed", checking_, after.checking);
  log_problem("renewing the certificate failed", renewing_, after.renewing);
  log_problem("the Connector refuses this certificate", connector_refuses_, after.connector_refuses);
  log_problem("the Director refuses this certificate", director_refuses_, after.director_refuses);
  log_problem("the credentials on record cannot be read or written", storing_, after.storing);
  log_problem("the CA on record cannot be written", storing_ca_, after.storing_ca);
  log_problem("the certificate on record cannot be used", unusable_record_, after.record.problem);
  if (checking_ && !after.checking)
    log::info("checking the connection succeeds again");
  if (!after.reconnect_wanted.empty() && after.reconnect_wanted != reconnect_wanted_)
    log::info("connecting with the configuration's token is asked for", {{"absence", after.reconnect_wanted}});
  if (!after.current)
    return;
  const auto& current = *after.current;
  if (current.identity->serial != serial_)
    log::info("a certificate is in use", {{"serial", current.identity->serial},
                                          {"not_after", rfc3339(current.identity->validity.not_after)},
                                          {"runtime_id", current.access.runtime_id}});
  else if (current.access.connector_url != connector_url_ || current.access.director_url != director_url_)
    log::info("Compass has other addresses",
              {{"connector_url", current.access.connector_url}, {"director_url", current.access.director_url}});
  if (current.access.connector_url != connector_url_ || current.access.director_url != director_url_)
    log_worse_addresses(after);
  if (configuration_ && after.configuration && !(*configuration_ == *after.configuration))
    log::info("the configuration has changed: it is used when connecting anew",
              {{"source", after.configuration->source}});
}

} // namespace runtime_agent::connection_manager
