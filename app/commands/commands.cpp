#include "app/commands/command.hpp"

#include <map>
#include <ostream>

#include <CLI/CLI.hpp>

#include "transport/printable.hpp"

namespace runtime_agent::app {

std::vector<Command> commands() {
  return {
      run_command(),       status_command(),     check_command(),  diff_command(),
      trace_command(),     actors_command(),     resync_command(), refresh_credentials_command(),
      reconnect_command(), completion_command(), man_command(),    version_command(),
  };
}

void add_kubeconfig_option(CLI::App& cli, Invocation& invocation) {
  cli.add_option("--kubeconfig", invocation.kubeconfig,
                 "use this kubeconfig instead of KUBECONFIG or the pod's service account")
      ->type_name("FILE");
}

void add_output_option(CLI::App& cli, Invocation& invocation) {
  static const std::map<std::string, OutputFormat> formats = {{"text", OutputFormat::text},
                                                              {"json", OutputFormat::json}};
  cli.add_option_function<std::string>(
         "-o,--output", [&invocation](const std::string& name) { invocation.output = formats.at(name); },
         "text for people, json for programs")
      ->type_name("text|json")
      ->check(CLI::IsMember(formats));
}

void print(const Invocation& invocation, const nlohmann::ordered_json& document, const std::string& text) {
  if (invocation.output == OutputFormat::json)
    invocation.out << printable_json(document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace))
                   << '\n';
  else
    invocation.out << printable_lines(text);
}

} // namespace runtime_agent::app
