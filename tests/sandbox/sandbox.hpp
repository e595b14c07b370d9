#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "tests/sandbox/cluster_client.hpp"
#include "tests/sandbox/compass/compass_server.hpp"
#include "tests/sandbox/embedded_cluster.hpp"

namespace runtime_agent::sandbox {

/// Where the connection configuration is kept (contract §1.1).
struct ConfigurationObject {
  enum class Kind { config_map, secret };
  Kind kind = Kind::config_map;
  std::string namespace_ = "compass-system";
  std::string name = "compass-agent-configuration";

  std::string resource() const;   ///< "configmaps" or "secrets"
  std::string collection() const; ///< "/api/v1/namespaces/…/configmaps"
};

struct SandboxOptions {
  CompassOptions compass;
  enum class Cluster { embedded, external, none };
  Cluster cluster = Cluster::embedded;
  std::filesystem::path kubeconfig; ///< of an external cluster
  int kubernetes_port = 0;          ///< of the embedded one; 0: a free one
  /// For kubeconfig, ca.pem and agent.env; empty: a temporary one that goes with the sandbox.
  std::filesystem::path directory;
  ConfigurationObject configuration;
  bool write_configuration = true; ///< at the start, with a token
  /// Of the agent in the embedded cluster, under which `environment()` lets it in; nothing: an administrator's.
  std::optional<std::vector<kube::Rule>> agent_rights;
  /// Added to `environment()`, or in place of what is there.
  std::map<std::string, std::string> environment;
};

/// Compass and a cluster, ready for an agent: namespaces made, the configuration object written, files for its
/// environment. Everything ends with it. Throws std::runtime_error where it cannot start, with the reason.
class Sandbox {
public:
  explicit Sandbox(SandboxOptions options = {});
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  CompassServer& compass() { return *compass_; }
  /// Only where the cluster is the embedded one.
  KubernetesServer& kubernetes() { return embedded_->server(); }
  /// Null where the cluster is not the embedded one.
  EmbeddedCluster* embedded_cluster() { return embedded_.get(); }
  /// To look at and change the cluster as its administrator; null without a cluster.
  const ClusterClient* cluster() const { return client_ ? &*client_ : nullptr; }

  /// What an agent's process needs: KUBECONFIG, SSL_CERT_FILE, NO_PROXY, the configuration object's name.
  std::map<std::string, std::string> environment() const;
  const std::filesystem::path& directory() const { return directory_; }

  /// Writes the configuration object with a fresh token. `overrides`: `connectorUrl`, `runtimeId`, `tenant`, `token`
  /// (as in tests/vectors/*/case.json); null leaves that key out. Error: what the cluster said.
  tl::expected<void, std::string> write_configuration(const nlohmann::json& overrides = nlohmann::json::object());
  /// The object that `write_configuration` writes.
  nlohmann::json configuration_object(const nlohmann::json& overrides = nlohmann::json::object());
  tl::expected<void, std::string> remove_configuration();

private:
  void make_directory();
  void connect_cluster();
  void make_namespaces();
  void write_file(const std::string& name, const std::string& text) const;
  void write_environment_files() const;

  SandboxOptions options_;
  std::filesystem::path directory_;
  bool owns_directory_ = false;
  std::unique_ptr<CompassServer> compass_;
  std::unique_ptr<EmbeddedCluster> embedded_;
  std::optional<ClusterClient> client_;
};

/// `export NAME='value'` lines, for a shell.
std::string export_lines(const std::map<std::string, std::string>& environment);

} // namespace runtime_agent::sandbox
