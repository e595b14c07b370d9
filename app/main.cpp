#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "app/commands/command.hpp"
#include "app/run.hpp"
#include "app/settings.hpp"

namespace {

constexpr const char* description =
    R"(The Runtime Agent connects a Kyma cluster to Compass, keeps that connection alive, and keeps the cluster's
Applications equal to what Compass' Director says. It is configured by environment variables and by one ConfigMap
(or Secret) with the keys CONNECTOR_URL, RUNTIME_ID, TENANT and TOKEN.)";

constexpr const char* codes_of_the_agent = R"(  0  ended by SIGTERM or SIGINT
  2  the command line or an environment variable is not valid
  3  an actor failed too often (the reason is in the log, the trace file and the CompassConnection)
  4  an actor was stuck for half a minute (the reason is there as well)
)";

/// Of what a person or a script calls.
constexpr const char* codes_of_commands = R"(  0  done, and nothing is wrong
  1  something is wrong or differs, as the command says, or it could not be done
  2  the command line or an environment variable is not valid
)";

/// Made only when it is asked for.
std::function<std::string()> footer(const char* exit_codes) {
  return [exit_codes] {
    return "Environment variables:\n" + runtime_agent::app::describe_settings() + "\nExit codes:\n" + exit_codes +
           R"(
See the connection:  kubectl get compassconnection compass-connection -o yaml
Reconnect:           kubectl delete compassconnection compass-connection
)";
  };
}

/// Where one of the three is closed, the next file or connection would get its number, and log lines or output would go
/// into that. What takes their place fails each read or write as a closed one does.
void occupy_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(number, F_GETFD) == -1)
      ::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY); // the lowest number that is free: this one
}

} // namespace

int main(int argc, char** argv) {
  using namespace runtime_agent::app;
  occupy_standard_descriptors();
  Invocation invocation{{}, OutputFormat::text, std::cout, std::cerr};
  auto cli = std::make_unique<CLI::App>(description, "runtime-agent");
  cli->footer(footer(codes_of_the_agent));
  add_kubeconfig_option(*cli, invocation);
  cli->require_subcommand(0, 1);
  const CLI::App* chosen = nullptr;
  std::map<const CLI::App*, Execution> executions;
  for (const Command& command : commands()) {
    CLI::App* subcommand = cli->add_subcommand(command.name, command.summary);
    executions[subcommand] = command.add(*subcommand, invocation);
    if (command.name == "run")
      chosen = subcommand; // what is done without any subcommand
    else
      subcommand->footer(footer(codes_of_commands));
  }
  const CLI::App* run = chosen;
  try {
    cli->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli->exit(error) == 0 ? 0 : exit_invalid_settings;
  }
  if (const auto asked = cli->get_subcommands(); !asked.empty())
    chosen = asked.front();
  const Execution execute = std::move(executions[chosen]);
  if (chosen == run) { // for years: what the command line has been read with is not needed any more
    executions.clear();
    cli.reset();
  }
  return execute();
}
