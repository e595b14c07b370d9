#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "transport/http/client.hpp"
#include "transport/http/proxy.hpp"
#include "transport/kubernetes/api.hpp"
#include "transport/kubernetes/clock.hpp"
#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::kubernetes {

struct ApiOptions {
  std::string user_agent = "runtime-agent"; ///< "runtime-agent/<version>"
  RequestObserver* observer = nullptr;      ///< not owned; outlives the Api
  std::size_t max_connections = 8;          ///< for requests; at least the writes at once (APP_KUBERNETES_CONCURRENCY)
  std::size_t max_watches = 16;             ///< each watch holds a connection of its own, beside those
  http::ProxySettings proxies;              ///< where the kubeconfig names no proxy; in-cluster never (contract §1.3)
  std::function<Result<void>()> permit{};   ///< http::ClientOptions::permit
  std::size_t max_object_bytes = 8u << 20;  ///< an object's answer, an event; etcd's own limit is 1.5 MiB
  std::size_t max_list_bytes = 8u << 20;    ///< a page of a list; a larger one is asked for again in smaller ones
  int max_retries = 10;                     ///< of answers with Retry-After, a request; client-go's number
  std::chrono::milliseconds longest_wait{60'000}; ///< a longer Retry-After is the caller's to wait for
};

/// What a connection is made with. Another one is asked for when the CA or the client certificate changes.
struct Endpoint {
  std::string server; ///< URL without the path
  std::string ca_pem; ///< empty: the system's CAs
  bool insecure_skip_tls_verify = false;
  std::string tls_server_name;
  std::string certificate_pem; ///< empty: none
  Secret key_pem;
  std::string proxy_url; ///< empty: none is named
  bool in_cluster = false;
  std::size_t max_connections = 1;
};
using ConnectionFactory = std::function<Result<std::shared_ptr<http::Client>>(const Endpoint&)>;

/// Real connections.
ConnectionFactory http_connections(const ApiOptions& options);

/// The Api, and what Events and the self-check alone need.
class PatchingApi : public Api {
public:
  /// JSON merge patch.
  virtual Result<Json> patch(const Resource& resource, const std::string& name, const Json& patch,
                             const CallContext& context) = 0;
  /// Everything that a create goes through, rights, admission and quotas included, but nothing is stored. `object`
  /// holds no secret: the Failure shows the server's message.
  virtual Result<Json> dry_run_create(const Resource& resource, const Json& object, const CallContext& context) = 0;
};

/// A client of the cluster. Nothing is read or connected before the first request: what is wrong with a file is that
/// request's Failure. `clock` outlives the Api.
std::unique_ptr<PatchingApi> make_api(ClusterConfig config, const ApiOptions& options);
std::unique_ptr<PatchingApi> make_api(ClusterConfig config, const ApiOptions& options, ConnectionFactory connect,
                                      Clock& clock);

} // namespace runtime_agent::kubernetes
