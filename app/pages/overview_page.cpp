#include <algorithm>

#include "actors/supervision/trace_tree.hpp"
#include "app/pages/page.hpp"
#include "app/presentation/quantities.hpp"
#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

using application_reconciler::ApplicationState;

constexpr std::size_t problems_at_most = 20;
constexpr std::size_t failed_cycles_at_most = 5;

Json connection_document(const std::optional<ConnectionReport>& report, WallTime now) {
  if (!report)
    return {};
  Json document = {{"connected", report->connected},
                   {"established", timestamp_or_null(report->established)},
                   {"renewed", timestamp_or_null(report->renewed)},
                   {"lastAttempt", timestamp_or_null(report->last_sync)},
                   {"connectorUrl", report->connector_url},
                   {"directorUrl", report->director_url},
                   {"certificate", nullptr}};
  if (report->validity) {
    const auto whole = std::chrono::duration<double>(report->validity->not_after - report->validity->not_before);
    const auto left = std::chrono::duration<double>(report->validity->not_after - now);
    document["certificate"] = {{"notBefore", precise_timestamp(report->validity->not_before)},
                               {"notAfter", precise_timestamp(report->validity->not_after)},
                               {"shareLeft", whole.count() > 0 ? std::clamp(left / whole, 0.0, 1.0) : 0.0}};
  }
  return document;
}

Json synchronization_document(const std::optional<SynchronizationReport>& report) {
  if (!report)
    return {};
  return {{"synchronized", report->synchronized},
          {"lastAttempt", timestamp_or_null(report->last_attempt)},
          {"lastSuccessfulFetch", timestamp_or_null(report->last_successful_fetch)},
          {"lastSuccessfulApplication", timestamp_or_null(report->last_successful_application)}};
}

/// What is wrong at the moment, the weightiest first; each with the page that says more.
Json problems_of(const status_writer::Facts& facts, const Json& actors,
                 const application_reconciler::ApplicationsSnapshot& applications) {
  Json problems = Json::array();
  const auto add = [&](const char* part, const std::string& text, const char* page) {
    problems.push_back({{"part", part}, {"text", text}, {"page", page}});
  };
  for (const Json& actor : actors)
    if (kind_of(actor["state"].get<std::string>()) == "bad" || kind_of(actor["state"].get<std::string>()) == "warn")
      add("Actor", actor["name"].get<std::string>() + ": " + actor["state"].get<std::string>(), "/actorz");
  if (facts.connection && facts.connection->connecting)
    add("Connection", facts.connection->connecting->text(), "/tracez?outcome=failed");
  if (facts.connection && facts.connection->maintaining)
    add("Certificate", facts.connection->maintaining->text(), "/tracez?outcome=failed");
  if (facts.synchronization && facts.synchronization->fetching)
    add("Synchronization", facts.synchronization->fetching->text(), "/tracez?outcome=failed");
  if (facts.synchronization && facts.synchronization->labelling)
    add("Runtime labels", facts.synchronization->labelling->text(), "/tracez?outcome=failed");
  if (facts.synchronization && facts.synchronization->applied && facts.synchronization->applied->failure)
    add("Applications", facts.synchronization->applied->failure->text(), "/applicationz");
  for (const auto& application : applications.applications)
    if (!application.error.empty() && problems.size() < problems_at_most)
      add("Application", application.name + ": " + application.error, "/applicationz");
  for (const auto& application : applications.applications)
    if (!application.warning.empty() && problems.size() < problems_at_most)
      add("Application", application.name + ": " + application.warning, "/applicationz");
  if (!facts.contested.empty())
    add("Contested", facts.contested, "/logz");
  if (!facts.warning.empty())
    add("Warning", facts.warning, "/configz");
  return problems;
}

