#pragma once

#include <memory>
#include <optional>

#include "app/commands/command.hpp"
#include "app/settings.hpp"
#include "transport/kubernetes/api.hpp"

namespace runtime_agent::app {

/// The settings of this process' environment; nullopt where a variable does not parse, which has then been said on
/// `invocation.err`: the command ends with exit_invalid_settings.
std::optional<Settings> settings_of(const Invocation& invocation);

/// A client of the cluster for commands: short retries, no traces. Failure (configuration): no cluster to talk to.
Result<std::shared_ptr<kubernetes::Api>> cluster_of(const Invocation& invocation);

} // namespace runtime_agent::app
