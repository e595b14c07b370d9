#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/connection_manager/credentials.hpp"
#include "app/commands/check_report.hpp"
#include "app/settings.hpp"
#include "messages/configuration.hpp"
#include "transport/compass/clients.hpp"
#include "transport/http/proxy.hpp"
#include "transport/kubernetes/api_client.hpp"

/// The parts of `runtime-agent check`. None of them changes anything, and none spends the token.
namespace runtime_agent::app {

/// What they look through, and what one finds for the next.
struct Checks {
  const Settings& settings;
  kubernetes::ClusterConfig cluster;
  std::shared_ptr<kubernetes::PatchingApi> api;
  http::ProxySettings proxies;
  CheckReport& report;

  std::shared_ptr<const ConnectionConfiguration> configuration{}; ///< null: it is lacking or wrong
  std::optional<kubernetes::Json> connection{};                   ///< the CompassConnection; nullopt: absent
  std::optional<connection_manager::Record> record{};             ///< nullopt: it may not be read
};

/// The API server, the clock, rights, definitions, namespaces and what stands in the way of writing. False: the API
/// server does not answer, and nothing else can be said.
bool check_cluster(Checks& checks);
void check_configuration(Checks& checks);
/// Name, address, TLS of the Connector; certificate and token; Connector and Director with the certificate;
/// Applications.
void check_compass(Checks& checks);
/// What the agent itself says, and who leads.
void check_connection(Checks& checks);

/// Until `limit` from now.
CallContext check_context(std::chrono::milliseconds limit = std::chrono::seconds(15));

} // namespace runtime_agent::app
