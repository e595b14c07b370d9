#pragma once

#include <chrono>
#include <string>

namespace runtime_agent {

/// "2026-07-01T12:00:00Z": UTC, whole seconds, rounded down (RFC 3339; contract §5.4).
std::string rfc3339(std::chrono::system_clock::time_point time);

} // namespace runtime_agent
