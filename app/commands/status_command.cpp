#include <chrono>

#include "actors/status_writer/connection_status.hpp"
#include "app/commands/diagnostics_client.hpp"
#include "app/commands/environment.hpp"
#include "app/commands/status_report.hpp"
#include "app/exit_codes.hpp"

namespace runtime_agent::app {
namespace {

constexpr auto request_limit = std::chrono::seconds(15);

CallContext context() {
  CallContext result;
  result.deadline = std::chrono::steady_clock::now() + request_limit;
  return result;
}

/// The newest events about the CompassConnection; none where they may not be read.
Json events(kubernetes::Api& api) {
  kubernetes::Resource resource;
  resource.plural = "events";
  resource.kind = "Event";
  resource.namespace_ = "default"; // where events of cluster-scoped objects are
  kubernetes::ListOptions options;
  options.field_selector = "involvedObject.kind=CompassConnection";
  Json all = Json::array();
  options.on_restart = [&all] { all.clear(); };
  const auto listed = api.list(
      resource, options, [&all](Json&& event) { all.push_back(std::move(event)); }, context());
  return listed ? all : Json::array();
}

/// What of a Secret may be shown: whether it is there, when it was made, which keys it has. Never a value.
SecretFacts secret_facts(kubernetes::Api& api, const ObjectName& name) {
  SecretFacts facts{name.namespace_ + "/" + name.name, {}, {}, {}};
  auto secret = api.get(kubernetes::secrets(name.namespace_), name.name, context());
  if (!secret) {
    facts.problem = secret.error().text();
    return facts;
  }
  facts.created = (*secret)["metadata"].value("creationTimestamp", "");
  if (secret->contains("data") && (*secret)["data"].is_object())
    for (auto& [key, value] : (*secret)["data"].items()) {
      facts.keys.push_back(key);
      if (value.is_string())
        wipe(value.get_ref<std::string&>());
    }
  return facts;
}

int status(const Invocation& invocation) {
  const auto settings = settings_of(invocation);
  if (!settings)
    return exit_invalid_settings;
  auto api = cluster_of(invocation);
  if (!api)
    return say_failure(invocation, api.error());
  StatusFacts facts;
  auto connection = (*api)->get(kubernetes::compass_connections(), std::string(status_writer::object_name), context());
  if (connection)
    facts.connection = std::move(*connection);
  else if (connection.error().kind == FailureKind::not_found)
    facts.problem = "there is no CompassConnection: no agent has run in this cluster, or its CRD is not installed";
  else
    return say_failure(invocation, connection.error());
  facts.secrets = {secret_facts(**api, settings->certificates_secret), secret_facts(**api, settings->ca_secret)};
  facts.events = events(**api);
  std::size_t applications = 0;
  kubernetes::ListOptions options;
  options.on_restart = [&applications] { applications = 0; };
  const auto listed = (*api)->list(
      kubernetes::applications(), options,
      [&applications](Json&& object) {
        applications += object.contains("spec") && object["spec"].contains("compassMetadata") ? 1 : 0;
      },
      context());
  if (listed)
    facts.applications = applications;
  // In the pod, or through a forwarded port, the agent itself says more; without it this is not worth a word.
  if (settings->diagnostics_port != 0)
    if (auto overview = diagnostics_page(settings->diagnostics_port, "/"))
      facts.agent = std::move(*overview);
  const Json document = status_document(facts, std::chrono::system_clock::now());
  print(invocation, document, status_text(document));
  return document["state"] == "Synchronized" ? 0 : exit_failed;
}

} // namespace

Command status_command() {
  return {"status",
          "one screen: connection, certificate, synchronization, Applications; exit code 1 unless Synchronized",
          [](CLI::App& cli, Invocation& invocation) {
            add_kubeconfig_option(cli, invocation);
            add_output_option(cli, invocation);
            return [&invocation] { return status(invocation); };
          }};
}

} // namespace runtime_agent::app
