#include "actors/supervision/trace_tree.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

namespace runtime_agent::supervision {
namespace {

std::string duration_text(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  if (seconds >= 1)
    return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3)
    return fmt::format("{:.1f} ms", seconds * 1e3);
  return fmt::format("{:.0f} µs", seconds * 1e6);
}

std::string title(const Span& span) {
  const SpanKind kind = span.record.kind;
  if (kind == SpanKind::message)
    return span.receiver + ": " + span.name;
  if (kind == SpanKind::start)
    return span.receiver + ": start";
  if (kind == SpanKind::call)
    return fmt::format("{}: call {}", span.sender, span.name);
  return fmt::format("{}: {} {}", span.receiver, to_string(kind), span.name);
}

std::string line(const Span& span) {
  const SpanRecord& record = span.record;
  std::string text = title(span);
  if (record.kind == SpanKind::message && !span.sender.empty())
    text += " from " + span.sender;
  text += "  " + duration_text(span.duration());
  if (span.waited() >= std::chrono::milliseconds(1))
    text += fmt::format(" (waited {})", duration_text(span.waited()));
  if (record.status != 0)
    text += fmt::format(" {}", record.status);
  if (record.outcome != SpanOutcome::ok)
    text += fmt::format(" {}{}{}", to_string(record.outcome), span.detail.empty() ? "" : ": ", span.detail);
  return text;
}

void render(const std::vector<SpanNode>& nodes, const std::string& indent, bool top, std::string& text) {
  for (const SpanNode& node : nodes) {
    const bool last = &node == &nodes.back();
    text += indent + (top ? "" : last ? "└─ " : "├─ ") + line(node.span) + "\n";
    render(node.children, indent + (top ? "" : last ? "   " : "│  "), false, text);
  }
}

SpanOutcome worse(SpanOutcome a, SpanOutcome b) {
  const auto weight = [](SpanOutcome outcome) {
    return outcome == SpanOutcome::threw ? 2 : outcome == SpanOutcome::failed ? 1 : 0;
  };
  return weight(b) > weight(a) ? b : a;
}

} // namespace

std::vector<SpanNode> span_tree(std::vector<Span> spans) {
  std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return std::pair(a.record.started, a.record.sequence) < std::pair(b.record.started, b.record.sequence);
  });
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> children;
  std::unordered_map<std::uint64_t, std::size_t> known;
  for (std::size_t i = 0; i < spans.size(); ++i)
    if (spans[i].record.span != 0)
      known.emplace(spans[i].record.span, i);
  std::vector<std::size_t> roots;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const std::uint64_t parent = spans[i].record.parent;
    if (parent != 0 && known.contains(parent) && parent != spans[i].record.span)
      children[parent].push_back(i);
    else
      roots.push_back(i);
  }
  const auto build = [&](const auto& self, std::size_t index) -> SpanNode {
    SpanNode node{std::move(spans[index]), {}};
    // Taken out, so that even broken parents cannot make it run in circles.
    if (const auto found = children.extract(node.span.record.span))
      for (const std::size_t child : found.mapped())
        node.children.push_back(self(self, child));
    return node;
  };
  std::vector<SpanNode> nodes;
  nodes.reserve(roots.size());
  for (const std::size_t root : roots)
    nodes.push_back(build(build, root));
  return nodes;
}

std::string render_tree(const std::vector<SpanNode>& roots) {
  std::string text;
  render(roots, "", true, text);
  return text;
}

std::string render_tree(const Cycle& cycle) {
  std::string text = render_tree(span_tree(cycle.spans));
  if (cycle.left_out > 0)
    text += fmt::format("and {} more\n", cycle.left_out);
  return text;
}

std::string render_tree(const TraceRing& ring, const TraceContext& trace) {
  return render_tree(ring.cycle(trace.trace_id));
}

TraceSummary summary_of(const Cycle& cycle) {
  TraceSummary summary;
  summary.trace = cycle.trace;
  const Span* first = &cycle.spans.front();
  std::int64_t end = 0;
  for (const Span& span : cycle.spans) {
    if (span.record.started < first->record.started || (span.record.parent == 0 && first->record.parent != 0))
      first = &span;
    end = std::max(end, span.record.started + span.record.duration);
    summary.outcome = worse(summary.outcome, span.record.outcome);
  }
  summary.root = title(*first);
  summary.started = first->started();
  summary.duration = std::chrono::nanoseconds(end - first->record.started);
  summary.spans = cycle.spans.size();
  summary.left_out = cycle.left_out;
  summary.retained = cycle.retained;
  return summary;
}

std::vector<TraceSummary> recent_traces(const TraceRing& ring, std::size_t limit) {
  std::vector<TraceSummary> summaries;
  for (const Cycle& cycle : ring.cycles())
    summaries.push_back(summary_of(cycle));
  std::sort(summaries.begin(), summaries.end(),
            [](const TraceSummary& a, const TraceSummary& b) { return a.started > b.started; });
  if (summaries.size() > limit)
    summaries.resize(limit);
  return summaries;
}

} // namespace runtime_agent::supervision
