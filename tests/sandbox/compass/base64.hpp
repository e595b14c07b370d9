#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runtime_agent::sandbox::compass {

/// Standard alphabet with padding, one line. By OpenSSL, apart from the agent's own: the two check each other.
std::string base64(std::string_view data);
/// Nothing where the text is not exactly that form.
std::optional<std::string> from_base64(std::string_view text);

} // namespace runtime_agent::sandbox::compass
