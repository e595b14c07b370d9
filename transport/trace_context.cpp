#include "transport/trace_context.hpp"

#include <fmt/format.h>

namespace runtime_agent {
namespace {

std::string hex(const std::uint8_t* bytes, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    fmt::format_to(std::back_inserter(text), "{:02x}", bytes[i]);
  return text;
}

thread_local TraceContext this_threads_trace;

int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace

std::string TraceContext::uuid() const {
  const auto* bytes = trace_id.data();
  return hex(bytes, 4) + "-" + hex(bytes + 4, 2) + "-" + hex(bytes + 6, 2) + "-" + hex(bytes + 8, 2) + "-" +
         hex(bytes + 10, 6);
}

std::string TraceContext::traceparent() const {
  // A parent id of zeros is invalid in W3C Trace Context; the root's own is 1.
  return fmt::format("00-{}-{:016x}-01", hex(trace_id.data(), trace_id.size()), span_id == 0 ? 1 : span_id);
}

TraceContext make_trace(std::array<std::uint8_t, 16> random) {
  random[6] = static_cast<std::uint8_t>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<std::uint8_t>((random[8] & 0x3f) | 0x80);
  return TraceContext{random, 0};
}

TraceContext trace_from_uuid(std::string_view uuid) {
  TraceContext context;
  if (uuid.size() != 36)
    return {};
  std::size_t byte = 0;
  for (std::size_t i = 0; i < uuid.size();) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (uuid[i++] != '-')
        return {};
      continue;
    }
    const int high = digit(uuid[i]);
    const int low = digit(uuid[i + 1]);
    if (high < 0 || low < 0)
      return {};
    context.trace_id[byte++] = static_cast<std::uint8_t>(high * 16 + low);
    i += 2;
  }
  return context;
}

const TraceContext& present_trace() noexcept {
  return this_threads_trace;
}

TraceScope::TraceScope(const TraceContext& trace) noexcept : before_(this_threads_trace) {
  this_threads_trace = trace;
}

TraceScope::~TraceScope() {
  this_threads_trace = before_;
}

} // namespace runtime_agent
