#include "transport/http/make_client.hpp"
#include "transport/kubernetes/api_client.hpp"

namespace runtime_agent::kubernetes {
namespace {

http::Trust trust_of(const Endpoint& endpoint) {
  if (endpoint.insecure_skip_tls_verify)
    return http::Trust::unchecked();
  return endpoint.ca_pem.empty() ? http::Trust{} : http::Trust::exactly(endpoint.ca_pem);
}

/// The kubeconfig's, or the environment's; in a pod none, the API server is next door (contract §1.3).
Result<std::optional<http::Proxy>> proxy_of(const Endpoint& endpoint, const http::Url& origin,
                                            const http::ProxySettings& settings) {
  if (endpoint.in_cluster)
    return std::optional<http::Proxy>();
  if (endpoint.proxy_url.empty())
    return settings.proxy_for(origin);
  auto proxy = http::Proxy::parse(endpoint.proxy_url);
  if (!proxy)
    return failed(std::move(proxy.error()));
  return std::optional<http::Proxy>(std::move(*proxy));
}

} // namespace

ConnectionFactory http_connections(const ApiOptions& options) {
  return [options](const Endpoint& endpoint) -> Result<std::shared_ptr<http::Client>> {
    auto origin = http::Url::parse(endpoint.server);
    if (!origin)
      return failed(std::move(origin.error()));
    auto proxy = proxy_of(endpoint, *origin, options.proxies);
    if (!proxy)
      return failed(std::move(proxy.error()));
    http::ClientOptions client;
    if (!endpoint.certificate_pem.empty()) {
      // The file may hold intermediates after the certificate: chain and certificate at once.
      auto identity = x509::make_identity(endpoint.certificate_pem, endpoint.certificate_pem, endpoint.key_pem, {});
      if (!identity)
        return failed(std::move(identity.error()));
      client.identity = std::move(*identity);
    }
    client.origin = std::move(*origin);
    client.target = "kubernetes";
    client.observer = options.observer;
    client.trust = trust_of(endpoint);
    client.server_name = endpoint.tls_server_name;
    client.proxy = std::move(*proxy);
    client.max_connections = endpoint.max_connections;
    client.user_agent = options.user_agent;
    client.permit = options.permit;
    return http::make_client(std::move(client));
  };
}

std::unique_ptr<PatchingApi> make_api(ClusterConfig config, const ApiOptions& options) {
  return make_api(std::move(config), options, http_connections(options), system_clock());
}

} // namespace runtime_agent::kubernetes
