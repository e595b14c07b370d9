#include "tests/unit/app_pages/example.hpp"

namespace runtime_agent::app::tests {

using application_reconciler::ApplicationFacts;
using application_reconciler::ApplicationState;
using supervision::Cycle;
using supervision::Span;
using supervision::SpanKind;
using supervision::SpanOutcome;

namespace {

constexpr std::int64_t ms = 1'000'000;

std::int64_t nanoseconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at(seconds).time_since_epoch()).count();
}

/// Builds a cycle span by span; times in milliseconds since its begin.
class Builder {
public:
  Builder(std::uint8_t number, double begin) : begin_(nanoseconds(begin)) {
    cycle_.trace = make_trace({number, 1, 2, 3});
  }
  std::uint64_t add(SpanKind kind, std::uint64_t parent, const char* sender, const char* receiver, const char* name,
                    std::int64_t queued, std::int64_t started, std::int64_t duration,
                    SpanOutcome outcome = SpanOutcome::ok, const char* detail = "", int status = 0) {
    Span span;
    span.record.trace = cycle_.trace.trace_id;
    span.record.span = ++last_;
    span.record.parent = parent;
    span.record.sequence = last_;
    span.record.kind = kind;
    span.record.queued = begin_ + queued * ms / 10;
    span.record.started = begin_ + started * ms / 10;
    span.record.duration = duration * ms / 10;
    span.record.outcome = outcome;
    span.record.status = static_cast<std::int16_t>(status);
    span.record.bytes_received = status == 200 ? 4200 : 0;
    span.sender = sender;
    span.receiver = receiver;
    span.name = name;
    span.detail = detail;
    cycle_.spans.push_back(span);
    return last_;
  }
  Cycle& cycle() { return cycle_; }

private:
  Cycle cycle_;
  std::int64_t begin_;
  std::uint64_t last_ = 0;
};

std::uint64_t fetch(Builder& builder) {
  const auto timer = builder.add(SpanKind::timer, 0, "", "DirectorFetcher", "synchronize", 0, 2, 3);
  const auto call = builder.add(SpanKind::call, timer, "DirectorFetcher", "", "fetch from the Director", 5, 6, 420);
  builder.add(SpanKind::request, call, "", "director", "query applicationsForRuntime", 8, 8, 210, SpanOutcome::ok, "",
              200);
  builder.add(SpanKind::request, call, "", "director", "query bundles", 220, 220, 180, SpanOutcome::ok, "", 200);
  const auto answer =
      builder.add(SpanKind::answer, call, "", "DirectorFetcher", "fetch from the Director", 426, 430, 4);
  builder.add(SpanKind::message, answer, "DirectorFetcher", "StatusWriter", "SynchronizationReport", 433, 436, 2);
  return answer;
}

} // namespace

WallTime at(double seconds) {
  return WallTime(std::chrono::seconds(1893456000)) +
         std::chrono::duration_cast<WallTime::duration>(std::chrono::duration<double>(seconds));
}

Cycle cycle_with_a_restart() {
  Builder builder(1, 100);
  const auto answer = fetch(builder);
  const auto thrown = builder.add(SpanKind::message, answer, "DirectorFetcher", "ApplicationReconciler",
                                  "DesiredStateFetched", 434, 438, 2, SpanOutcome::threw, "exception");
  builder.add(SpanKind::restart, thrown, "Slot", "ApplicationReconciler", "restart", 440, 440, 1020);
  const auto asked = builder.add(SpanKind::message, thrown, "ApplicationReconciler", "DirectorFetcher",
                                 "FactsRequested", 1462, 1464, 1);
  const auto told = builder.add(SpanKind::message, asked, "DirectorFetcher", "ApplicationReconciler",
                                "DesiredStateFetched", 1465, 1467, 3);
  const auto call =
      builder.add(SpanKind::call, told, "ApplicationReconciler", "", "apply an Application", 1470, 1471, 300);
  builder.add(SpanKind::request, call, "", "kubernetes", "create applications", 1472, 1472, 120, SpanOutcome::ok, "",
              201);
  const auto done =
      builder.add(SpanKind::answer, call, "", "ApplicationReconciler", "apply an Application", 1771, 1772, 1);
  const auto applied = builder.add(SpanKind::message, done, "ApplicationReconciler", "DirectorFetcher",
                                   "DesiredStateApplied", 1773, 1774, 2);
  builder.add(SpanKind::message, applied, "DirectorFetcher", "StatusWriter", "SynchronizationReport", 1775, 1777, 2);
  return builder.cycle();
}

