#pragma once

namespace runtime_agent::app {

inline constexpr const char* version = "0.1.0";

} // namespace runtime_agent::app
