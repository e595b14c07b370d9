#pragma once

// DRAFT OF THE INTERFACE: what the five actors are written against.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <caf/all.hpp>

#include "actors/supervision/io_executor.hpp"
#include "messages/messages.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::supervision {

class TraceRing;
class CrashSwitch;

/// What every actor stands on. Outlives the actor system.
struct Environment {
  IoExecutor& io;
  TraceRing& ring;
  /// Wall clock, for what is shown to people and for certificates. Timers never depend on it.
  std::function<WallTime()> wall_now;
  /// Seeds each actor's random source (jitter, trace ids); called once a start, on the starting thread.
  std::function<std::uint64_t()> seed;
  /// Makes an actor throw at a given message, when a test or the demo has armed it; never armed in normal use.
  CrashSwitch* crash_switch = nullptr;
};

using TimerId = std::uint64_t;
using CallId = std::uint64_t;

/// A timer that starts a cycle begins a trace of its own; one that continues (a retry, a debounce) keeps the present one.
enum class Traced { continues, begins };

struct CallSpec {
  std::string_view name;                 ///< a literal, for the trace: "fetch from the Director"
  std::chrono::milliseconds time_limit;  ///< deadline of the CallContext; the answer comes at the latest shortly after it
};

/// Base of the five actors. `Handle` is the protocol that peers see.
/// What it does for the actor: traces every message, timer and call; turns an exception into the actor's death with the
/// exception's text as its reason; cancels timers, calls and watches when the actor ends, so that nothing that a dead
/// predecessor asked for reaches its successor; answers Ping.
template <class Handle>
class TracedActor : public Handle::base {
public:
  TracedActor(caf::actor_config& config, Environment& environment);

protected:
  /// The actors' clock: monotonic, simulated in tests.
  std::chrono::steady_clock::time_point now() const;
  WallTime wall_now() const;
  std::mt19937_64& random();

  /// Sends a message to a peer, within the present trace.
  template <class PeerHandle, class Message>
  void tell(const PeerHandle& peer, Message message);

  /// Runs `then` in this actor after `delay`, once.
  TimerId after(std::chrono::milliseconds delay, std::string_view name, Traced traced, std::function<void()> then);
  /// Harmless where it has fired or never was.
  void cancel_timer(TimerId& id);

  /// Runs `work` on an I/O thread under a deadline, then `done` in this actor, always exactly once while the actor
  /// lives: with the result, or with a Failure (timeout: `work` has not come back in time; unavailable: the queue of the
  /// I/O threads is full; internal: `work` threw, with the exception's text). The context given to `work` carries
  /// the trace under which the call was started.
  template <class T>
  CallId call(CallSpec spec, std::function<Result<T>(const CallContext&)> work, std::function<void(Result<T>)> done);
  /// Cancels the token; `done` is not called any more.
  void cancel_call(CallId& id);

  /// Runs `work` on a long-lived thread until its token is cancelled (at the latest when this actor ends). Each `emit`
  /// runs `on_event` in this actor as the beginning of a trace of its own. A `work` that returns or throws without being
  /// cancelled kills the actor (a watch that is silently dead would be a wedge).
  template <class Event>
  CallId watch(std::string_view name, std::function<void(const CancelToken&, const std::function<void(Event)>& emit)> work,
               std::function<void(Event)> on_event);

  /// The trace that the present handler runs in.
  const TraceContext& trace() const;
  /// `<runtime_id>_<uuid of the trace>` (contract §4).
  std::string request_id(const std::string& runtime_id) const;
};

} // namespace runtime_agent::supervision
