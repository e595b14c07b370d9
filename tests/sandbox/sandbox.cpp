#include "tests/sandbox/sandbox.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>
#include <unistd.h>

#include "tests/sandbox/compass/base64.hpp"

namespace runtime_agent::sandbox {
namespace {

using nlohmann::json;

template <class T>
T required(tl::expected<T, std::string> result) {
  if (!result)
    throw std::runtime_error(result.error());
  if constexpr (!std::is_void_v<T>)
    return std::move(*result);
}

std::string qualified(const ConfigurationObject& object) {
  return object.namespace_ + "/" + object.name;
}

} // namespace

std::string ConfigurationObject::resource() const {
  return kind == Kind::secret ? "secrets" : "configmaps";
}

std::string ConfigurationObject::collection() const {
  return "/api/v1/namespaces/" + namespace_ + "/" + resource();
}

Sandbox::Sandbox(SandboxOptions options) : options_(std::move(options)) {
  make_directory();
  compass_ = std::make_unique<CompassServer>(options_.compass);
  connect_cluster();
  write_file("ca.pem", compass_->server_ca_pem());
  write_environment_files();
  if (!client_)
    return;
  make_namespaces();
  if (options_.write_configuration)
    required(write_configuration());
}

Sandbox::~Sandbox() {
  compass_->stop();
  if (embedded_)
    embedded_->stop();
  if (owns_directory_) {
    std::error_code ignored; // a file that stays behind in the temporary folder is no failure
    std::filesystem::remove_all(directory_, ignored);
  }
}

void Sandbox::make_directory() {
  if (!options_.directory.empty()) {
    directory_ = std::filesystem::absolute(options_.directory);
    std::filesystem::create_directories(directory_);
    return;
  }
  auto pattern = (std::filesystem::temp_directory_path() / "runtime-agent-sandbox-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no temporary folder can be made in " + std::filesystem::temp_directory_path().string());
  directory_ = pattern;
  owns_directory_ = true;
}

void Sandbox::connect_cluster() {
  if (options_.cluster == SandboxOptions::Cluster::embedded) {
    embedded_ = std::make_unique<EmbeddedCluster>(options_.kubernetes_port);
    write_file("kubeconfig", embedded_->kubeconfig());
    if (options_.agent_rights)
      write_file("agent.kubeconfig", embedded_->kubeconfig("runtime-agent", *options_.agent_rights));
    client_.emplace(embedded_->access());
  } else if (options_.cluster == SandboxOptions::Cluster::external) {
    client_.emplace(required(read_kubeconfig(options_.kubeconfig)));
  }
}

void Sandbox::make_namespaces() {
  for (const auto& name : {std::string("compass-system"), std::string("kyma-system"), std::string("istio-system"),
                           options_.configuration.namespace_})
    if (embedded_)
      embedded_->put({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}}, "namespaces");
    else
      required(client_->ensure_namespace(name));
}

/// Readable by their owner only: the kubeconfig is an administrator's.
void Sandbox::write_file(const std::string& name, const std::string& text) const {
  const auto path = directory_ / name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  file << text;
  file.close();
  if (!file)
    throw std::runtime_error(path.string() + " cannot be written");
}

void Sandbox::write_environment_files() const {
  std::string lines;
  for (const auto& [name, value] : environment())
    lines += fmt::format("{}={}\n", name, value);
  write_file("agent.env", lines);
}

std::map<std::string, std::string> Sandbox::environment() const {
  std::map<std::string, std::string> out;
  if (embedded_)
    out["KUBECONFIG"] = (directory_ / (options_.agent_rights ? "agent.kubeconfig" : "kubeconfig")).string();
  else if (client_)
    out["KUBECONFIG"] = std::filesystem::absolute(options_.kubeconfig).string();
  out["SSL_CERT_FILE"] = (directory_ / "ca.pem").string();
  out["NO_PROXY"] = "localhost,127.0.0.1,::1"; // the shell may have a proxy, which cannot reach our loopback
  const bool secret = options_.configuration.kind == ConfigurationObject::Kind::secret;
  out[secret ? "APP_AGENT_CONFIGURATION_SECRET" : "APP_CONNECTION_CONFIG_MAP"] = qualified(options_.configuration);
  for (const auto& [name, value] : options_.environment)
    out[name] = value;
  return out;
}

nlohmann::json Sandbox::configuration_object(const json& overrides) {
  json values{{"CONNECTOR_URL", compass_->token_connector_url()},
              {"RUNTIME_ID", compass_->runtime_id()},
              {"TENANT", compass_->tenant()}};
  if (!overrides.contains("token"))
    values["TOKEN"] = compass_->issue_token();
  const std::pair<const char*, const char*> names[] = {
      {"connectorUrl", "CONNECTOR_URL"}, {"runtimeId", "RUNTIME_ID"}, {"tenant", "TENANT"}, {"token", "TOKEN"}};
  for (const auto& [name, key] : names)
    if (overrides.contains(name)) {
      if (overrides[name].is_string())
        values[key] = overrides[name];
      else
        values.erase(key);
    }
  const bool secret = options_.configuration.kind == ConfigurationObject::Kind::secret;
  if (secret)
    for (auto& [key, value] : values.items())
      value = compass::base64(value.get<std::string>());
  return {{"apiVersion", "v1"},
          {"kind", secret ? "Secret" : "ConfigMap"},
          {"metadata", {{"name", options_.configuration.name}, {"namespace", options_.configuration.namespace_}}},
          {"data", std::move(values)}};
}

tl::expected<void, std::string> Sandbox::write_configuration(const json& overrides) {
  if (!client_)
    return tl::unexpected(std::string("there is no cluster to write the configuration into"));
  const auto object = configuration_object(overrides);
  if (!embedded_)
    return client_->apply(options_.configuration.collection(), object);
  embedded_->put(object, options_.configuration.resource());
  return {};
}

tl::expected<void, std::string> Sandbox::remove_configuration() {
  if (!client_)
    return tl::unexpected(std::string("there is no cluster"));
  const auto& object = options_.configuration;
  if (embedded_) {
    embedded_->server().remove_object(object.resource(), object.namespace_, object.name);
    return {};
  }
  return client_->remove(object.collection() + "/" + object.name);
}

std::string export_lines(const std::map<std::string, std::string>& environment) {
  std::string out;
  for (const auto& [name, value] : environment) {
    std::string quoted;
    for (char c : value)
      quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    out += fmt::format("export {}='{}'\n", name, quoted);
  }
  return out;
}

} // namespace runtime_agent::sandbox
