#include <fmt/format.h>

#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/config_watcher/configuration_object.hpp"
#include "actors/connection_manager/credential_record.hpp"
#include "actors/connection_manager/failure_texts.hpp"
#include "actors/status_writer/connection_status.hpp"
#include "app/commands/checks.hpp"
#include "app/commands/environment.hpp"
#include "app/commands/on_record.hpp"
#include "app/mapping.hpp"
#include "app/version.hpp"
#include "transport/compass/make_clients.hpp"
#include "transport/compass/refusals.hpp"
#include "transport/http/make_client.hpp"
#include "transport/rfc3339.hpp"
#include "transport/x509/check.hpp"

namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using kubernetes::Json;

// -- the way to a service

struct Cause {
  const char* id;
  std::string remedy;
};

Cause cause_of(const Failure& failure, const std::string& host) {
  const auto says = [&](std::string_view part) { return failure.what.find(part) != std::string::npos; };
  if (says("has no address") || says("name server"))
    return {"dns",
            fmt::format("is {} the right host? Look it up from a pod: kubectl run -it --rm dns --image=busybox -- "
                        "nslookup {}",
                        host, host)};
  if (failure.kind == FailureKind::certificate_refused)
    return {"certificate",
            "Compass no longer accepts this certificate (revoked?): put a new token into the configuration "
            "object; the agent reconnects"};
  if (failure.kind == FailureKind::tls)
    return {"tls", "set SSL_CERT_FILE to the CA that signed the server's certificate, or correct the host in "
                   "CONNECTOR_URL; a proxy that intercepts TLS looks the same"};
  if (failure.kind == FailureKind::timeout)
    return {"reachable", "something drops the packets: look at NetworkPolicies, firewalls and HTTPS_PROXY"};
  return {"reachable", "nothing answers there: look at the URL's port, NetworkPolicies, firewalls and HTTPS_PROXY"};
}

/// Connects, and asks for nothing: no token is sent.
void check_way(Checks& checks, const std::string& service, const std::string& text) {
  auto url = http::Url::parse(text);
  if (!url)
    return; // said already
  checks.report.looking("connecting to " + url->origin());
  const std::string host = url->host, origin = url->origin();
  http::Request request;
  request.path = url->target;
  request.operation = service;
  http::ClientOptions options;
  options.target = "connector";
  options.proxy = checks.proxies.proxy_for(*url);
  options.user_agent = std::string("runtime-agent/") + version;
  if (checks.settings.skip_compass_tls_verify)
    options.trust = http::Trust::unchecked();
  options.origin = std::move(*url);
  const auto answer = http::make_client(std::move(options))->send(request, check_context());
  if (!answer) {
    const Cause cause = cause_of(answer.error(), host);
    checks.report.failed(cause.id, answer.error().text(), cause.remedy);
    return;
  }
  checks.report.passed("reachable", fmt::format("{} at {} answers", service, origin));
  if (checks.settings.skip_compass_tls_verify)
    checks.report.warning("tls", "Compass' server certificates are not verified",
                          "unset APP_SKIP_COMPASS_TLS_VERIFY, and set SSL_CERT_FILE where the CA is a "
                          "private one");
  else
    checks.report.passed("tls", "its certificate is valid");
}

// -- what is on record

void read_record(Checks& checks) {
  const auto stored = record_of(checks.settings, checks.api);
  auto record = stored.read(connection_manager::CredentialRecord::Parts::all, check_context());
  if (record)
    checks.record = std::move(*record);
  else
    checks.report.skipped("certificate", "no permission to read the Secrets from here: " + record.error().text());
}

/// Whether there is one that can be used.
bool check_certificate(Checks& checks) {
  CheckReport& report = checks.report;
  const std::string anew = "put a new token into the configuration object; the agent reconnects";
  if (checks.record->problem) {
    report.failed("certificate", checks.record->problem->text(), anew);
    return false;
  }
  if (!checks.record->credentials) {
    report.warning("certificate", "there is none yet", "the agent gets one with the token");
    return false;
  }
  const x509::Validity& validity = checks.record->credentials->identity->validity;
  const auto now = std::chrono::system_clock::now();
  // How far an issuer's clock may be ahead says nothing about the end.
  const auto skew = now < validity.not_after ? x509::clock_skew : std::chrono::seconds(0);
  if (const auto outside = x509::outside_validity(validity, now, skew)) {
    report.failed("certificate", *outside, anew + "; where the clock is wrong, set it");
    return false;
  }
  const std::string until = "it is valid until " + rfc3339(validity.not_after);
  if (x509::validity_left(validity, now) < checks.settings.renewal_threshold / 2)
    report.warning("certificate", until + ", and should have been renewed",
                   "is the agent running? The row 'connection' shows its last error");
  else
    report.passed("certificate", until);
  return true;
}

/// What can be told without sending it.
void check_token(Checks& checks, bool needed) {
  CheckReport& report = checks.report;
  if (!needed)
    return report.passed("token", "none is needed while the certificate is valid");
  if (!checks.configuration)
    return report.skipped("token", "there is no token to check: see 'configuration'");
  const std::string error = text_at(checks.connection, "/status/connectionStatus/error");
  const auto& pending = checks.record->pending;
  const bool same = pending && pending->token_sha256 == checks.configuration->token_sha256;
  const bool lost = same && pending->step == connection_manager::Step::signing;
  if (lost || error.find("token is spent") != std::string::npos)
    return report.failed("token", lost ? "the token is spent: its reply was lost" : error,
                         "ask Compass for a new token and put it into " + checks.configuration->source);
  if (error.find("token may be spent") != std::string::npos)
    return report.failed(
        "token", error,
        "is CONNECTOR_URL right? The agent tries the same token again, and takes a corrected URL at once");
  report.passed("token", "there is one; only using it shows whether it is valid");
}

