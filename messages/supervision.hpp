#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "transport/trace_context.hpp"

/// Between an actor, its Slot and its calls on I/O threads. No domain actor handles these by hand: the base
/// class does (actors/supervision/traced_actor.hpp).
namespace runtime_agent {

/// To a Slot: start the child, unless it is started.
struct ChildStartRequested {};

/// To a Slot: ask the child to end, behind what is in its mailbox; end it in any case when `limit` is over.
struct ChildStopRequested {
  std::chrono::milliseconds limit{0};
};

/// A blocking call of the receiver has ended, or one of its watches has something to say.
struct CallFinished {
  std::uint64_t id = 0;
  TraceContext trace;
  std::shared_ptr<void> result; ///< ActorCore::Outcome: known to the base class only
};

/// Are you there? Answered by the base class, behind whatever is in the mailbox.
struct Ping {
  /// Set where it is handled. Not an answer by message: who asks must not depend on the threads that it looks after.
  std::shared_ptr<std::atomic<bool>> answered = std::make_shared<std::atomic<bool>>(false);
};

} // namespace runtime_agent
