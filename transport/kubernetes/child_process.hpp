#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "transport/call.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::kubernetes {

struct ProcessRequest {
  std::string command; ///< absolute, or searched in PATH
  std::vector<std::string> arguments;
  std::vector<std::string> environment; ///< "NAME=value", all of it
  std::size_t output_limit = 1u << 20;  ///< bytes of standard output; of standard error the first 4 KiB are kept
};

struct ProcessResult {
  int exit_code = 0; ///< 128 + the signal's number where one ended it
  std::string output;
  std::string error_output;
};

/// Runs a program in a process group of its own, without standard input, and waits for it. At the context's deadline or
/// cancel the whole group is killed. Failure: not_found where there is no such program; configuration where it cannot
/// be started; too_large, timeout, cancelled. `where` is the command.
Result<ProcessResult> run_process(const ProcessRequest& request, const CallContext& context);

} // namespace runtime_agent::kubernetes
