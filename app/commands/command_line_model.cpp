#include "app/commands/command_line_model.hpp"

#include <algorithm>
#include <functional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace runtime_agent::app {
namespace {

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

std::string function_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return "_" + name;
}

std::string joined(const std::vector<std::string>& words, std::string_view separator = " ") {
  return fmt::format("{}", fmt::join(words, separator));
}

std::vector<std::string> names_of(const std::vector<CommandModel>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CommandModel& command : commands)
    names.push_back(command.name);
  return names;
}

std::vector<std::string> words_after(const CommandModel& command) {
  std::vector<std::string> words = names_of(command.subcommands);
  for (const OptionModel& option : command.options)
    words.insert(words.end(), option.names.begin(), option.names.end());
  words.push_back("--help");
  for (const OptionModel& positional : command.positionals)
    for (const std::string& choice : positional.choices())
      words.push_back(choice);
  return words;
}

/// Every option with an argument, of the root and of every command, once.
void each_argument(const CommandModel& root, const std::function<void(const OptionModel&)>& call) {
  std::vector<std::string> seen;
  const auto visit = [&](const CommandModel& command) {
    for (const OptionModel& option : command.options) {
      if (option.argument.empty() || std::find(seen.begin(), seen.end(), option.names.back()) != seen.end())
        continue;
      seen.push_back(option.names.back());
      call(option);
    }
  };
  visit(root);
  for (const CommandModel& command : root.subcommands)
    visit(command);
}

/// Text within zsh's single quotes and `[…]`.
std::string zsh_text(const std::string& text) {
  return replaced(replaced(replaced(replaced(text, "'", "'\\''"), "[", "\\["), "]", "\\]"), ":", "\\:");
}

std::string zsh_action(const OptionModel& option) {
  if (!option.choices().empty())
    return fmt::format(":{}:({})", zsh_text(option.argument), joined(option.choices()));
  return option.argument == "FILE" ? ":FILE:_files" : fmt::format(":{}: ", zsh_text(option.argument));
}

std::string zsh_options(const CommandModel& command, std::string_view indent) {
  std::string text;
  for (const OptionModel& option : command.options)
    for (const std::string& name : option.names)
      text += fmt::format(" \\\n{}'{}[{}]{}'", indent, name, zsh_text(option.description),
                          option.argument.empty() ? "" : zsh_action(option));
  text += fmt::format(" \\\n{}'--help[print this help and end]'", indent);
  for (const OptionModel& positional : command.positionals)
    text += fmt::format(" \\\n{}'1{}'", indent, zsh_action(positional));
  return text;
}

/// Text in roff: a backslash is one, a hyphen can be copied, and no line begins with a request.
std::string roff(const std::string& text) {
  std::string escaped = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  escaped = replaced(std::move(escaped), "\n.", "\n\\&.");
  escaped = replaced(std::move(escaped), "\n'", "\n\\&'");
  return escaped.starts_with('.') || escaped.starts_with('\'') ? "\\&" + escaped : escaped;
}

std::string roff_options(const CommandModel& command) {
  std::string text;
  for (const OptionModel& option : command.options) {
    text += ".TP\n\\fB" + roff(joined(option.names, ", ")) + "\\fR";
    if (!option.argument.empty())
      text += " \\fI" + roff(option.argument) + "\\fR";
    text += "\n" + roff(option.description) + "\n";
  }
  return text;
}

} // namespace

