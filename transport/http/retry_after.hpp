#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace runtime_agent::http {

/// Nothing is put off for longer than this, whatever a server asks for.
inline constexpr std::chrono::milliseconds longest_retry_after = std::chrono::minutes(15);

struct RetryAfter {
  std::chrono::milliseconds wait{}; ///< at most `longest_retry_after`
  bool capped = false;              ///< the server asks for more
  bool operator==(const RetryAfter&) const = default;
};

/// The value of a Retry-After header, counted from `now`: whole seconds, or an HTTP date in any of its three forms
/// (RFC 9110 §§5.6.7, 10.2.3). A date that has passed is 0. Nullopt where the text is neither.
std::optional<RetryAfter> parse_retry_after(std::string_view text, std::chrono::system_clock::time_point now);

} // namespace runtime_agent::http
