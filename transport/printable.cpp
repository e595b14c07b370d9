#include "transport/printable.hpp"

#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "transport/code_point.hpp"

namespace runtime_agent {
namespace {

/// Control characters, and the marks that turn the direction of what follows or take no place.
bool obeyed_by_terminals(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

constexpr std::string_view replacement = "\xef\xbf\xbd";

/// Copies what is harmless; `instead(result, code point)` stands for what is not, and U+FFFD for what is no character.
template <class Instead>
std::string without_control(std::string_view text, Instead instead) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto point = first_code_point(text);
    const std::size_t length = point ? point->length : 1;
    if (!point)
      result += replacement;
    else if (obeyed_by_terminals(point->value))
      instead(result, point->value);
    else
      result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return result;
}

void replace(std::string& result, std::uint32_t c) {
  if (c == '\n' || c == '\t' || c == '\r')
    result += ' ';
  else
    result += replacement;
}

} // namespace

std::string printable(std::string_view text) {
  return without_control(text, replace);
}

std::string printable_lines(std::string_view text) {
  return without_control(text, [](std::string& result, std::uint32_t c) {
    if (c == '\n')
      result += '\n';
    else
      replace(result, c);
  });
}

std::string printable_json(std::string_view document) {
  const auto escape = [](std::string& result, std::uint32_t unit) {
    fmt::format_to(std::back_inserter(result), "\\u{:04x}", unit);
  };
  return without_control(document, [&](std::string& result, std::uint32_t c) {
    if (c == '\n' || c == '\t' || c == '\r')
      result += static_cast<char>(c); // between values: within them they are escaped already
    else if (c < 0x10000)
      escape(result, c);
    else {
      escape(result, 0xd800 + ((c - 0x10000) >> 10));
      escape(result, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  });
}

} // namespace runtime_agent
