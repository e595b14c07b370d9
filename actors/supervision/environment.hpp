#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "actors/supervision/io_executor.hpp"
#include "messages/status.hpp"

namespace runtime_agent::supervision {

/// An actor has ended without being asked to.
struct ActorEnded {
  std::string actor;
  std::string reason;     ///< the exception's text; never a metric's label
  bool escalated = false; ///< it is not started again: the process ends
};

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
  /// Hears of each end that nobody asked for, on the Slot's thread: must not block. May be empty.
  std::function<void(const ActorEnded&)> actor_ended{};
  /// Spans of handlers say how much CPU time they took. For tests: it costs two system calls a message.
  bool measure_cpu = false;
};

} // namespace runtime_agent::supervision
