#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "transport/trace_context.hpp"

namespace runtime_agent::supervision {

/// Index of a name in the ring's table; 0: none.
using NameId = std::uint16_t;

enum class SpanKind : std::uint8_t {
  message, ///< one message handled
  start,   ///< an actor's start
  timer,   ///< a timer that was due
  call,    ///< blocking work on an I/O thread
  answer,  ///< the actor handles what a call brought
  event,   ///< the actor handles an event of a watch
  request, ///< one HTTP request
  restart, ///< an actor is down: from its end until it is started anew
};
std::string_view to_string(SpanKind kind);

enum class SpanOutcome : std::uint8_t {
  ok,
  failed,  ///< a Failure; its kind is in `detail`
  threw,   ///< an exception: the actor died of it
  dropped, ///< cancelled, or its actor ended: nobody waits for it any more
};
std::string_view to_string(SpanOutcome outcome);

/// One span as it lies in the ring: fixed size, no pointers, so that it can lie in a mapped file. Type names, sizes and
/// outcomes only. Times are nanoseconds, wall clock since 1970.
struct SpanRecord {
  std::uint64_t sequence = 0; ///< counts the ring's spans from 1
  std::array<std::uint8_t, 16> trace{};
  std::uint64_t span = 0;
  std::uint64_t parent = 0; ///< 0: root
  std::int64_t queued = 0;
  std::int64_t started = 0;
  std::int64_t duration = 0; ///< nanoseconds
  std::uint32_t bytes_sent = 0;
  std::uint32_t bytes_received = 0;
  NameId sender = 0;
  NameId receiver = 0;
  NameId name = 0;   ///< message type, or name of the timer, call or request
  NameId detail = 0; ///< a FailureKind's name
  SpanKind kind = SpanKind::message;
  SpanOutcome outcome = SpanOutcome::ok;
  std::int16_t status = 0;    ///< HTTP status
  std::uint32_t cpu = 0;      ///< microseconds of its thread's CPU time; measured in tests only, otherwise 0
  std::uint32_t checksum = 0; ///< of the rest, set by the ring
  std::uint32_t reserved = 0;
};
static_assert(sizeof(SpanRecord) == 96 && std::is_trivially_copyable_v<SpanRecord>);

/// A span with its names, as read from the ring.
struct Span {
  SpanRecord record;
  std::string sender;
  std::string receiver;
  std::string name;
  std::string detail;

  std::chrono::system_clock::time_point started() const {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(record.started)));
  }
  std::chrono::nanoseconds duration() const { return std::chrono::nanoseconds(record.duration); }
  /// How long it waited before it was handled.
  std::chrono::nanoseconds waited() const { return std::chrono::nanoseconds(record.started - record.queued); }
};

/// Everything that is known of one trace.
struct Cycle {
  TraceContext trace;
  std::vector<Span> spans;    ///< in the order in which they ended
  std::uint32_t left_out = 0; ///< spans that it had besides these: over its limit, or overwritten since
  bool retained = false;      ///< failed or slow, and therefore kept longer than others
};

} // namespace runtime_agent::supervision
