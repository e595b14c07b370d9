#include "app/diagnostics.hpp"

#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "actors/supervision/trace_tree.hpp"
#include "app/version.hpp"

namespace runtime_agent::app {
namespace {

constexpr const char* overview = R"(Runtime Agent {}

/actorz             the five actors: state, restarts, messages, last exception
/tracez             recent traces: a cycle is one trace
/tracez?id=ID       one of them as a tree
/tracez?last=NAME   the latest whose root names NAME, for example ?last=synchronise
)";

std::string text_of(const supervision::ChildFacts& child) {
  std::string text =
      fmt::format("{:<22} {:<12} restarts={} messages={} mailbox={} dropped={}\n", child.name, to_string(child.state),
                  child.restarts, child.messages, child.mailbox_depth, child.overflow);
  if (child.last_exception)
    text += fmt::format("    last exception at {}: {}\n", status_writer::timestamp(child.last_exception->time),
                        child.last_exception->text);
  return text;
}

WebResponse traces(const supervision::TraceRing& ring, const WebRequest& request) {
  constexpr std::size_t limit = 500;
  if (const auto id = request.query.find("id"); id != request.query.end()) {
    const TraceContext trace = trace_from_uuid(id->second);
    if (!trace.valid())
      return {400, "id: not the id of a trace; /tracez lists them\n"};
    return {200, supervision::render_tree(ring, trace)};
  }
  const auto last = request.query.find("last");
  std::string text;
  for (const auto& summary : supervision::recent_traces(ring, limit)) {
    if (last != request.query.end()) {
      if (summary.root.find(last->second) != std::string::npos)
        return {200, supervision::render_tree(ring, summary.trace)};
      continue;
    }
    text += fmt::format("{} {} {:>9.1f} ms {:<6} {:>4} spans  {}\n", summary.trace.uuid(),
                        status_writer::timestamp(summary.started),
                        std::chrono::duration<double, std::milli>(summary.duration).count(), to_string(summary.outcome),
                        summary.spans, summary.root);
  }
  if (last != request.query.end())
    return {404, "no such trace is remembered\n"};
  return {200, text};
}

} // namespace

Diagnostics::Diagnostics(const Settings& settings, Agent& agent) : settings_(settings), agent_(agent) {
  add_health();
  add_pages();
  if (test_controls())
    add_test_controls();
}

Result<void> Diagnostics::start() {
  if (auto port = health_.start("0.0.0.0", settings_.health_port, "APP_HEALTH_PORT"); !port)
    return failed(port.error());
  if (settings_.diagnostics_port == 0)
    return {};
  if (auto port = pages_.start("127.0.0.1", settings_.diagnostics_port, "APP_DIAGNOSTICS_PORT"); !port)
    return failed(port.error());
  return {};
}

void Diagnostics::stop() {
  health_.stop();
  pages_.stop();
}

void Diagnostics::add_health() {
  health_.get("/healthz", [this](const WebRequest&) -> WebResponse {
    for (const auto& child : agent_.children())
      if (child.state == supervision::ChildState::escalated)
        return {500, child.name + " failed too often\n"};
      else if (child.stuck_since)
        return {500, fmt::format("{} has not answered since {}\n", child.name,
                                 status_writer::timestamp(*child.stuck_since))};
    return {200, "ok\n"};
  });
  health_.get("/readyz", [this](const WebRequest&) -> WebResponse {
    const Readiness ready = readiness(agent_.status().facts(), std::chrono::system_clock::now(), settings_.sync_period);
    return {ready.ready ? 200 : 503, ready.text};
  });
}

void Diagnostics::add_pages() {
  pages_.get("/", [](const WebRequest&) -> WebResponse { return {200, fmt::format(fmt::runtime(overview), version)}; });
  pages_.get("/actorz", [this](const WebRequest&) -> WebResponse {
    std::string text;
    for (const auto& child : agent_.children())
      text += text_of(child);
    return {200, text};
  });
  pages_.get("/tracez", [this](const WebRequest& request) { return traces(agent_.ring(), request); });
}

void Diagnostics::add_test_controls() {
  pages_.post("/crash", [this](const WebRequest& request) -> WebResponse {
    const auto value = [&](const char* name, const char* otherwise) {
      const auto found = request.query.find(name);
      return found == request.query.end() ? std::string(otherwise) : found->second;
    };
    agent_.crash_switch().arm(value("actor", "*"), value("message", "*"),
                              static_cast<std::uint32_t>(std::strtoul(value("count", "1").c_str(), nullptr, 10)));
    return {200, "armed\n"};
  });
}

} // namespace runtime_agent::app