Cycle failed_cycle() {
  Builder builder(2, 60);
  const auto timer = builder.add(SpanKind::timer, 0, "", "DirectorFetcher", "synchronize", 0, 1, 2);
  const auto call = builder.add(SpanKind::call, timer, "DirectorFetcher", "", "fetch from the Director", 3, 4, 52000,
                                SpanOutcome::failed, "unavailable");
  builder.add(SpanKind::request, call, "", "director", "query applicationsForRuntime", 5, 5, 120, SpanOutcome::failed,
              "unavailable", 503);
  builder.add(SpanKind::answer, call, "", "DirectorFetcher", "fetch from the Director", 52004, 52005, 2);
  builder.cycle().retained = true;
  return builder.cycle();
}

Cycle quiet_cycle(std::uint8_t number) {
  Builder builder(number, 100 + number);
  fetch(builder);
  return builder.cycle();
}

PageSources example() {
  PageSources sources;
  sources.version = "1.2.3";
  sources.started = at(-7200);
  sources.now = [] { return at(130); };
  sources.actors = [] {
    std::vector<ActorFacts> actors;
    for (const char* name :
         {"StatusWriter", "ApplicationReconciler", "DirectorFetcher", "ConnectionManager", "ConfigWatcher"}) {
      ActorFacts facts;
      facts.name = name;
      facts.state = "running";
      facts.messages = 1234;
      facts.started = at(-7200);
      actors.push_back(facts);
    }
    actors[1].restarts = 1;
    actors[1].last_exception = std::string("crash switch: ") + hostile;
    actors[1].last_exception_time = at(100.1);
    actors[1].started = at(100.2);
    return actors;
  };
  const auto cycles = [] {
    return std::vector<Cycle>{quiet_cycle(20), quiet_cycle(15), cycle_with_a_restart(), failed_cycle()};
  };
  sources.cycles = cycles;
  sources.cycle = [cycles](const TraceContext& trace) {
    for (Cycle& cycle : cycles())
      if (cycle.trace.trace_id == trace.trace_id)
        return cycle;
    return Cycle{};
  };
  sources.previous = []() -> Result<PreviousProcess> {
    return PreviousProcess{at(-9000), "exit code 4: ApplicationReconciler did not answer", {failed_cycle()}};
  };
  sources.status = [] {
    status_writer::Facts facts;
    ConnectionReport connection;
    connection.connected = true;
    connection.established = at(-7000);
    connection.last_sync = at(120);
    connection.validity = x509::Validity{at(-7000), at(89 * 86400)};
    connection.connector_url = "https://connector.example.com/connector/graphql";
    connection.director_url = "https://director.example.com/director/graphql";
    facts.connection = connection;
    SynchronizationReport synchronization;
    synchronization.last_attempt = at(120);
    synchronization.last_successful_fetch = at(120);
    synchronization.last_successful_application = at(119);
    auto applied = std::make_shared<DesiredStateApplied>();
    applied->problems.push_back({hostile, "its name cannot become one"});
    synchronization.applied = applied;
    facts.synchronization = synchronization;
    return facts;
  };
  sources.ready = [] { return ReadyFacts{true, "ready\n"}; };
  sources.applications = [] {
    application_reconciler::ApplicationsSnapshot snapshot;
    snapshot.time = at(120);
    for (const char* name : {"mp-billing", "mp-catalogue", "mp-loyalty", "mp-orders", "mp-warehouse"}) {
      ApplicationFacts facts;
      facts.name = name;
      facts.state = ApplicationState::applied;
      facts.desired = facts.applied = application_reconciler::Digest{1, 2, 3, static_cast<std::uint8_t>(name[3])};
      facts.change = application_reconciler::ApplicationChange{"created", at(-6900)};
      snapshot.applications.push_back(facts);
    }
    ApplicationFacts refused;
    refused.name = hostile;
    refused.state = ApplicationState::refused;
    refused.error = "its name cannot become the name of an Application";
    refused.last_error = ApplicationProblem{hostile, refused.error};
    refused.last_error_time = at(120);
    snapshot.applications.push_back(refused);
    return snapshot;
  };
  sources.settings = {{"APP_CONTROLLER_SYNC_PERIOD", "20s", "20s", "time between synchronizations"},
                      {"APP_TRACE_FILE", "/tmp/agent.trace", "", "the trace ring's file"},
                      {"APP_AGENT_CONFIGURATION_SECRET", "", "", "Secret that holds them instead"}};
  sources.log_level = [] { return std::string("info"); };
  return sources;
}

} // namespace runtime_agent::app::tests
