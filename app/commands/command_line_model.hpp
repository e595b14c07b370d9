#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

/// The command line as data, read from CLI11's own description: what completion scripts and the manual page are made
/// of, so that neither can lack an option.
namespace runtime_agent::app {

struct OptionModel {
  std::vector<std::string> names; ///< "-o", "--output"; empty for a positional argument
  std::string argument;           ///< "FILE", "text|json"; empty for a flag
  std::string description;
  /// Where the argument is one of a few words.
  std::vector<std::string> choices() const;
};

struct CommandModel {
  std::string name;
  std::string description;
  std::vector<OptionModel> options; ///< without --help
  std::vector<OptionModel> positionals;
  std::vector<CommandModel> subcommands;
};

CommandModel model_of(CLI::App& cli);

std::string bash_completion(const CommandModel& root);
std::string zsh_completion(const CommandModel& root);
/// roff; `environment` and `exit codes` are given as text that is set as it stands.
std::string manual_page(const CommandModel& root, const std::string& environment, const std::string& program_version);

} // namespace runtime_agent::app
