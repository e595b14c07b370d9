#include "app/commands/environment.hpp"

#include <array>
#include <cstdlib>
#include <ostream>
#include <random>

#include "app/version.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/cluster_config.hpp"
#include "transport/printable.hpp"

namespace runtime_agent::app {

std::optional<Settings> settings_of(const Invocation& invocation) {
  auto settings = read_settings([](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
  if (settings)
    return std::move(*settings);
  for (const std::string& problem : settings.error())
    invocation.err << "runtime-agent: " << printable(problem) << '\n';
  invocation.err << "runtime-agent: correct the environment of the Deployment; 'runtime-agent --help' lists all "
                    "variables\n";
  return std::nullopt;
}

Result<ClusterAccess> cluster_access(const Invocation& invocation, const std::string& as) {
  auto proxies = http::ProxySettings::from_environment();
  if (!proxies)
    return failed(proxies.error());
  auto cluster = kubernetes::load_cluster_config(invocation.kubeconfig);
  if (!cluster)
    return failed(cluster.error());
  if (!as.empty())
    cluster->impersonation.emplace_back("Impersonate-User", as);
  kubernetes::ApiOptions options;
  options.user_agent = std::string("runtime-agent/") + version;
  options.proxies = *proxies;
  options.max_retries = 2; // a person waits for it
  std::shared_ptr<kubernetes::PatchingApi> api = kubernetes::make_api(*cluster, options);
  return ClusterAccess{std::move(*cluster), std::move(*proxies), std::move(api)};
}

Result<std::shared_ptr<kubernetes::Api>> cluster_of(const Invocation& invocation) {
  auto access = cluster_access(invocation);
  if (!access)
    return failed(access.error());
  return std::shared_ptr<kubernetes::Api>(std::move(access->api));
}

compass::ClientSettings compass_settings(const Settings& settings, const http::ProxySettings& proxies) {
  compass::ClientSettings result;
  result.verify_tls = !settings.skip_compass_tls_verify;
  result.proxies = proxies;
  result.user_agent = std::string("runtime-agent/") + version;
  result.fetch = {settings.fetch_max_applications, settings.fetch_max_bytes};
  return result;
}

CallContext compass_context(const std::string& runtime_id, std::chrono::milliseconds limit) {
  std::random_device device;
  std::array<std::uint8_t, 16> random{};
  for (std::uint8_t& byte : random)
    byte = static_cast<std::uint8_t>(device());
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + limit;
  context.trace = make_trace(random);
  context.request_id = runtime_id + "_" + context.trace.uuid();
  return context;
}

} // namespace runtime_agent::app
