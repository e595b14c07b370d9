#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "tests/sandbox/cluster_client.hpp"
#include "tests/sandbox/kubernetes/server.hpp"

namespace runtime_agent::sandbox {

/// The in-memory Kubernetes API as the control port sees it: in JSON. Throws std::runtime_error from the constructor
/// where the port cannot be had.
class EmbeddedCluster {
public:
  /// `port` 0: a free one.
  explicit EmbeddedCluster(int port);
  ~EmbeddedCluster();

  KubernetesServer& server() { return server_; }
  /// As its administrator.
  ClusterAccess access() const;
  /// Of an administrator.
  std::string kubeconfig() const;
  /// Of another user with these rights; a new one each time.
  std::string kubeconfig(const std::string& user, const std::vector<kube::Rule>& rights);
  void stop();
  /// Makes the object, or gives the one that is there its `data`: past faults, rights and the log of requests, so that
  /// those hold the agent's alone.
  void put(const nlohmann::json& object, const std::string& resource);

  /// Keys: verb, resource, namespace, name (patterns with `*`), action, status, retryAfter, delay (ms), skip, times
  /// (-1: for ever). Returns the fault's id. Error: what is wrong with it.
  tl::expected<std::uint64_t, std::string> add_fault(const nlohmann::json& fault);
  void remove_fault(std::uint64_t id);
  void clear_faults();
  /// As they were given, with id and how often each happened.
  nlohmann::json faults();
  nlohmann::json requests();
  void clear_requests();

private:
  KubernetesServer server_;
  std::mutex mutex_;
  std::map<std::uint64_t, nlohmann::json> faults_; ///< as they were given, by id
};

} // namespace runtime_agent::sandbox
