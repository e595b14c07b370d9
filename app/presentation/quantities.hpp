#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace runtime_agent::app {

/// "340 µs", "12.5 ms", "3.20 s", "4 min 10 s", "3 h 5 min", "89 d 23 h".
std::string duration_text(std::chrono::nanoseconds duration);
/// The same of seconds.
std::string duration_text(double seconds);
/// "12 s ago", "in 89 d 23 h", "just now".
std::string relative_text(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now);
/// "312 B", "3.1 kB", "2.0 MB".
std::string bytes_text(std::uint64_t bytes);
/// RFC 3339, UTC, milliseconds.
std::string precise_timestamp(std::chrono::system_clock::time_point time);
/// Either form of RFC 3339 that the agent writes; nullopt for anything else.
std::optional<std::chrono::system_clock::time_point> parse_timestamp(const std::string& text);

} // namespace runtime_agent::app
