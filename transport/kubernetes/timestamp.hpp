#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace runtime_agent::kubernetes {

/// "2026-07-01T12:00:00Z", with or without a fraction (dropped) and with any offset: RFC 3339. Nullopt for anything
/// else. Of what lies before 1700 or after 2200 ("never", in words of others) the nearer of the two: the clock, which
/// counts nanoseconds, ends in 2262, and callers add to what they get.
std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text);

} // namespace runtime_agent::kubernetes
