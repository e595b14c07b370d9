#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace CLI {
class App;
}

/// The subcommands of `runtime-agent`: each a file here and a line in `commands()`.
namespace runtime_agent::app {

enum class OutputFormat { text, json };

/// What a command is called with, beside its own options.
struct Invocation {
  std::string kubeconfig; ///< of the command line; empty: KUBECONFIG, the pod's service account, ~/.kube/config
  OutputFormat output = OutputFormat::text;
  std::ostream& out;
  std::ostream& err;
};

/// Carries a command out; returns the exit code.
using Execution = std::function<int()>;

struct Command {
  std::string name;
  std::string summary; ///< for --help
  /// Adds the command's options to `cli`. What they are read into lives in the Execution, which is called after
  /// parsing, at most once. `invocation` outlives both.
  std::function<Execution(CLI::App& cli, Invocation& invocation)> add;
};

/// In the order of --help.
std::vector<Command> commands();

/// The options that several commands have: `--kubeconfig FILE`; `--output text|json`.
void add_kubeconfig_option(CLI::App& cli, Invocation& invocation);
void add_output_option(CLI::App& cli, Invocation& invocation);

/// Prints what `--output` asks for: the JSON document, indented and with an end of line, or the text as it stands.
void print(const Invocation& invocation, const nlohmann::ordered_json& document, const std::string& text);

Command run_command();
Command status_command();
Command trace_command();
Command actors_command();
Command check_command();
Command diff_command();
Command resync_command();
Command refresh_credentials_command();
Command reconnect_command();
Command completion_command();
Command man_command();
Command version_command();

} // namespace runtime_agent::app