Json cycles_document(const std::vector<supervision::Cycle>& cycles) {
  Json latest = Json::array();
  std::size_t failed = 0, slow = 0;
  for (const auto& cycle : cycles) {
    if (cycle.spans.empty())
      continue;
    const auto summary = supervision::summary_of(cycle);
    slow += summary.duration >= std::chrono::seconds(5) ? 1 : 0;
    if (summary.outcome == supervision::SpanOutcome::ok)
      continue;
    if (failed++ < failed_cycles_at_most)
      latest.push_back({{"id", summary.trace.uuid()},
                        {"root", summary.root},
                        {"outcome", to_string(summary.outcome)},
                        {"started", precise_timestamp(summary.started)},
                        {"durationSeconds", std::chrono::duration<double>(summary.duration).count()}});
  }
  return {{"remembered", cycles.size()}, {"failed", failed}, {"slow", slow}, {"latestFailed", std::move(latest)}};
}

Markup tile(const char* label, const char* page, const Markup& value, const Markup& detail) {
  return html(
      R"(<a class="tile" href="{}"><span class="label">{}</span><span class="value">{}</span><span class="detail">{}</span></a>
)",
      page, label, value, detail);
}

Markup certificate_tile(const Json& document) {
  const Json& connection = document["connection"];
  if (connection.is_null() || connection["certificate"].is_null())
    return tile("Certificate", "/", html("none"), html("not connected yet"));
  const Json& certificate = connection["certificate"];
  const double share = certificate["shareLeft"].get<double>();
  return tile("Certificate expires", "/", ago(certificate["notAfter"], document["time"]),
              html(R"(<meter min="0" max="1" low="0.1" optimum="1" value="{}">{}</meter> {} % of its validity left)",
                   fmt::format("{:.3f}", share), share, fmt::format("{:.0f}", share * 100)));
}

Markup synchronization_tile(const Json& document) {
  const Json& synchronization = document["synchronization"];
  if (synchronization.is_null() || synchronization["lastAttempt"].is_null())
    return tile("Synchronized", "/tracez", html("not yet"), html("no fetch has completed"));
  const Json& done = synchronization["lastSuccessfulApplication"];
  return tile("Synchronized", "/tracez", done.is_null() ? html("not completely yet") : ago(done, document["time"]),
              html("last attempt {}", ago(synchronization["lastAttempt"], document["time"])));
}

Markup applications_tile(const Json& document) {
  Markup detail;
  for (const auto& [state, count] : document["applications"]["byState"].items())
    if (count != 0 && state != "applied")
      detail += html("{} ", pill(count.dump() + " " + state, kind_of(state)));
  return tile("Applications applied", "/applicationz", html("{}", document["applications"]["byState"]["applied"]),
              detail.empty() ? html("none failed") : detail);
}

Markup actors_tile(const Json& document) {
  std::size_t running = 0;
  std::uint64_t restarts = 0;
  for (const Json& actor : document["actors"]) {
    running += actor["state"] == "running" ? 1 : 0;
    restarts += actor["restarts"].get<std::uint64_t>();
  }
  return tile("Actors running", "/actorz", html("{} of {}", running, document["actors"].size()),
              restarts == 0 ? html("no restarts")
                            : pill(fmt::format("{} restart{}", restarts, restarts == 1 ? "" : "s"), "warn"));
}

Markup cycles_tile(const Json& document) {
  const Json& cycles = document["cycles"];
  return tile("Failed cycles", "/tracez?outcome=failed", html("{}", cycles["failed"]),
              html("of {} recorded", cycles["remembered"]));
}

Markup problem_list(const Json& document) {
  if (document["problems"].empty())
    return html(R"(<p class="notice ok">Nothing is wrong at the moment.</p>)");
  Markup rows;
  for (const Json& problem : document["problems"])
    rows += html(R"(<li><a href="{}">{}</a> <span>{}</span></li>
)",
                 problem["page"], problem["part"], problem["text"]);
  return html(R"(<ul class="problems">{}</ul>)", rows);
}

Markup failed_cycles(const Json& document) {
  if (document["cycles"]["latestFailed"].empty())
    return html(R"(<p class="quiet">None is recorded.</p>)");
  Markup rows;
  for (const Json& cycle : document["cycles"]["latestFailed"]) {
    const auto outcome = cycle["outcome"].get<std::string>();
    rows += html(R"(<li><a href="/tracez?id={}">{}</a> {} <span class="quiet">{}, {}</span></li>
)",
                 cycle["id"], cycle["root"], pill(outcome, kind_of(outcome)), ago(cycle["started"], document["time"]),
                 duration_text(cycle["durationSeconds"].get<double>()));
  }
  return html(R"(<ul class="problems">{}</ul>)", rows);
}

