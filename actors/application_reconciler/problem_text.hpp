#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace runtime_agent::application_reconciler {

/// How long the reason of one Application's problem may be, in bytes: it goes into a status and into log lines.
inline constexpr std::size_t reason_limit = 600;

/// Of a write that conflicts, or of a deletion of what changes. Source: architecture §6.
inline constexpr int attempts_at_most = 5;

/// At most `limit` bytes and "…" after them where something was cut, never in the middle of a UTF-8 character.
inline std::string bounded(std::string_view text, std::size_t limit) {
  if (text.size() <= limit)
    return std::string(text);
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
    --end;
  return std::string(text.substr(0, end)) + "…";
}

} // namespace runtime_agent::application_reconciler
