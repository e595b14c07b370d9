#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "transport/trace_context.hpp"

/// Between an actor, its Slot, its timers and its calls on I/O threads. No domain actor handles these by hand: the base
/// class does (actors/supervision/traced_actor.hpp).
namespace runtime_agent {

/// A timer of the receiver is due. Carries its trace, because the clock's thread knows none.
struct TimerFired {
  std::uint64_t id = 0;
  TraceContext trace;
};

/// A blocking call of the receiver has ended, or one of its watches has something to say.
struct CallFinished {
  std::uint64_t id = 0;
  TraceContext trace;
  std::shared_ptr<void> result; ///< a Result<T> of the T that the call was started with
};

/// Are you there? Answered by the base class, behind whatever is in the mailbox.
struct Ping {};

} // namespace runtime_agent
