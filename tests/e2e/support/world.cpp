#include "tests/e2e/support/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tests/e2e/support/clusters.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::e2e {
namespace {

using namespace std::chrono_literals;

constexpr const char* configuration_name = "compass-agent-configuration";

/// A failure of the test's own requests is the test's end, with its text.
template <class T>
T must(Result<T> result) {
  if (!result)
    throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

/// Four RSA keys, made once in this process; short ones, since nothing here depends on their length.
std::string key_folder() {
  static const std::unique_ptr<TemporaryFolder> folder = [] {
    auto made = std::make_unique<TemporaryFolder>();
    for (int i = 0; i < 4; ++i) {
      const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
      const std::string file = (made->path() / (std::to_string(i) + ".pem")).string();
      const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_file(file.c_str(), "w"), BIO_free_all);
      if (!key || !bio ||
          PEM_write_bio_PrivateKey_traditional(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        throw std::runtime_error("cannot make a private key");
    }
    return made;
  }();
  return folder->path().string();
}

} // namespace

CallContext ample_time() {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + 60s;
  return context;
}

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
      // One agent at a time: one that was killed must not keep the next one waiting for its Lease.
      {"APP_LEADER_ELECTION", "off"},
      {"RUNTIME_AGENT_TEST_CONTROLS", "on"},
  };
}

Variables World::quick_environment(Rights rights) {
  Variables variables = environment(rights);
  variables["RUNTIME_AGENT_TEST_KEYS"] = key_folder();
  return variables;
}

Json World::configuration(const Values& changes, const std::string& kind, const std::string& namespace_) {
  Values values = {{"CONNECTOR_URL", compass_.token_connector_url()},
                   {"RUNTIME_ID", compass_.runtime_id()},
                   {"TENANT", compass_.tenant()}};
  for (const auto& [key, value] : changes)
    values[key] = value;
  if (!values.contains("TOKEN"))
    values["TOKEN"] = compass_.issue_token();
  Json object = {{"apiVersion", "v1"},
                 {"kind", kind},
                 {"metadata", {{"name", configuration_name}, {"namespace", namespace_}}},
                 {"data", Json::object()}};
  for (const auto& [key, value] : values)
    if (value)
      object["data"][key] = kind == "Secret" ? base64_encode(*value) : *value;
  return object;
}

void World::put(const kubernetes::Resource& resource, const Json& object) {
  if (get(resource, configuration_name))
    must(api().update(resource, object, ample_time()));
  else
    must(api().create(resource, object, ample_time()));
}

void World::configure(const Values& changes) {
  put(kubernetes::secrets("kyma-system"), configuration_secret(changes));
}

Json World::configuration_secret(const Values& changes) {
  return configuration(changes, "Secret", "kyma-system");
}

void World::configure_map(const Values& changes) {
  put(kubernetes::config_maps("compass-system"), configuration(changes, "ConfigMap", "compass-system"));
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

std::string World::field(const std::string& pointer) {
  const auto object = connection();
  const Json::json_pointer place(pointer);
  if (!object || !object->contains(place))
    return {};
  const Json& value = object->at(place);
  return value.is_string() ? value.get<std::string>() : value.dump();
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

std::vector<std::string> World::application_names() {
  std::vector<std::string> names;
  for (const Json& object : list(kubernetes::applications()))
    names.push_back(object["metadata"]["name"]);
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> World::versions() {
  static const std::set<std::string> others = vectors::LiveFilter().other_secrets;
  std::map<std::string, std::string> versions;
  for (const Json& object : list(kubernetes::applications()))
    versions["Application " + object["metadata"]["name"].get<std::string>()] = object["metadata"]["resourceVersion"];
  for (const Json& object : list(kubernetes::secrets("kyma-system")))
    if (const std::string name = object["metadata"]["name"]; !others.contains(name))
      versions["Secret " + name] = object["metadata"]["resourceVersion"];
  return versions;
}

std::size_t World::tokens_spent() {
  const auto tokens = compass_.tokens();
  return static_cast<std::size_t>(
      std::count_if(tokens.begin(), tokens.end(), [](const auto& token) { return token.one_time && token.spent; }));
}

std::string World::latest_serial() {
  const auto certificates = compass_.certificates();
  return certificates.empty() ? std::string() : certificates.back().serial;
}

std::optional<Json> World::get(const kubernetes::Resource& resource, const std::string& name) {
  auto object = api().get(resource, name, ample_time());
  if (!object && object.error().kind == FailureKind::not_found)
    return std::nullopt;
  return must(std::move(object));
}

std::vector<Json> World::list(const kubernetes::Resource& resource) {
  std::vector<Json> objects;
  must(api().list(
      resource, {}, [&](Json&& object) { objects.push_back(std::move(object)); }, ample_time()));
  return objects;
}

void World::remove(const kubernetes::Resource& resource, const std::string& name) {
  must(api().remove(resource, name, {}, ample_time()));
}

void World::merge(const kubernetes::Resource& resource, const std::string& name, const Json& patch) {
  must(kubernetes::read_modify_write(
      api(), resource, name,
      [&](Json& object) {
        object.merge_patch(patch);
        return true;
      },
      ample_time()));
}

void World::patch_connection(const Json& patch) {
  merge(kubernetes::compass_connections(), "compass-connection", patch);
}

} // namespace runtime_agent::e2e
