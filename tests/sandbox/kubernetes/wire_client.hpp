#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace runtime_agent::sandbox {

/// What came back for one request.
struct Response {
  int status = 0;      ///< 0: no answer
  nlohmann::json body; ///< null where it is no JSON
  std::string text;
  std::multimap<std::string, std::string> headers;
};

/// A Kubernetes API server reached by plain HTTP requests, for tests that assert what is on the wire. Trusts the given
/// CA only, keeps one connection. Thread-safe, one request at a time.
class WireClient {
public:
  WireClient(std::string url, std::string ca_pem, std::string token);
  /// From a kubeconfig with a token. Throws std::runtime_error where it is none.
  static WireClient from_kubeconfig(const std::string& file);

  /// What later requests accept instead of application/json.
  void accept(std::string media_types) { accept_ = std::move(media_types); }
  Response request(const std::string& method, const std::string& path, const std::optional<nlohmann::json>& body = {},
                   const std::string& content_type = "application/json") const;
  Response raw(const std::string& method, const std::string& path, const std::string& body,
               const std::string& content_type, const std::optional<std::string>& token) const;
  /// The events of a watch, until `enough` of them or the server's `timeoutSeconds`, which the path gives.
  std::vector<nlohmann::json> watch(const std::string& path, std::size_t enough = 1000) const;

  Response get(const std::string& path) const { return request("GET", path); }
  Response post(const std::string& path, const nlohmann::json& body) const { return request("POST", path, body); }
  Response put(const std::string& path, const nlohmann::json& body) const { return request("PUT", path, body); }
  Response remove(const std::string& path, const std::optional<nlohmann::json>& options = {}) const {
    return request("DELETE", path, options);
  }

private:
  std::shared_ptr<httplib::SSLClient> client_;
  std::string url_;
  std::string ca_pem_;
  std::string token_;
  std::string accept_ = "application/json";
};

} // namespace runtime_agent::sandbox
