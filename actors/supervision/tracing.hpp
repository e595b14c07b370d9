#pragma once

namespace runtime_agent::supervision {

/// Off only in a build that measures what tracing costs (CMake option RUNTIME_AGENT_TRACING).
#ifdef RUNTIME_AGENT_NO_TRACING
inline constexpr bool tracing = false;
#else
inline constexpr bool tracing = true;
#endif

} // namespace runtime_agent::supervision
