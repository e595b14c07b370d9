#include "app/pages/cycle.hpp"

#include <algorithm>

#include "actors/supervision/trace_tree.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

using supervision::Span;
using supervision::SpanKind;
using supervision::SpanNode;

double seconds(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e9;
}

/// An id is a number of 64 bits: too large for JavaScript's, so it is text.
std::string id_text(std::uint64_t id) {
  return fmt::format("{:016x}", id);
}

Json span_document(const Span& span, std::int64_t begin, std::size_t depth) {
  const auto& record = span.record;
  return {{"span", id_text(record.span)},
          {"parent", record.parent == 0 ? Json() : Json(id_text(record.parent))},
          {"depth", depth},
          {"kind", to_string(record.kind)},
          {"name", span.name},
          {"sender", span.sender},
          {"receiver", span.receiver},
          {"queuedSeconds", seconds(record.queued - begin)},
          {"startedSeconds", seconds(record.started - begin)},
          {"waitedSeconds", seconds(std::max<std::int64_t>(record.started - record.queued, 0))},
          {"durationSeconds", seconds(record.duration)},
          {"outcome", to_string(record.outcome)},
          {"detail", span.detail},
          {"status", record.status},
          {"bytesSent", record.bytes_sent},
          {"bytesReceived", record.bytes_received}};
}

void append(const std::vector<SpanNode>& nodes, std::int64_t begin, std::size_t depth, Json& spans) {
  for (const SpanNode& node : nodes) {
    spans.push_back(span_document(node.span, begin, depth));
    append(node.children, begin, depth + 1, spans);
  }
}

std::string times_text(const Json& span) {
  std::string text = duration_text(span["durationSeconds"].get<double>());
  if (span["waitedSeconds"].get<double>() >= 1e-3)
    text += " (waited " + duration_text(span["waitedSeconds"].get<double>()) + ")";
  return text;
}

std::string outcome_text(const Json& span) {
  std::string text;
  if (span["status"] != 0)
    text = span["status"].dump();
  if (span["outcome"] != "ok") {
    text += (text.empty() ? "" : " ") + span["outcome"].get<std::string>();
    if (span["detail"] != "")
      text += ": " + span["detail"].get<std::string>();
  }
  return text;
}

/// When the span began and ended within the cycle, as a thin line over its whole width.
Markup waterfall(const Json& span, double whole) {
  const double scale = whole > 0 ? 1000 / whole : 0;
  const double x = std::clamp(span["startedSeconds"].get<double>() * scale, 0.0, 996.0);
  const double width = std::clamp(span["durationSeconds"].get<double>() * scale, 4.0, 1000 - x);
  return html(
      R"(<svg class="waterfall" viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true"><rect x="{}" width="{}" height="6" class="{}"/></svg>)",
      fmt::format("{:.1f}", x), fmt::format("{:.1f}", width), kind_of(span["outcome"].get<std::string>()));
}

} // namespace

Json cycle_document(const supervision::Cycle& cycle) {
  const supervision::TraceSummary summary = supervision::summary_of(cycle);
  std::int64_t begin = cycle.spans.front().record.started;
  for (const Span& span : cycle.spans)
    begin = std::min({begin, span.record.started, span.record.queued == 0 ? begin : span.record.queued});
  Json spans = Json::array();
  append(supervision::span_tree(cycle.spans), begin, 0, spans);
  return {{"id", cycle.trace.uuid()},
          {"root", summary.root},
          {"started", precise_timestamp(summary.started)},
          {"durationSeconds", std::chrono::duration<double>(summary.duration).count()},
          {"outcome", to_string(summary.outcome)},
          {"leftOut", cycle.left_out},
          {"retained", cycle.retained},
          {"spans", std::move(spans)}};
}

std::string span_title(const Json& span) {
  const auto text = [&span](const char* key) { return span[key].get<std::string>(); };
  const std::string kind = text("kind");
  if (kind == "message")
    return text("receiver") + ": " + text("name") + (text("sender").empty() ? "" : " from " + text("sender"));
  if (kind == "start")
    return text("receiver") + ": start";
  if (kind == "restart")
    return text("receiver") + ": down until its restart";
  if (kind == "call")
    return text("sender") + ": call " + text("name");
  return text("receiver") + ": " + kind + " " + text("name");
}

std::string cycle_text(const Json& cycle) {
  std::string text =
      fmt::format("{}  {}  {}  {}\n{}\n", cycle["id"].get<std::string>(), cycle["started"].get<std::string>(),
                  duration_text(cycle["durationSeconds"].get<double>()), cycle["outcome"].get<std::string>(),
                  cycle["root"].get<std::string>());
  for (const Json& span : cycle["spans"]) {
    const std::string outcome = outcome_text(span);
    text += std::string(2 * (span["depth"].get<std::size_t>() + 1), ' ') + printable(span_title(span)) + "  " +
            times_text(span) + (outcome.empty() ? "" : "  " + printable(outcome)) + "\n";
  }
  if (cycle["leftOut"] != 0)
    text += fmt::format("  and {} more spans that are not kept\n", cycle["leftOut"].dump());
  return text;
}

Markup cycle_tree(const Json& cycle) {
  const double whole = cycle["durationSeconds"].get<double>();
  Markup rows;
  std::size_t open = 0;
  for (const Json& span : cycle["spans"]) {
    const auto depth = span["depth"].get<std::size_t>();
    for (; open > depth; --open)
      rows += html("</li></ul>");
    if (open < depth) {
      rows += html("<ul>");
      ++open;
    } else if (!rows.empty()) {
      rows += html("</li>\n");
    }
    const auto outcome = span["outcome"].get<std::string>();
    const std::string said = outcome_text(span);
    const bool good = kind_of(outcome) == "ok";
    rows += html(R"(<li><div class="span{}"><span class="what">{}</span><span class="when">{}</span>{}{}</div>)",
                 good ? "" : " wrong", span_title(span), times_text(span),
                 said.empty() ? Markup() : pill(said, kind_of(outcome)), waterfall(span, whole));
  }
  for (; open > 0; --open)
    rows += html("</li></ul>");
  if (!cycle["spans"].empty())
    rows += html("</li>");
  Markup more;
  if (cycle["leftOut"] != 0)
    more = html(R"(<p class="quiet">and {} more spans that are not kept.</p>)", cycle["leftOut"]);
  return html(R"(<ul class="spans">{}</ul>{})", rows, more);
}

} // namespace runtime_agent::app
