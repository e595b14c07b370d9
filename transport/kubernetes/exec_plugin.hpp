#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "transport/call.hpp"
#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::kubernetes {

/// What a plug-in gave.
struct ExecCredential {
  Secret token;
  Secret client_certificate; ///< PEM
  Secret client_key;         ///< PEM
  std::optional<std::chrono::system_clock::time_point> expires;
};

/// Runs the plug-in of `config.exec` (which must be there), at most a minute, and reads the ExecCredential that it
/// prints. `ca_pem` is told to it where it asks for cluster information. Failure (configuration, or as `run_process`):
/// names the command, with the install hint where it is missing; never holds what it printed to standard output.
Result<ExecCredential> run_exec_plugin(const ClusterConfig& config, const std::string& ca_pem,
                                       const CallContext& context);

/// Reads the plug-in's output. Failure (configuration): what was expected, without the output.
Result<ExecCredential> parse_exec_credential(const std::string& output, const std::string& api_version);

} // namespace runtime_agent::kubernetes
