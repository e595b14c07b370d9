#pragma once

#include <string>

#include "app/settings.hpp"

namespace runtime_agent::app {

inline constexpr int exit_invalid_settings = 2;
inline constexpr int exit_escalation = 3;

/// Runs the agent until SIGTERM or SIGINT (0), or until an actor has failed too often (exit_escalation).
/// `kubeconfig`: of the command line; empty: none. Never throws.
int run(const Settings& settings, const std::string& kubeconfig);

} // namespace runtime_agent::app
