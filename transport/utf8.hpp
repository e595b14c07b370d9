#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runtime_agent {

/// The longest beginning of at most `limit` bytes that ends between two characters of UTF-8. A view into `text`.
inline std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
  if (text.size() <= limit)
    return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U)
    --limit;
  return text.substr(0, limit);
}

/// At most `limit` bytes and "…" after them where something was cut, never in the middle of a character.
inline std::string bounded(std::string_view text, std::size_t limit) {
  const auto beginning = utf8_prefix(text, limit);
  return std::string(beginning) + (beginning.size() < text.size() ? "…" : "");
}

} // namespace runtime_agent
