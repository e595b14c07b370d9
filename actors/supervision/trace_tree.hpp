#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/supervision/span.hpp"
#include "actors/supervision/trace_ring.hpp"

namespace runtime_agent::supervision {

/// A span and what it caused.
struct SpanNode {
  Span span;
  std::vector<SpanNode> children; ///< by the time at which they started
};

/// The spans of one trace as trees, by their parents. A span whose parent is not among them is a root: the first one,
/// or one whose cause the ring has lost already.
std::vector<SpanNode> span_tree(std::vector<Span> spans);

/// One line a span, indented by what caused it, with how long it waited and took.
std::string render_tree(const std::vector<SpanNode>& roots);
/// The same of a cycle, with the number of spans that it had besides, where there are any.
std::string render_tree(const Cycle& cycle);
std::string render_tree(const TraceRing& ring, const TraceContext& trace);

/// One cycle in a list of them.
struct TraceSummary {
  TraceContext trace;
  std::string root; ///< "ConfigWatcher: timer poll"
  std::chrono::system_clock::time_point started;
  std::chrono::nanoseconds duration{0};  ///< from the first span's start to the last one's end
  SpanOutcome outcome = SpanOutcome::ok; ///< threw, if any span threw; failed, if any failed; otherwise ok
  std::size_t spans = 0;
  std::uint32_t left_out = 0; ///< spans that it had besides
  bool retained = false;      ///< kept longer than others
};

/// Of a cycle with at least one span.
TraceSummary summary_of(const Cycle& cycle);

/// The cycles that are remembered, the youngest first, at most `limit`.
std::vector<TraceSummary> recent_traces(const TraceRing& ring, std::size_t limit);

} // namespace runtime_agent::supervision
