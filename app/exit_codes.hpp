#pragma once

namespace runtime_agent::app {

// 0: ended by SIGTERM or SIGINT.
inline constexpr int exit_invalid_settings = 2;
inline constexpr int exit_escalation = 3; ///< an actor failed too often
inline constexpr int exit_watchdog = 4;   ///< an actor was stuck, and stayed so

} // namespace runtime_agent::app
