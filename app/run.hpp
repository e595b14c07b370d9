#pragma once

#include <string>

#include "app/exit_codes.hpp"
#include "app/settings.hpp"

namespace runtime_agent::app {

/// Runs the agent until SIGTERM or SIGINT (0), until an actor has failed too often (exit_escalation), or until one has
/// been stuck for too long (exit_watchdog).
/// `kubeconfig`: of the command line; empty: none. Never throws.
int run(const Settings& settings, const std::string& kubeconfig);

} // namespace runtime_agent::app
