#include "tests/e2e/world.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "transport/encoding.hpp"

namespace runtime_agent::e2e {
namespace {

using namespace std::chrono_literals;

constexpr const char* configuration_name = "compass-agent-configuration";

CallContext context() {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 30s;
  return context;
}

/// A failure of the test's own requests is the test's end, with its text.
template <class T>
T must(Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

} // namespace

sandbox::CompassOptions World::fast_options() {
  sandbox::CompassOptions options;
  options.host = "127.0.0.1";
  return options;
}

World::World(ClusterKind kind, sandbox::CompassOptions options)
    : compass_(std::move(options)), cluster_(make_cluster(kind)) {}

Variables World::environment(Rights rights) {
  const std::string ca_file = (folder_.path() / "compass-ca.pem").string();
  std::ofstream(ca_file) << compass_.server_ca_pem();
  return {
      {"KUBECONFIG", cluster_->agent_kubeconfig(rights)},
      {"SSL_CERT_FILE", ca_file},
      {"APP_AGENT_CONFIGURATION_SECRET", std::string("kyma-system/") + configuration_name},
      {"APP_CLUSTER_CERTIFICATES_SECRET", "kyma-system/cluster-client-certificates"},
      {"APP_CA_CERTIFICATES_SECRET", "istio-system/kyma-gateway-certs-cacert"},
      {"APP_INTEGRATION_NAMESPACE", "kyma-system"},
      {"APP_RUNTIME_EVENTS_URL", "https://gateway.kyma.example.com"},
      {"APP_RUNTIME_CONSOLE_URL", "https://console.kyma.example.com"},
      {"APP_CONTROLLER_SYNC_PERIOD", "1s"},
      {"APP_MINIMAL_COMPASS_SYNC_TIME", "1s"},
      {"RUNTIME_AGENT_TEST_CONTROLS", "on"},
  };
}

void World::configure(const std::map<std::string, std::optional<std::string>>& changes) {
  std::map<std::string, std::optional<std::string>> values = {{"CONNECTOR_URL", compass_.token_connector_url()},
                                                              {"RUNTIME_ID", compass_.runtime_id()},
                                                              {"TENANT", compass_.tenant()}};
  for (const auto& [key, value] : changes)
    values[key] = value;
  if (!values.contains("TOKEN"))
    values["TOKEN"] = compass_.issue_token();
  Json object = {{"apiVersion", "v1"},
                 {"kind", "Secret"},
                 {"metadata", {{"name", configuration_name}, {"namespace", "kyma-system"}}},
                 {"data", Json::object()}};
  for (const auto& [key, value] : values)
    if (value)
      object["data"][key] = base64_encode(*value);
  const auto resource = kubernetes::secrets("kyma-system");
  if (get(resource, configuration_name))
    must(api().update(resource, object, context()));
  else
    must(api().create(resource, object, context()));
}

AgentProcess& World::start(Variables variables) {
  agent_ = std::make_unique<AgentProcess>(std::move(variables));
  return *agent_;
}

std::optional<Json> World::connection() {
  return get(kubernetes::compass_connections(), "compass-connection");
}

std::string World::state() {
  const auto object = connection();
  return object && object->contains("status") ? (*object)["status"].value("connectionState", "") : std::string();
}

std::string World::errors() {
  const auto object = connection();
  if (!object || !object->contains("status"))
    return {};
  const Json& status = (*object)["status"];
  std::string text;
  for (const char* part : {"connectionStatus", "synchronizationStatus"})
    if (status.contains(part))
      text += status[part].value("error", "") + "\n";
  return text;
}

bool World::wait_for_state(const std::string& wanted, std::chrono::milliseconds limit) {
  return eventually(limit, [&] { return state() == wanted; });
}

vectors::LiveObjects World::live() {
  vectors::LiveObjects live;
  live.applications = list(kubernetes::applications());
  live.secrets = list(kubernetes::secrets("kyma-system"));
  live.connection = connection();
  for (const auto& [namespace_, name] : {std::pair("istio-system", "kyma-gateway-certs-cacert"),
                                         std::pair("kyma-system", "cluster-client-certificates")})
    if (auto object = get(kubernetes::secrets(namespace_), name))
      live.certificates.push_back(std::move(*object));
  live.runtime_labels = compass_.runtime_labels();
  return live;
}

std::optional<Json> World::get(const kubernetes::Resource& resource, const std::string& name) {
  auto object = api().get(resource, name, context());
  if (!object && object.error().kind == FailureKind::not_found)
    return std::nullopt;
  return must(std::move(object));
}

std::vector<Json> World::list(const kubernetes::Resource& resource) {
  std::vector<Json> objects;
  must(api().list(
      resource, {}, [&](Json&& object) { objects.push_back(std::move(object)); }, context()));
  return objects;
}

void World::remove(const kubernetes::Resource& resource, const std::string& name) {
  must(api().remove(resource, name, {}, context()));
}

void World::merge(const kubernetes::Resource& resource, const std::string& name, const Json& patch) {
  must(kubernetes::read_modify_write(
      api(), resource, name,
      [&](Json& object) {
        object.merge_patch(patch);
        return true;
      },
      context()));
}

void World::patch_connection(const Json& patch) {
  merge(kubernetes::compass_connections(), "compass-connection", patch);
}

} // namespace runtime_agent::e2e
