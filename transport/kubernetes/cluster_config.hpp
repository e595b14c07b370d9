#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transport/failure.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::kubernetes {

/// Text that is given in place, or lies in a file that is read again because it changes. `data` wins where both are
/// set.
struct Material {
  Secret data;
  std::filesystem::path file;

  bool given() const noexcept { return !data.empty() || !file.empty(); }
};

/// A program that logs in (client.authentication.k8s.io/v1 or v1beta1): Kyma's kubeconfigs use one for OIDC.
struct ExecPlugin {
  std::string api_version; ///< "client.authentication.k8s.io/v1"
  std::string command;     ///< absolute, or searched in PATH; a relative path is already resolved
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment; ///< added to ours
  std::string install_hint;
  bool provide_cluster_info = false;
  bool needs_terminal = false; ///< interactiveMode Always: there is no person at a terminal
};

/// How to reach an API server and log in. A value: files are read when they are needed, and again while they are used.
struct ClusterConfig {
  std::string source; ///< for messages: "in-cluster", "kubeconfig /root/.kube/config, context kyma"
  bool in_cluster = false;
  std::string server; ///< "https://10.0.0.1:443", with a path prefix where the kubeconfig has one; no slash at the end
  Material ca;        ///< PEM; not given: the system's CAs
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name; ///< the name in the server's certificate; empty: the host of `server`
  std::string proxy_url;       ///< empty: none is asked for, the environment decides
  std::string namespace_;      ///< where objects go for which none is named; never empty

  Material token; ///< here the file wins, as in client-go: it is the one that is renewed
  std::string username;
  Secret password;
  Material client_certificate; ///< PEM
  Material client_key;         ///< PEM
  std::optional<ExecPlugin> exec;
  /// Impersonation as request headers: "Impersonate-User".
  std::vector<std::pair<std::string, std::string>> impersonation;
};

/// What the choice depends on, given so that tests can.
struct ClusterEnvironment {
  /// The value of an environment variable; empty where unset.
  std::function<std::string(const char*)> variable;
  std::filesystem::path service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};

/// This process' own.
ClusterEnvironment process_environment();

/// `explicit_kubeconfig` (the command line's; empty: none) or KUBECONFIG → that; else in-cluster where
/// KUBERNETES_SERVICE_HOST and _PORT are set; else ~/.kube/config.
/// Failure (configuration): says which file, which key and what was expected. `context`: empty: the current one.
Result<ClusterConfig> load_cluster_config(const std::string& explicit_kubeconfig,
                                          const ClusterEnvironment& environment = process_environment(),
                                          const std::string& context = {});

/// The pod's own ServiceAccount.
Result<ClusterConfig> in_cluster_config(const ClusterEnvironment& environment);

/// A Failure of kind configuration.
Failure configuration_failure(std::string where, std::string what, std::string next = {});

/// The whole file, at most a megabyte. Failure (configuration) with the system's reason.
Result<std::string> read_file(const std::filesystem::path& path);

} // namespace runtime_agent::kubernetes
