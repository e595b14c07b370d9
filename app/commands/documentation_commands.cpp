#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>

#include "app/commands/command.hpp"
#include "app/commands/command_line_model.hpp"
#include "app/settings.hpp"
#include "app/version.hpp"

namespace runtime_agent::app {

Command completion_command() {
  return {"completion", "print a completion script: source <(runtime-agent completion bash)",
          [](CLI::App& cli, Invocation& invocation) {
            const auto shell = std::make_shared<std::string>();
            cli.add_option("shell", *shell, "the shell")
                ->required()
                ->type_name("bash|zsh")
                ->check(CLI::IsMember({"bash", "zsh"}));
            return [&cli, shell, &invocation] {
              const CommandModel model = model_of(*cli.get_parent());
              invocation.out << (*shell == "bash" ? bash_completion(model) : zsh_completion(model));
              return 0;
            };
          }};
}

Command man_command() {
  return {"man", "print the manual page: runtime-agent man | man -l -", [](CLI::App& cli, Invocation& invocation) {
            return [&cli, &invocation] {
              invocation.out << manual_page(model_of(*cli.get_parent()), describe_settings(), version);
              return 0;
            };
          }};
}

} // namespace runtime_agent::app
