#include "app/diagnostics.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "actors/supervision/log_level.hpp"
#include "actors/supervision/trace_file.hpp"
#include "app/metrics/exposition.hpp"
#include "app/page_access.hpp"
#include "app/pages/page.hpp"
#include "app/test_controls.hpp"
#include "app/version.hpp"
#include "transport/rfc3339.hpp"

namespace runtime_agent::app {
namespace {

ActorFacts actor_facts(const supervision::ChildFacts& child) {
  ActorFacts facts;
  facts.name = child.name;
  facts.state = to_string(child.state);
  facts.answers = !child.stuck_since;
  facts.restarts = child.restarts;
  facts.mailbox_depth = child.mailbox_depth;
  facts.messages = child.messages;
  facts.overflow = child.overflow;
  if (child.last_exception) {
    facts.last_exception = child.last_exception->text;
    facts.last_exception_time = child.last_exception->time;
  }
  facts.started = child.started;
  facts.next_start = child.next_start;
  return facts;
}

Result<PreviousProcess> previous_process(const std::string& file) {
  auto read = supervision::read_trace_file(supervision::previous_trace_file(file));
  if (!read)
    return failed(read.error());
  PreviousProcess process;
  process.started = read->started;
  if (read->end)
    process.end = fmt::format("exit code {}, {}", read->end->exit_code, read->end->reason);
  process.cycles = std::move(read->cycles);
  return process;
}

PageSources sources_of(const Settings& settings, const Agent& agent) {
  PageSources sources;
  sources.version = version;
  sources.started = std::chrono::system_clock::now();
  sources.now = [] { return std::chrono::system_clock::now(); };
  sources.actors = [&agent] {
    std::vector<ActorFacts> actors;
    for (const auto& child : agent.children())
      actors.push_back(actor_facts(child));
    return actors;
  };
  sources.cycles = [&agent] { return agent.ring().cycles(); };
  sources.cycle = [&agent](const TraceContext& trace) { return agent.ring().cycle(trace.trace_id); };
  sources.previous = [&agent]() -> Result<PreviousProcess> {
    if (!agent.trace_file().empty())
      return previous_process(agent.trace_file());
    return failed(Failure{FailureKind::not_found, "previous process", "the trace is not written to a file",
                          "set APP_TRACE_FILE"});
  };
  sources.status = [&agent] { return agent.observed().status.facts(); };
  sources.ready = [&settings, &agent] {
    const Readiness ready =
        readiness(agent.leadership().facts(), agent.observed().status.facts(), std::chrono::system_clock::now(),
                  settings.sync_period, agent.observed().status.backoff());
    return ReadyFacts{ready.ready, ready.text};
  };
  sources.applications = [&agent] { return agent.observed().applications.snapshot(); };
  sources.settings = effective_settings([](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
  sources.log_level = [] { return std::string(to_string(log::level())); };
  return sources;
}

WebResponse response_of(const RenderedPage& page) {
  WebResponse response{page.status, page.body, page.content_type};
  response.headers = {{"Content-Security-Policy", content_security_policy},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Referrer-Policy", "same-origin"}, // with no-referrer a browser's POST has no origin
                      {"Cache-Control", "no-store"}};
  return response;
}

PageFormat wanted_format(const WebRequest& request) {
  return format_of(request.query, request.header("accept"));
}

/// With the refusals that hold for every page.
WebHandler guarded(WebHandler handler) {
  return [handler = std::move(handler)](const WebRequest& request) {
    if (const auto reason = refused(request))
      return response_of(render_problem(403, *reason, wanted_format(request)));
    return handler(request);
  };
}

WebHandler resource(const char* body, const char* type) {
  return guarded([=](const WebRequest&) { return response_of({200, body, type}); });
}

WebResponse set_log_level(const WebRequest& request) {
  const auto wanted = request.query.find("level");
  const std::string name = wanted == request.query.end() ? "" : wanted->second;
  for (const auto level : {log::Level::debug, log::Level::info, log::Level::warning, log::Level::error})
    if (name == to_string(level)) {
      const log::Level before = log::level();
      log::set_level(std::min(level, log::Level::warning)); // so that this line is written in any case
      log::warning("the log level was changed", {{"from", to_string(before)}, {"to", to_string(level)}});
      log::set_level(level);
      WebResponse response = response_of({303, name + "\n", "text/plain; charset=utf-8"});
      response.headers["Location"] = "/logz";
      return response;
    }
  return response_of(render_problem(400, "level is one of debug, info, warning, error.", wanted_format(request)));
}

} // namespace

std::optional<std::string> unhealthy(const std::vector<supervision::ChildFacts>& children) {
  for (const auto& child : children) {
    if (child.state == supervision::ChildState::escalated)
      return child.name + " failed too often";
    if (child.stuck_since)
      return fmt::format("{} has not answered since {}", child.name, rfc3339(*child.stuck_since));
  }
  return std::nullopt;
}

Diagnostics::Diagnostics(const Settings& settings, Agent& agent)
    : settings_(settings), agent_(agent), sources_(sources_of(settings, agent)) {
  add_health();
  add_metrics();
  add_pages();
  if (test_controls())
    add_test_controls();
}

Result<void> Diagnostics::start() {
  // A pod's probes come to an IPv6 address where the cluster has no other; a kernel may have no IPv6 at all.
  if (auto port = health_.start({"::", "0.0.0.0"}, settings_.health_port, "APP_HEALTH_PORT"); !port)
    return failed(port.error());
  if (settings_.diagnostics_port == 0)
    return {};
  if (auto port = pages_.start({"127.0.0.1"}, settings_.diagnostics_port, "APP_DIAGNOSTICS_PORT"); !port)
    return failed(port.error());
  return {};
}

void Diagnostics::stop() {
  health_.stop();
  pages_.stop();
}

void Diagnostics::add_health() {
  health_.probe("/healthz", [this](const WebRequest&) -> WebResponse {
    const auto problem = unhealthy(agent_.children());
    return {problem ? 500 : 200, problem.value_or("ok") + "\n"};
  });
  health_.probe("/readyz", [this](const WebRequest&) -> WebResponse {
    const ReadyFacts ready = sources_.ready();
    return {ready.ready ? 200 : 503, ready.text};
  });
}

void Diagnostics::add_metrics() {
  health_.get("/metrics", [this](const WebRequest&) -> WebResponse {
    const supervision::TraceRing& ring = agent_.ring();
    const MetricSources sources{sources_,
                                agent_.measurements(),
                                [&ring](supervision::NameId id) { return ring.name(id); },
                                [&ring] { return ring.recorded(); },
                                [&ring] { return ring.over_limit(); },
                                settings_.skip_compass_tls_verify,
                                log::dropped_lines()};
    return {200, metrics_text(sources), metrics_content_type};
  });
}

void Diagnostics::add_pages() {
  for (const Page& page : pages())
    pages_.get(page.path, guarded([this, &page](const WebRequest& request) {
                 return response_of(render_page(page, sources_, request.query, wanted_format(request)));
               }));
  pages_.post("/logz", guarded(set_log_level));
  pages_.get("/style.css", resource(style_sheet, "text/css; charset=utf-8"));
  pages_.get("/icon.svg", resource(icon, "image/svg+xml"));
}

void Diagnostics::add_test_controls() {
  pages_.post("/crash", guarded([this](const WebRequest& request) -> WebResponse {
                const auto value = [&](const char* name, const char* otherwise) {
                  const auto found = request.query.find(name);
                  return found == request.query.end() ? std::string(otherwise) : found->second;
                };
                auto orders = supervision::parse_crash_orders(value("actor", "*") + ":" + value("message", "*") + ":" +
                                                              value("action", "throw") + ":" + value("count", "1") +
                                                              ":" + value("skip", "0"));
                if (!orders)
                  return {400, orders.error().text() + "\n"};
                agent_.crash_switch().arm(std::move(orders->front()));
                return {200, "armed\n"};
              }));
}

} // namespace runtime_agent::app
