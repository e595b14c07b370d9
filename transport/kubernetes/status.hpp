#pragma once

#include <string>
#include <string_view>

#include "transport/http/client.hpp"
#include "transport/kubernetes/api.hpp"

namespace runtime_agent::kubernetes {

/// What is asked of the API server, for messages: "create Secret kyma-system/mp-shop-1".
struct Operation {
  std::string_view verb; ///< a literal: "get" "create" "update" "delete" "list" "watch"
  const Resource& resource;
  std::string_view name; ///< empty: the collection
  /// What is sent holds no secret, so that the server's message may be shown whatever it quotes.
  bool harmless = false;

  /// Of a Failure: "Kubernetes API, get Secret kyma-system/x".
  std::string where() const;
  /// Without names, for the trace: "get secrets".
  std::string span() const;
};

/// The Failure that a non-2xx answer means: its kind by code and reason, its words from the Status, bounded. A 403 is
/// `forbidden` only in the authorizer's form, else `refused`: quotas and webhooks say 403 too, and miss no right. What
/// the API server says about a Secret or ConfigMap that it refuses may quote the content: of that only reasons and
/// fields are kept. `wall` is when the answer came (`Retry-After` may be a date).
Failure failure_of(const http::Response& response, const Operation& operation,
                   std::chrono::system_clock::time_point wall);

/// The same of a Status object, as an ERROR event of a watch carries it.
Failure failure_of_status(const Json& status, const Operation& operation);

} // namespace runtime_agent::kubernetes
