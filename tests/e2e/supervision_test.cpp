#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "actors/supervision/trace_file.hpp"
#include "actors/supervision/trace_tree.hpp"
#include "tests/e2e/support/end_to_end.hpp"

/// What the process does when an actor does not stay alive, or hangs; and what can be read of it afterwards. Source:
/// architecture §§3, 4, 8.
namespace runtime_agent::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Supervision : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  /// The trace file in a folder that outlives the agent.
  Variables variables() {
    Variables variables = world().quick_environment();
    variables["APP_TRACE_FILE"] = trace;
    variables["RUNTIME_AGENT_TEST_RESTARTS"] = "3";
    variables["RUNTIME_AGENT_TEST_WATCHDOG"] = "1s";
    return variables;
  }
  void order(const std::string& actor, const std::string& action, const std::string& count = "1",
             const std::string& message = "*") {
    ASSERT_EQ(world().agent().diagnostics_post("/crash?actor=" + actor + "&message=" + message + "&action=" + action +
                                               "&count=" + count),
              "armed\n");
  }
  void ends_with(int code, const std::string& reason) {
    EXPECT_EQ(world().agent().wait(30s), code);
    EXPECT_THAT(world().agent().output(), HasSubstr(reason));
    const auto file = supervision::read_trace_file(trace);
    ASSERT_TRUE(file) << file.error().text();
    ASSERT_TRUE(file->end);
    EXPECT_EQ(file->end->exit_code, code);
    EXPECT_THAT(file->end->reason, HasSubstr(reason));
    EXPECT_THAT(world().errors(), HasSubstr(reason));
    EXPECT_THAT(world().state(), HasSubstr("Failed"));
  }

  TemporaryFolder folder;
  const std::string trace = (folder.path() / "trace").string();
};

class RestartStorm : public Supervision, public testing::WithParamInterface<const char*> {};

TEST_P(RestartStorm, EscalatesWithinTheIntensityAndTheReasonIsInLogTraceAndConnection) {
  const std::string actor = GetParam();
  synchronise(variables());
  order(actor, "throw", "1000000");
  ends_with(3,
            actor +
                " terminated 4 times within 300 s, more often than its restart intensity allows; last: crash switch: ");

  // The next process tells of it, and takes it away once it has succeeded.
  world().start(variables());
  EXPECT_TRUE(comes_true([this] { return world().state() == "Synchronized" && world().errors() == "\n\n"; }))
      << world().errors();
  EXPECT_THAT(world().agent().output(), HasSubstr("the previous process did not end by a signal"));
  EXPECT_THAT(world().agent().output(), HasSubstr(actor + " terminated 4 times"));
}