// -- with the certificate

void tell(Checks& checks, const char* id, const Failure& failure) {
  if (refuses_identity(failure)) // contract 2.2
    return checks.report.failed("certificate",
                                fmt::format("{}: {}", connection_manager::certificate_refused_text, failure.text()),
                                "put a new token of this Runtime, with its RUNTIME_ID and TENANT, into the "
                                "configuration object; the agent connects anew");
  switch (failure.kind) {
  case FailureKind::certificate_refused:
  case FailureKind::tls:
  case FailureKind::network:
  case FailureKind::timeout: {
    const Cause cause = cause_of(failure, "the host");
    return checks.report.failed(cause.id, failure.text(), cause.remedy);
  }
  case FailureKind::forbidden:
  case FailureKind::unauthorized:
    return checks.report.failed(id, failure.text(),
                                "Compass rejects this Runtime: are RUNTIME_ID and TENANT right, and is the "
                                "Runtime still registered? Ask Compass with the x-request-id");
  case FailureKind::rate_limited:
    return checks.report.failed(id, failure.text(),
                                "nothing to do here: the agent waits as long as Compass asks; with many Runtimes, a "
                                "longer APP_CONTROLLER_SYNC_PERIOD helps");
  case FailureKind::unavailable:
    return checks.report.failed(
        id, failure.text(),
        "the problem is in Compass: the agent tries again, and the cluster keeps the last state; tell "
        "Compass' operators the x-request-id");
  default:
    return checks.report.failed(id, failure.text(), "tell Compass' operators, with the x-request-id");
  }
}

void check_applications(Checks& checks, const compass::RuntimeDataPtr& data) {
  const auto desired = application_reconciler::desired_objects(data, mapping_of(checks.settings));
  for (const auto& [name, reason] : desired.refused)
    checks.report.failed("applications", fmt::format("Application {}: {}", name, reason),
                         "rename it in Compass; the others are applied");
  const auto warnings = desired.warnings();
  for (const ApplicationProblem& warning : warnings)
    checks.report.warning("gateway", fmt::format("Application {}: {}", warning.application, warning.reason),
                          "rename all but one of them in Compass; the Application is applied as it is");
  if (warnings.empty())
    checks.report.passed("gateway", "the central gateway can resolve the URL of every API");
  if (desired.refused.empty())
    checks.report.passed("applications",
                         fmt::format("{} Applications, each with a different name", desired.applications.size()));
}

/// Whether a service refuses the certificate.
bool check_services(Checks& checks) {
  const auto& credentials = *checks.record->credentials;
  const connection_manager::Access access = access_of(credentials, checks.connection, checks.configuration.get());
  if (!access.complete()) {
    checks.report.skipped("connector", "it is not recorded yet which Compass the certificate is for");
    return false;
  }
  const auto settings = compass_settings(checks.settings, checks.proxies);
  checks.report.looking("asking the Connector");
  const auto connector_client = compass::make_connector_client(settings);
  const auto connector = compass::confirmed(*connector_client, [&] {
    return connector_client->configuration(access.connector_url, credentials.identity,
                                           compass_context(access.runtime_id, 30s));
  });
  if (connector)
    checks.report.passed("connector", "it accepts the certificate");
  else
    tell(checks, "connector", connector.error());
  checks.report.looking("asking the Director");
  const auto director_client = compass::make_director_client(settings);
  const auto data = compass::confirmed(*director_client, [&] {
    return director_client->fetch({access.director_url, access.tenant, access.runtime_id, credentials.identity},
                                  compass_context(access.runtime_id, 2min));
  });
  const auto refused = [](const auto& answer) { return !answer && refuses_identity(answer.error()); };
  if (!data) {
    tell(checks, "director", data.error());
    return refused(connector) || refused(data);
  }
  checks.report.passed("director", "it returns the complete state of this Runtime");
  check_applications(checks, *data);
  return refused(connector);
}

} // namespace

void check_configuration(Checks& checks) {
  CheckReport& report = checks.report;
  report.section("configuration");
  const config_watcher::Source source = source_of(checks.settings);
  const auto object = checks.api->get(source.resource(), source.name, check_context());
  if (!object && object.error().kind == FailureKind::not_found) {
    const Failure missing = config_watcher::missing(source);
    return report.failed("configuration", fmt::format("{} {}", missing.where, missing.what), missing.next);
  }
  if (!object && object.error().kind == FailureKind::forbidden)
    return report.failed("configuration",
                         fmt::format("no permission to read {}: {}", source.text(), object.error().what),
                         "grant get on it with a Role in its namespace (deploy/rbac/rbac.yaml)");
  if (!object)
    return report.failed("configuration", object.error().text(), "try again; the agent does");
  auto configuration = config_watcher::read_configuration(*object, source, checks.settings.skip_compass_tls_verify);
  if (!configuration)
    return report.failed("configuration", fmt::format("{}: {}", source.text(), configuration.error().what),
                         "set CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN; the agent continues at once");
  checks.configuration = std::make_shared<const ConnectionConfiguration>(std::move(*configuration));
  report.passed("configuration", source.text() + " holds CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN");
}

void check_compass(Checks& checks) {
  checks.report.section("Compass");
  auto connection =
      checks.api->get(kubernetes::compass_connections(), std::string(status_writer::object_name), check_context());
  if (connection)
    checks.connection = std::move(*connection);
  if (checks.configuration)
    check_way(checks, "the Connector", checks.configuration->connector_url);
  read_record(checks);
  if (!checks.record)
    return;
  const bool usable = check_certificate(checks);
  if (!usable)
    return check_token(checks, true);
  check_token(checks, check_services(checks));
}

} // namespace runtime_agent::app
