#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runtime_agent {

/// Base64 with padding and without line breaks (RFC 4648 §4).
std::string base64_encode(std::string_view bytes);

/// Strict but for white space, which is skipped; nullopt where the text is no base64.
std::optional<std::string> base64_decode(std::string_view text);

/// Appends the text as a JSON string, with its quotes. Bytes that are no UTF-8 stay what they are.
void append_json_string(std::string& out, std::string_view text);

/// SHA-256 in 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// SHA-1 in 40 lower-case hexadecimal digits: for service names only (contract §6), never for security.
std::string sha1_hex(std::string_view bytes);

/// Without white space at both ends (ASCII's: blank, tab, newlines, vertical tab, form feed).
std::string_view trimmed(std::string_view text);

} // namespace runtime_agent
