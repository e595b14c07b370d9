#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/e2e/support/agent_process.hpp"
#include "tests/sandbox/compass/compass_server.hpp"
#include "tests/sandbox/kubernetes/server.hpp"
#include "tests/vectors/comparison.hpp"
#include "transport/kubernetes/api.hpp"

namespace runtime_agent::e2e {

using kubernetes::Json;

/// Which API server a test runs against.
enum class ClusterKind { sandbox, real };
/// Those that are there: the real one where RUNTIME_AGENT_CLUSTER_KUBECONFIG (admin's) is set.
std::vector<ClusterKind> clusters();
std::string name_of(ClusterKind kind);

/// With which rights the agent logs in.
enum class Rights { own, todays };

/// An API server with empty namespaces, and the two ways into it.
class Cluster {
public:
  virtual ~Cluster() = default;
  virtual kubernetes::Api& admin() = 0;
  /// Path of a kubeconfig for the agent.
  virtual std::string agent_kubeconfig(Rights rights) = 0;
  /// For faults and the request log; null where the server is a real one.
  virtual sandbox::KubernetesServer* sandbox_server() { return nullptr; }
};
std::unique_ptr<Cluster> make_cluster(ClusterKind kind);

/// Everything that an agent needs around it: a cluster, a Compass, and a configuration object.
class World {
public:
  /// Of the configuration object, by key.
  using Values = std::map<std::string, std::optional<std::string>>;

  explicit World(ClusterKind kind, sandbox::CompassOptions options = fast_options());
  static sandbox::CompassOptions fast_options();

  sandbox::CompassServer& compass() { return compass_; }
  kubernetes::Api& api() { return cluster_->admin(); }
  sandbox::KubernetesServer* sandbox_server() { return cluster_->sandbox_server(); }

  /// The environment of the recorded vectors (tests/vectors/README.md), with this world's addresses.
  Variables environment(Rights rights = Rights::own);
  /// The same, with private keys that are made already: nothing waits for prime numbers.
  Variables quick_environment(Rights rights = Rights::own);
  /// Writes the configuration Secret with a fresh token; `changes` replaces values by key ("TOKEN"), empty removes one.
  void configure(const Values& changes = {});
  /// The object that `configure` writes.
  Json configuration_secret(const Values& changes = {});
  /// The same into the ConfigMap compass-system/compass-agent-configuration.
  void configure_map(const Values& changes = {});
  /// Starts the agent; it is this world's from then on.
  AgentProcess& start(Variables environment);
  AgentProcess& start() { return start(environment()); }
  AgentProcess& agent() { return *agent_; }
  bool started() const { return agent_ != nullptr; }
  void stop_agent() { agent_.reset(); }

  std::optional<Json> connection();
  /// `status.connectionState`, or empty.
  std::string state();
  /// The error texts of both parts of the status, joined.
  std::string errors();
  /// Text at that JSON pointer of the CompassConnection; other values as JSON; empty where there is none.
  std::string field(const std::string& pointer);
  bool wait_for_state(const std::string& state, std::chrono::milliseconds limit = std::chrono::seconds(30));
  vectors::LiveObjects live();

  /// Names of all Applications, sorted.
  std::vector<std::string> application_names();
  /// Resource versions by kind and name, of all Applications and of all Secrets that are neither configuration nor
  /// credentials.
  std::map<std::string, std::string> versions();
  /// How many of the tokens that were given to an operator are spent.
  std::size_t tokens_spent();
  /// Of the certificate that was signed last; empty where none was.
  std::string latest_serial();

  std::optional<Json> get(const kubernetes::Resource& resource, const std::string& name);
  std::vector<Json> list(const kubernetes::Resource& resource);
  void remove(const kubernetes::Resource& resource, const std::string& name);
  /// JSON merge patch, by read and write.
  void merge(const kubernetes::Resource& resource, const std::string& name, const Json& patch);
  /// Patches the CompassConnection.
  void patch_connection(const Json& patch);

  static constexpr const char* certificates_namespace = "kyma-system";

private:
  Json configuration(const Values& changes, const std::string& kind, const std::string& namespace_);
  void put(const kubernetes::Resource& resource, const Json& object);

  TemporaryFolder folder_;
  sandbox::CompassServer compass_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<AgentProcess> agent_;
};

} // namespace runtime_agent::e2e
