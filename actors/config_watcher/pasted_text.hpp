#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What comes along when people copy a value from a page, a chat or a terminal. Pure. Source: contract §1.1.
namespace runtime_agent::config_watcher {

/// Without what cannot be seen at both ends: white space of any script, zero-width characters, byte order marks.
std::string_view without_invisible_ends(std::string_view text);

/// The first character that cannot be seen, or is no text: "holds U+200B as character 4, …". ASCII's blank can be seen.
std::optional<std::string> invisible_within(std::string_view text);

/// Quotes around the value: "begins or ends with a quotation mark, …".
std::optional<std::string> quotes_around(std::string_view text);

/// A token that is more than the token: a command's output, or base64 once too often. Says nothing of its content.
std::optional<std::string> no_bare_token(std::string_view token);

} // namespace runtime_agent::config_watcher
