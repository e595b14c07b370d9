#pragma once

#include <cstdint>
#include <functional>

#include "actors/supervision/io_executor.hpp"
#include "messages/status.hpp"

namespace runtime_agent::supervision {

class TraceRing;
class CrashSwitch;

/// What every actor stands on. Outlives the actor system.
struct Environment {
  IoExecutor& io;
  TraceRing& ring;
  /// Wall clock, for what is shown to people and for certificates. Timers never depend on it. Thread-safe.
  std::function<WallTime()> wall_now;
  /// Seeds each actor's random source (jitter, trace ids); called once a start, on the starting thread. Thread-safe.
  std::function<std::uint64_t()> seed;
  /// Makes an actor throw at a given message, when a test or the demo has armed it; never armed in normal use.
  CrashSwitch* crash_switch = nullptr;
};

} // namespace runtime_agent::supervision
