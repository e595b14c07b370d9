#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace runtime_agent::conformance {

using Json = nlohmann::json;

struct Response {
  int status = 0; ///< 0: no answer
  Json body;      ///< null where it is no JSON
  std::string text;
  std::multimap<std::string, std::string> headers;
};

/// One Kubernetes API server, reached by plain HTTP requests: what is asserted is what is on the wire.
class Cluster {
public:
  Cluster(std::string url, std::string ca_pem, std::string token);
  /// From a kubeconfig with a token. Throws std::runtime_error where it is none.
  static Cluster from_kubeconfig(const std::string& file);

  Response request(const std::string& method, const std::string& path, const std::optional<Json>& body = {},
                   const std::string& content_type = "application/json") const;
  Response raw(const std::string& method, const std::string& path, const std::string& body,
               const std::string& content_type, const std::optional<std::string>& token) const;
  /// The events of a watch, until `enough` of them or the server's `timeoutSeconds`, which the path gives.
  std::vector<Json> watch(const std::string& path, std::size_t enough = 1000) const;

  Response get(const std::string& path) const { return request("GET", path); }
  Response post(const std::string& path, const Json& body) const { return request("POST", path, body); }
  Response put(const std::string& path, const Json& body) const { return request("PUT", path, body); }
  Response remove(const std::string& path, const std::optional<Json>& options = {}) const {
    return request("DELETE", path, options);
  }

private:
  std::string url_;
  std::string ca_pem_;
  std::string token_;
};

} // namespace runtime_agent::conformance
