#pragma once

#include <string>
#include <string_view>

/// Texts from outside where people see them: in the status, the log, Events, pages and terminals nothing of them may
/// act on what shows it. One rule for all of them.
namespace runtime_agent {

/// `text` with everything that a terminal could obey (control characters, escape sequences, direction marks, what takes
/// no place) replaced: names come from outside. Line ends become spaces. UTF-8 that is not well-formed becomes U+FFFD.
std::string printable(std::string_view text);

/// The same for a text of several lines: line ends stay.
std::string printable_lines(std::string_view text);

/// The same for JSON: what `printable` would replace is escaped, so that its reader gets what there was. Line ends
/// stay.
std::string printable_json(std::string_view document);

} // namespace runtime_agent
