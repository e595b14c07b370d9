#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/access.hpp"

namespace runtime_agent::sandbox::kube {

/// A request as the API sees it, cut out of method, path and query.
struct ApiRequest {
  std::string method;
  std::string path;                  ///< still percent-encoded, without the query
  std::vector<std::string> segments; ///< decoded: what was %2F is a / inside of one
  std::map<std::string, std::string> query;
  std::string accept;
  std::string content_type; ///< without parameters
  std::string user_agent;
  std::map<std::string, std::string> headers; ///< for the log
  std::optional<std::string> token;
  std::string user;
  std::string body;

  /// Whether it is about a resource: /api/v1/… or /apis/GROUP/VERSION/….
  bool of_resource = false;
  std::string group;
  std::string version;
  std::string plural;
  std::string namespace_;
  std::string name;
  std::string subresource;
  std::string verb; ///< "get", "list", "watch", … or, outside of resources, the method in lower case

  std::string parameter(const std::string& name) const;
  bool truthy(const std::string& name) const;
  Attributes attributes() const;
};

/// Fills in everything that follows from `method` and `target`.
ApiRequest parse_request(std::string method, const std::string& target);

std::string percent_decoded(std::string_view text, bool plus_is_space);

} // namespace runtime_agent::sandbox::kube
