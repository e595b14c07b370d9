#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace runtime_agent {

/// Which cycle something belongs to and what caused it. The trace id is a random UUID (version 4): the same one that
/// `x-request-id` shows after the Runtime's id and that `traceparent` carries (W3C Trace Context). Source: contract §4.
struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::uint64_t span_id = 0; ///< the span that causes; 0: none

  bool valid() const noexcept { return trace_id != std::array<std::uint8_t, 16>{}; }
  /// "1ae04041-17e5-478f-91f8-3a2ddc7700de"
  std::string uuid() const;
  /// "00-<32 hex>-<16 hex>-01"
  std::string traceparent() const;
  bool operator==(const TraceContext&) const = default;
};

/// A new trace from 16 random bytes; sets the version and variant bits.
TraceContext make_trace(std::array<std::uint8_t, 16> random);

/// Parses the form of `uuid()`; an invalid context where the text is no UUID.
TraceContext trace_from_uuid(std::string_view uuid);

/// The trace that this thread works in at the moment: set around each handler and each job, read by log lines.
const TraceContext& present_trace() noexcept;

/// Sets this thread's present trace until the end of the scope.
class TraceScope {
public:
  explicit TraceScope(const TraceContext& trace) noexcept;
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;
  ~TraceScope();

private:
  TraceContext before_;
};

} // namespace runtime_agent
