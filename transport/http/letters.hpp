#pragma once

#include <algorithm>
#include <string>
#include <string_view>

/// Letters as HTTP and URLs compare them: ASCII's only, whatever the locale.
namespace runtime_agent::http {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

} // namespace runtime_agent::http