std::vector<std::string> OptionModel::choices() const {
  std::vector<std::string> words;
  for (std::size_t begin = 0; argument.find('|') != std::string::npos && begin <= argument.size();) {
    const auto end = std::min(argument.find('|', begin), argument.size());
    words.push_back(argument.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

CommandModel model_of(CLI::App& cli) {
  CommandModel model;
  model.name = cli.get_name();
  model.description = cli.get_description();
  for (const CLI::Option* option : cli.get_options()) {
    if (option == cli.get_help_ptr())
      continue;
    OptionModel entry;
    for (const std::string& name : option->get_snames())
      entry.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames())
      entry.names.push_back("--" + name);
    if (option->get_expected_max() > 0) {
      const std::string type = option->get_type_name();
      entry.argument = type.substr(0, type.find(':')); // behind it CLI11 describes what checks the value
    }
    entry.description = option->get_description();
    (entry.names.empty() ? model.positionals : model.options).push_back(std::move(entry));
  }
  for (CLI::App* command : cli.get_subcommands({}))
    model.subcommands.push_back(model_of(*command));
  return model;
}

std::string bash_completion(const CommandModel& root) {
  const std::string function = function_name(root.name);
  std::string arguments, words;
  each_argument(root, [&](const OptionModel& option) {
    const std::string reply = option.choices().empty() ? (option.argument == "FILE" ? "-f" : "-W ''")
                                                       : fmt::format("-W '{}'", joined(option.choices()));
    arguments += fmt::format("    {}) COMPREPLY=($(compgen {} -- \"$current\")); return ;;\n",
                             joined(option.names, " | "), reply);
  });
  for (const CommandModel& command : root.subcommands)
    words += fmt::format("    {}) words='{}' ;;\n", command.name, joined(words_after(command)));
  return fmt::format(R"(# bash completion for {0}; made by '{0} completion bash'.
{1}() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command='' word words
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
    case $word in
    {2}) command=$word ;;
    esac
  done
  case $previous in
{3}  esac
  case $command in
{4}    *) words='{5}' ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F {1} {0}
)",
                     root.name, function, joined(names_of(root.subcommands), " | "), arguments, words,
                     joined(words_after(root)));
}

std::string zsh_completion(const CommandModel& root) {
  const std::string function = function_name(root.name);
  std::string commands, cases;
  for (const CommandModel& command : root.subcommands) {
    commands += fmt::format("    '{}:{}'\n", command.name, zsh_text(command.description));
    cases +=
        fmt::format("      {})\n        _arguments{}\n        ;;\n", command.name, zsh_options(command, "          "));
  }
  return fmt::format(R"(#compdef {0}
# zsh completion for {0}; made by '{0} completion zsh'.
{1}() {{
  local context state state_descr line
  typeset -A opt_args
  local -a commands=(
{2}  )
  _arguments -C{3} \
    '1: :->command' \
    '*:: :->arguments'
  case $state in
  command)
    _describe 'command' commands
    ;;
  arguments)
    case $words[1] in
{4}    esac
    ;;
  esac
}}
if [ "$funcstack[1]" = "{1}" ]; then
  {1} "$@"
else
  compdef {1} {0}
fi
)",
                     root.name, function, commands, zsh_options(root, "    "), cases);
}

std::string manual_page(const CommandModel& root, const std::string& environment, const std::string& program_version) {
  std::string name = root.name;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string page = fmt::format(".TH {} 1 \"\" \"{} {}\"\n", roff(name), roff(root.name), roff(program_version));
  page += fmt::format(".SH NAME\n{} \\- connects a Kyma cluster to Compass\n", roff(root.name));
  page += fmt::format(".SH SYNOPSIS\n.B {0}\n[\\fICOMMAND\\fR] [\\fIOPTION\\fR]...\n", roff(root.name));
  page += ".SH DESCRIPTION\n" + roff(root.description) + "\n";
  page += ".SH OPTIONS\n" + roff_options(root);
  page += ".SH COMMANDS\n";
  for (const CommandModel& command : root.subcommands) {
    page += ".SS " + roff(command.name);
    for (const OptionModel& positional : command.positionals)
      page += " " + roff(positional.argument);
    page += "\n" + roff(command.description) + "\n" + roff_options(command);
  }
  page += ".SH ENVIRONMENT\n.nf\n" + roff(environment) + ".fi\n";
  return page;
}

} // namespace runtime_agent::app
