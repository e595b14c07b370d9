#include "app/commands/command.hpp"
#include "app/commands/environment.hpp"
#include "app/run.hpp"

namespace runtime_agent::app {

Command run_command() {
  return {"run", "connect and synchronize until SIGTERM (also without any subcommand)",
          [](CLI::App& cli, Invocation& invocation) {
            add_kubeconfig_option(cli, invocation);
            return [&invocation] {
              const auto settings = settings_of(invocation);
              return settings ? run(*settings, invocation.kubeconfig) : exit_invalid_settings;
            };
          }};
}

} // namespace runtime_agent::app
