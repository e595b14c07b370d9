#pragma once

#include <memory>
#include <optional>

#include "app/commands/command.hpp"
#include "app/settings.hpp"
#include "transport/compass/make_clients.hpp"
#include "transport/http/proxy.hpp"
#include "transport/kubernetes/api_client.hpp"

namespace runtime_agent::app {

/// The settings of this process' environment; nullopt where a variable does not parse, which has then been said on
/// `invocation.err`: the command ends with exit_invalid_settings.
std::optional<Settings> settings_of(const Invocation& invocation);

/// The cluster, and how commands reach it.
struct ClusterAccess {
  kubernetes::ClusterConfig config;
  http::ProxySettings proxies;
  std::shared_ptr<kubernetes::PatchingApi> api; ///< short retries, no traces
};
/// `as`: a user to act as (kubectl's --as); empty: oneself. Failure (configuration): no cluster to talk to.
Result<ClusterAccess> cluster_access(const Invocation& invocation, const std::string& as = {});

/// For Compass' clients of commands.
compass::ClientSettings compass_settings(const Settings& settings, const http::ProxySettings& proxies);
/// A deadline, a trace, and the x-request-id of calls to Compass for this Runtime.
CallContext compass_context(const std::string& runtime_id, std::chrono::milliseconds limit);

/// A client of the cluster for commands: short retries, no traces. Failure (configuration): no cluster to talk to.
Result<std::shared_ptr<kubernetes::Api>> cluster_of(const Invocation& invocation);

} // namespace runtime_agent::app