INSTANTIATE_TEST_SUITE_P(Of, RestartStorm,
                         testing::Values("ConfigWatcher", "ConnectionManager", "DirectorFetcher",
                                         "ApplicationReconciler", "StatusWriter"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_F(Supervision, AnActorThatThrowsFromTheBeginningEscalatesToo) {
  Variables storm = variables();
  storm["RUNTIME_AGENT_TEST_CRASH"] = "DirectorFetcher:start:throw:1000000";
  world().configure();
  world().start(storm);
  EXPECT_EQ(world().agent().wait(30s), 3);
  EXPECT_THAT(world().agent().output(), HasSubstr("DirectorFetcher terminated 4 times"));
}

TEST_F(Supervision, AStuckActorIsReportedAndEndsTheProcess) {
  synchronise(variables());
  EXPECT_EQ(world().agent().health("/healthz"), 200);
  order("ApplicationReconciler", "hang");
  give_applications(2, "changed");
  EXPECT_TRUE(comes_true([this] { return world().agent().health("/healthz") == 500; }));
  ends_with(4, "ApplicationReconciler has not responded for ");
  EXPECT_THAT(world().agent().output(), HasSubstr("An actor is stuck"));
}

TEST_F(Supervision, AnActorThatHangsDoesNotKeepTheProcessFromEnding) {
  Variables patient = variables();
  patient.erase("RUNTIME_AGENT_TEST_WATCHDOG");
  synchronise(patient);
  order("DirectorFetcher", "hang");
  ASSERT_TRUE(comes_true(
      [this] { return world().agent().diagnostics("/tracez").find("DirectorFetcher") != std::string::npos; }));
  const auto asked = std::chrono::steady_clock::now();
  world().agent().signal(SIGTERM);
  EXPECT_EQ(world().agent().wait(20s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 7s);
}

TEST_F(Supervision, ADroppedMessageHealsWithTheNextCycle) {
  give_applications(1);
  synchronise(variables());
  order("ApplicationReconciler", "drop", "1", "DesiredStateFetched");
  give_applications(2, "changed");
  EXPECT_TRUE(converges());
}

TEST_F(Supervision, TheTraceBeforeASigkillCanBeReadAfterTheRestart) {
  give_applications(1);
  synchronise(variables());
  world().agent().signal(SIGKILL);
  ASSERT_EQ(world().agent().wait(10s), -SIGKILL);
  world().start(variables());
  ASSERT_TRUE(another_cycle());
  const auto file = supervision::read_trace_file(supervision::previous_trace_file(trace));
  ASSERT_TRUE(file) << file.error().text();
  EXPECT_FALSE(file->end);
  bool applied = false;
  for (const auto& cycle : file->cycles)
    applied |=
        render_tree(cycle).find("DirectorFetcher: DesiredStateApplied from ApplicationReconciler") != std::string::npos;
  EXPECT_TRUE(applied);
}

TEST_F(Supervision, ARestartIsASpanOfTheCycleInWhichTheActorDied) {
  synchronise(variables());
  order("DirectorFetcher", "throw", "1", "DesiredStateApplied");
  ASSERT_TRUE(comes_true([this] { return world().agent().restarts("DirectorFetcher") == 1; }));
  ASSERT_TRUE(another_cycle());
  bool seen = false;
  const auto read = supervision::read_trace_file(trace);
  ASSERT_TRUE(read);
  for (const auto& cycle : read->cycles)
    for (const auto& span : cycle.spans)
      if (span.record.kind == supervision::SpanKind::restart) {
        seen = true;
        EXPECT_EQ(span.receiver, "DirectorFetcher");
        EXPECT_THAT(render_tree(cycle), HasSubstr("DesiredStateApplied from ApplicationReconciler"));
      }
  EXPECT_TRUE(seen);
}

TEST_F(Supervision, EveryRequestToCompassCarriesTheIdOfItsCycle) {
  give_applications(2);
  synchronise(variables());
  ASSERT_TRUE(another_cycle());
  end_agent();
  const std::string log = world().agent().output();
  std::set<std::string> cycles;
  const auto read = supervision::read_trace_file(trace);
  ASSERT_TRUE(read);
  for (const auto& cycle : read->cycles)
    cycles.insert(cycle.trace.uuid());
  std::size_t seen = 0;
  for (const auto& request : compass().requests()) {
    const std::string prefix = compass().runtime_id() + "_";
    ASSERT_THAT(request.request_id, testing::StartsWith(prefix));
    const std::string uuid = request.request_id.substr(prefix.size());
    std::string hex = uuid;
    std::erase(hex, '-');
    EXPECT_THAT(request.traceparent, testing::MatchesRegex("00-" + hex + "-[0-9a-f]{16}-01"));
    EXPECT_TRUE(cycles.contains(uuid)) << uuid;
    ++seen;
  }
  EXPECT_GT(seen, 4u);
}

TEST_F(Supervision, WithoutAWritablePlaceTheTraceLiesInMemoryAndTheLogSaysSo) {
  Variables nowhere = variables();
  nowhere["APP_TRACE_FILE"] = "/proc/no/such/place";
  synchronise(nowhere);
  EXPECT_THAT(world().agent().output(), HasSubstr("the trace is kept in memory only"));
  EXPECT_THAT(world().agent().diagnostics("/tracez"), HasSubstr("DirectorFetcher"));
}

} // namespace
} // namespace runtime_agent::e2e
