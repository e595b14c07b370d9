#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/sandbox/kubernetes/access.hpp"
#include "tests/sandbox/kubernetes/faults.hpp"
#include "tests/sandbox/kubernetes/request_log.hpp"
#include "tests/sandbox/request_gate.hpp"

namespace runtime_agent::sandbox {

/// An in-memory Kubernetes API server on loopback, with real TLS: what kubectl and the agent need of one, worded as
/// kube-apiserver words it, held equal to it by tests/conformance. It keeps no managed fields and collects no garbage.
/// Thread-safe.
class KubernetesServer {
public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0; ///< 0: a free one
    /// Created at the start, besides default and kube-system.
    std::vector<std::string> namespaces{"compass-system", "kyma-system", "istio-system"};
    /// CustomResourceDefinitions as YAML or JSON, created at the start; by default those of
    /// deploy/chart/runtime-agent/crds.
    std::optional<std::vector<std::string>> definitions;
    bool metrics_api = false;                ///< metrics.k8s.io/v1beta1 nodes is served
    std::size_t history = 20'000;            ///< changes kept for each collection; what is older is 410
    std::size_t request_log = 50'000;        ///< records kept
    std::string admin_token = "admin-token"; ///< may do everything; empty: no such user
  };

  /// Not yet listening. Throws std::invalid_argument where a definition is none.
  KubernetesServer();
  explicit KubernetesServer(Options options);
  ~KubernetesServer();
  KubernetesServer(const KubernetesServer&) = delete;
  KubernetesServer& operator=(const KubernetesServer&) = delete;

  /// Listens: at first on the port of the options, later on the same one again. Throws std::runtime_error where it
  /// cannot.
  void start();
  /// Ends all connections, watches and hanging requests. What is stored stays for the next start.
  void stop();

  int port() const;        ///< 0 before the first start
  std::string url() const; ///< "https://127.0.0.1:12345"
  const std::string& ca_pem() const;
  const std::string& admin_token() const;

  /// A user with these rights; returns the bearer token, a made-up one where none is given.
  std::string add_user(const std::string& name, std::vector<kube::Rule> rules, std::string token = {});
  /// The token is unknown from now on: 401.
  void remove_token(const std::string& token);
  /// YAML that names this server, its CA and the token.
  std::string kubeconfig(const std::string& token) const;

  /// What goes wrong with which requests.
  kube::Faults& faults();
  /// What was asked and written by requests; direct access below is not in it.
  kube::RequestLog& requests();
  /// Where a test can stand in the way of a request; its record's status is not known before it has been carried out.
  RequestGate<kube::RequestRecord>& gate();
  /// Every version before now is expired: 410 for continue tokens, and for watches that start at one.
  void expire_versions();
  /// Ends all watches as their time-out would.
  void close_watches();
  void set_metrics_api(bool on);
  /// How wrong the clock is that answers are dated with.
  void set_clock_offset(std::chrono::seconds offset);

  /// Direct access, without faults, rights or validation. Resources are named by plural, or by "plural.group".
  std::optional<nlohmann::json> object(const std::string& resource, const std::string& namespace_,
                                       const std::string& name) const;
  std::vector<nlohmann::json> objects(const std::string& resource, const std::string& namespace_ = {}) const;
  std::size_t count(const std::string& resource, const std::string& namespace_ = {}) const;
  /// Creates it or replaces what is there; uid and creation time stay. Returns what is stored. Throws
  /// std::invalid_argument where the kind is unknown.
  nlohmann::json put_object(nlohmann::json object);
  /// Like a request's delete: finalizers hold it. False where it is not there.
  bool remove_object(const std::string& resource, const std::string& namespace_, const std::string& name);
  /// A CustomResourceDefinition in YAML or JSON, as an object for `put_object`.
  static nlohmann::json parse_definition(const std::string& yaml);

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime_agent::sandbox