Markup addresses(const Json& document) {
  const Json& connection = document["connection"];
  const auto known = [](const Json& value) { return value == "" ? Json("–") : value; };
  if (connection.is_null())
    return {};
  return html(R"(<section><h2>Connection</h2><dl class="facts"><div><dt>Connector</dt><dd><code>{}</code></dd></div>
<div><dt>Director</dt><dd><code>{}</code></dd></div><div><dt>Established</dt><dd>{}</dd></div><div><dt>Renewed</dt><dd>{}</dd></div></dl></section>)",
              known(connection["connectorUrl"]), known(connection["directorUrl"]),
              ago(connection["established"], document["time"]), ago(connection["renewed"], document["time"]));
}

} // namespace

PageModel overview_model(const PageSources& sources, const Query& query) {
  const auto facts = sources.status();
  const auto applications = sources.applications();
  const ReadyFacts ready = sources.ready();
  Json actors = actors_model(sources, query).document["actors"];
  Json counts = Json::object();
  for (const auto& [state, count] : applications.by_state())
    counts[std::string(to_string(state))] = count;
  Json problems = problems_of(facts, actors, applications);
  return {200,
          {{"version", sources.version},
           {"started", precise_timestamp(sources.started)},
           {"state", status_writer::connection_state(facts, "")},
           {"ready", ready.ready},
           {"readyText", ready.text},
           {"connection", connection_document(facts.connection, sources.now())},
           {"synchronization", synchronization_document(facts.synchronization)},
           {"applications", {{"byState", std::move(counts)}}},
           {"actors", std::move(actors)},
           {"cycles", cycles_document(sources.cycles())},
           {"problems", std::move(problems)}}};
}

Markup overview_body(const Json& document) {
  const auto state = document["state"].get<std::string>();
  return html(R"(<p class="hero">{} {} <span class="quiet">version {}, started {}</span></p>
{}<div class="tiles">{}{}{}{}{}</div>
<section><h2>What is wrong</h2>{}</section>
<section><h2>Latest failed cycles</h2>{}</section>
{})",
              pill(state.empty() ? "not connected yet" : state, kind_of(state)),
              document["ready"] == true ? pill("ready", "ok") : pill("not ready", "bad"), document["version"],
              ago(document["started"], document["time"]),
              document["ready"] == true ? Markup() : html(R"(<p class="notice bad">{}</p>)", document["readyText"]),
              applications_tile(document), synchronization_tile(document), certificate_tile(document),
              actors_tile(document), cycles_tile(document), problem_list(document), failed_cycles(document),
              addresses(document));
}

std::string overview_text(const Json& document) {
  const Json& now = document.contains("time") ? document["time"] : Json();
  std::string text =
      fmt::format("Runtime Agent {}, started {}\nstate: {}\nready: {}\n", document["version"].get<std::string>(),
                  ago_text(document["started"], now), document["state"].get<std::string>(),
                  document["ready"] == true ? "yes" : "no, " + printable(document["readyText"].get<std::string>()));
  for (const Json& problem : document["problems"])
    text += printable(problem["part"].get<std::string>() + ": " + problem["text"].get<std::string>()) + "\n";
  text += "\n" + actors_text({{"actors", document["actors"]}, {"time", now}});
  text += R"(
/actorz             the actors: state, restarts, messages, last failure
/tracez             recent cycles; ?outcome=failed, ?process=previous
/tracez?id=ID       one of them as a tree
/tracez?last=NAME   the latest whose beginning names NAME, for example ?last=synchronize
/applicationz       desired against applied
/configz            settings in effect
/logz               level; POST /logz?level=debug sets it
The same for programs: ?format=json
)";
  return text;
}

} // namespace runtime_agent::app
