#include "app/commands/environment.hpp"

#include <cstdlib>
#include <ostream>

#include "app/version.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::app {

std::optional<Settings> settings_of(const Invocation& invocation) {
  auto settings = read_settings([](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
  if (settings)
    return std::move(*settings);
  for (const std::string& problem : settings.error())
    invocation.err << "runtime-agent: " << problem << '\n';
  invocation.err << "runtime-agent: correct the environment of the Deployment; 'runtime-agent --help' lists all "
                    "variables\n";
  return std::nullopt;
}

Result<std::shared_ptr<kubernetes::Api>> cluster_of(const Invocation& invocation) {
  auto proxies = http::ProxySettings::from_environment();
  if (!proxies)
    return failed(proxies.error());
  auto cluster = kubernetes::load_cluster_config(invocation.kubeconfig);
  if (!cluster)
    return failed(cluster.error());
  kubernetes::ApiOptions options;
  options.user_agent = std::string("runtime-agent/") + version;
  options.proxies = std::move(*proxies);
  options.max_retries = 2; // a person waits for it
  return std::shared_ptr<kubernetes::Api>(kubernetes::make_api(std::move(*cluster), options));
}

} // namespace runtime_agent::app
