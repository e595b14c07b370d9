#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

namespace runtime_agent::sandbox {

/// Where a cluster's API is and as whom to ask.
struct ClusterAccess {
  std::string server; ///< "https://host:port"
  std::string ca_pem; ///< empty: the server's certificate is not checked
  std::string token;
  std::string client_certificate_pem;
  std::string client_key_pem;
};

/// Of a kubeconfig's current context: server, CA, token or client certificate, inline or in files. Error: what is
/// missing. Exec plug-ins are not run.
tl::expected<ClusterAccess, std::string> read_kubeconfig(const std::filesystem::path& file);

/// As much of the Kubernetes API as is needed to prepare a cluster for the agent. Not the agent's own client: the
/// sandbox stands beside it. Thread-safe; a connection for each call. Errors: sentences with the path and the server's
/// message.
class ClusterClient {
public:
  explicit ClusterClient(ClusterAccess access) : access_(std::move(access)) {}

  tl::expected<nlohmann::json, std::string> get(const std::string& path) const;
  /// Makes the object at `collection`, or gives the one that is there its `data`.
  tl::expected<void, std::string> apply(const std::string& collection, const nlohmann::json& object) const;
  /// Success where it is not there.
  tl::expected<void, std::string> remove(const std::string& path) const;
  /// Success where it is there already.
  tl::expected<void, std::string> ensure_namespace(const std::string& name) const;

private:
  struct Reply {
    int status = 0;
    nlohmann::json body;
    std::string text() const;
  };
  Reply send(const char* method, const std::string& path, const nlohmann::json& body) const;

  ClusterAccess access_;
};

} // namespace runtime_agent::sandbox
