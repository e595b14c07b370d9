#include <algorithm>
#include <array>
#include <map>

#include "actors/supervision/trace_tree.hpp"
#include "app/pages/cycle.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"
#include "transport/kubernetes/percent.hpp"
#include "transport/trace_context.hpp"

namespace runtime_agent::app {
namespace {

using kubernetes::percent_encoded;
using supervision::Cycle;
using supervision::TraceSummary;

constexpr std::size_t listed_at_most = 200;

struct Bucket {
  const char* name;
  double below; ///< seconds
};
constexpr std::array buckets = {Bucket{"under 10 ms", 0.01}, Bucket{"under 100 ms", 0.1}, Bucket{"under 1 s", 1},
                                Bucket{"under 10 s", 10}, Bucket{"10 s and more", 1e300}};

std::size_t bucket_of(const TraceSummary& summary) {
  const double seconds = std::chrono::duration<double>(summary.duration).count();
  return static_cast<std::size_t>(
      std::find_if(buckets.begin(), buckets.end() - 1, [seconds](const Bucket& b) { return seconds < b.below; }) -
      buckets.begin());
}

std::string value_of(const Query& query, const char* name) {
  const auto found = query.find(name);
  return found == query.end() ? std::string() : found->second;
}

/// "failed" is everything that went wrong.
bool matches(const TraceSummary& summary, const Query& query) {
  const std::string outcome = value_of(query, "outcome");
  const std::string root = value_of(query, "root");
  const std::string bucket = value_of(query, "bucket");
  const bool wrong = summary.outcome != supervision::SpanOutcome::ok;
  return (outcome.empty() || (outcome == "failed" ? wrong : to_string(summary.outcome) == outcome)) &&
         (root.empty() || summary.root == root) && (bucket.empty() || std::to_string(bucket_of(summary)) == bucket);
}

Json summary_document(const TraceSummary& summary) {
  return {{"id", summary.trace.uuid()},
          {"root", summary.root},
          {"started", precise_timestamp(summary.started)},
          {"durationSeconds", std::chrono::duration<double>(summary.duration).count()},
          {"outcome", to_string(summary.outcome)},
          {"spans", summary.spans},
          {"leftOut", summary.left_out},
          {"retained", summary.retained}};
}

Json groups_of(const std::vector<TraceSummary>& summaries) {
  struct Group {
    std::array<std::size_t, buckets.size()> counts{};
    std::size_t total = 0, failed = 0;
  };
  std::map<std::string, Group> groups;
  for (const TraceSummary& summary : summaries) {
    Group& group = groups[summary.root];
    ++group.counts.at(bucket_of(summary));
    ++group.total;
    group.failed += summary.outcome != supervision::SpanOutcome::ok ? 1 : 0;
  }
  Json document = Json::array();
  for (const auto& [root, group] : groups)
    document.push_back({{"root", root}, {"total", group.total}, {"failed", group.failed}, {"counts", group.counts}});
  return document;
}

/// The cycles of this process, or of the one before (`?process=previous`), with what is known of it.
Result<std::vector<Cycle>> cycles_of(const PageSources& sources, const Query& query, Json& process) {
  if (value_of(query, "process") != "previous") {
    process = {{"which", "present"}, {"started", precise_timestamp(sources.started)}};
    return sources.cycles();
  }
  auto previous = sources.previous();
  if (!previous)
    return failed(previous.error());
  process = {{"which", "previous"}, {"started", timestamp_or_null(previous->started)}, {"end", previous->end}};
  return std::move(previous->cycles);
}

PageModel one_cycle(const Cycle* cycle, Json process) {
  if (cycle == nullptr || cycle->spans.empty())
    return {404, {{"error", "No such cycle is recorded; /tracez lists those that are."}}};
  return {200, {{"process", std::move(process)}, {"cycle", cycle_document(*cycle)}}};
}

std::string link_to(const Json& process, const std::string& query) {
  const std::string which = process["which"] == "previous" ? "process=previous" : "";
  const std::string all = query + (query.empty() || which.empty() ? "" : "&") + which;
  return all.empty() ? "/tracez" : "/tracez?" + all;
}

Markup group_row(const Json& group, const Json& process) {
  const std::string root = "root=" + percent_encoded(group["root"].get<std::string>());
  const auto cell = [&](const std::string& label, const Json& count, const std::string& filter, const char* tone) {
    return count == 0 ? html(R"(<td data-label="{}" class="number none">0</td>)", label)
                      : html(R"(<td data-label="{}" class="number"><a class="{}" href="{}">{}</a></td>)", label, tone,
                             link_to(process, root + filter), count);
  };
  Markup cells;
  for (std::size_t i = 0; i < buckets.size(); ++i)
    cells += cell(buckets.at(i).name, group["counts"][i], "&bucket=" + std::to_string(i), "");
  return html(R"(<tr><th scope="row"><a href="{}">{}</a></th>{}{}</tr>
)",
              link_to(process, root), group["root"], cells,
              cell("failed", group["failed"], "&outcome=failed", "bad-text"));
}

Markup cycle_row(const Json& cycle, const Json& process, const Json& now) {
  const auto outcome = cycle["outcome"].get<std::string>();
  return html(
      R"(<tr><th scope="row"><a href="{}">{}</a></th><td data-label="Outcome">{}</td><td data-label="Took" class="number">{}</td><td data-label="Spans" class="number">{}{}</td><td data-label="Started">{}</td></tr>
)",
      link_to(process, "id=" + cycle["id"].get<std::string>()), cycle["root"], pill(outcome, kind_of(outcome)),
      duration_text(cycle["durationSeconds"].get<double>()), cycle["spans"],
      cycle["leftOut"] == 0 ? Markup() : html(" (+{})", cycle["leftOut"]), ago(cycle["started"], now));
}

Markup process_line(const Json& process, const Json& now) {
  if (process["which"] == "previous")
    return html(
        R"(<p class="notice">The process before this one, started {}. It {}. <a href="/tracez">This process</a></p>)",
        ago(process["started"], now),
        process["end"] == "" ? Json("left no reason for its end: it was killed, or terminated normally")
                             : Json("ended: " + process["end"].get<std::string>()));
  return html(
      R"(<p class="filters"><a href="/tracez">all</a><a href="/tracez?outcome=failed">failed</a><a href="/tracez?process=previous">previous process</a></p>)");
}

Markup one_cycle_body(const Json& document) {
  const Json& cycle = document["cycle"];
  const auto outcome = cycle["outcome"].get<std::string>();
  return html(R"({}<section><h2>{} {}</h2>
<dl class="numbers"><div><dt>Took</dt><dd>{}</dd></div><div><dt>Started</dt><dd>{}</dd></div><div><dt>Spans</dt><dd>{}</dd></div><div class="long"><dt>Trace</dt><dd><code>{}</code></dd></div></dl></section>
<section><h2>Sequence</h2>{}</section>
<section><h2>Tree</h2>{}</section>)",
              document["process"]["which"] == "previous" ? process_line(document["process"], document["time"])
                                                         : Markup(),
              cycle["root"], pill(outcome, kind_of(outcome)), duration_text(cycle["durationSeconds"].get<double>()),
              ago(cycle["started"], document["time"]), cycle["spans"].size(), cycle["id"], sequence_chart(cycle),
              cycle_tree(cycle));
}

} // namespace

PageModel traces_model(const PageSources& sources, const Query& query) {
  Json process;
  const std::string id = value_of(query, "id");
  const std::string last = value_of(query, "last");
  const TraceContext trace = trace_from_uuid(id);
  if (!id.empty() && !trace.valid())
    return {400, {{"error", "id is not the id of a trace; /tracez lists them."}}};
  if (!id.empty() && value_of(query, "process") != "previous") {
    const Cycle cycle = sources.cycle(trace);
    return one_cycle(&cycle, {{"which", "present"}});
  }
  const auto cycles = cycles_of(sources, query, process);
  if (!cycles)
    return {404, {{"error", cycles.error().text()}}};
  const bool asks_for_last = query.contains("last");
  std::vector<TraceSummary> summaries;
  std::vector<TraceSummary> chosen;
  for (const Cycle& cycle : *cycles) {
    if (cycle.spans.empty())
      continue;
    if (!id.empty() && cycle.trace.trace_id == trace.trace_id)
      return one_cycle(&cycle, std::move(process));
    summaries.push_back(supervision::summary_of(cycle));
    const TraceSummary& summary = summaries.back();
    if (!matches(summary, query))
      continue;
    if (asks_for_last && summary.root.find(last) != std::string::npos)
      return one_cycle(&cycle, std::move(process));
    chosen.push_back(summary);
  }
  if (!id.empty() || asks_for_last)
    return one_cycle(nullptr, {});
  Json names = Json::array();
  for (const Bucket& bucket : buckets)
    names.push_back(bucket.name);
  Json rows = Json::array();
  for (const TraceSummary& summary : chosen)
    if (rows.size() < listed_at_most)
      rows.push_back(summary_document(summary));
  return {200,
          {{"process", std::move(process)},
           {"buckets", std::move(names)},
           {"groups", groups_of(summaries)},
           {"matching", chosen.size()},
           {"cycles", std::move(rows)}}};
}

Markup traces_body(const Json& document) {
  if (document.contains("cycle"))
    return one_cycle_body(document);
  const Json& process = document["process"];
  Markup heads, groups, cycles;
  for (const Json& bucket : document["buckets"])
    heads += html(R"(<th class="number">{}</th>)", bucket);
  for (const Json& group : document["groups"])
    groups += group_row(group, process);
  for (const Json& cycle : document["cycles"])
    cycles += cycle_row(cycle, process, document["time"]);
  if (document["cycles"].empty())
    cycles = html(R"(<tr><td colspan="5" class="quiet">none</td></tr>)");
  return html(R"({}
<section><h2>By what began them and how long they took</h2>
<table class="stack buckets"><thead><tr><th>Begins with</th>{}<th class="number">failed</th></tr></thead><tbody>
{}</tbody></table></section>
<section><h2>Latest <span class="quiet">{} of {}</span></h2>
<table class="stack"><thead><tr><th>Cycle</th><th>Outcome</th><th class="number">Took</th><th class="number">Spans</th><th>Started</th></tr></thead><tbody>
{}</tbody></table></section>)",
              process_line(process, document["time"]), heads, groups, document["cycles"].size(), document["matching"],
              cycles);
}

std::string traces_text(const Json& document) {
  if (document.contains("cycle"))
    return cycle_text(document["cycle"]);
  TextTable table({"TRACE", "STARTED", "TOOK", "OUTCOME", "SPANS", "BEGINS WITH"});
  for (const Json& cycle : document["cycles"])
    table.row({cycle["id"], cycle["started"], duration_text(cycle["durationSeconds"].get<double>()), cycle["outcome"],
               cycle["spans"].dump(), cycle["root"]});
  return table.text();
}

} // namespace runtime_agent::app
