#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "actors/supervision/trace_tree.hpp"
#include "tests/unit/agent/simulated_agent.hpp"

/// Each of the five dies at any moment under load, and everything ends as if nothing had happened. Source: architecture
/// §3.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using supervision::CrashAction;
using supervision::CrashOrder;

constexpr std::array actors{"ConfigWatcher", "ConnectionManager", "DirectorFetcher", "ApplicationReconciler",
                            "StatusWriter"};

bool in_full() {
  const char* value = std::getenv("RUNTIME_AGENT_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

std::uint64_t seed_or(std::uint64_t otherwise) {
  const char* value = std::getenv("SEED");
  return value != nullptr ? std::strtoull(value, nullptr, 10) : otherwise;
}

/// The same for the run that is disturbed and the one that is not: what people and the Director do.
/// `meanwhile` is called with -1 before the start, and with the number of each step.
void live_through(SimulatedAgent& agent, int steps, const std::function<void(int)>& meanwhile) {
  agent.configure();
  meanwhile(-1);
  agent.start();
  agent.pass(5s);
  for (int step = 0; step < steps; ++step) {
    agent.change_data(static_cast<std::uint64_t>(step) * 7 + 1);
    if (step % 5 == 3)
      agent.wish("resyncNow");
    if (step % 20 == 8)
      agent.wish("refreshCredentialsNow");
    meanwhile(step);
    agent.pass(1500ms);
  }
  agent.system.crash_switch().disarm();
  agent.pass(60s);
}

class Killed : public testing::TestWithParam<const char*> {};

TEST_P(Killed, AtRandomMomentsUnderLoadEverythingEndsAsUndisturbed) {
  const std::string victim = GetParam();
  const int kills = in_full() ? 1000 : 60;
  const std::uint64_t seed = seed_or(1);
  SCOPED_TRACE("to repeat: SEED=" + std::to_string(seed) + (in_full() ? " RUNTIME_AGENT_LONG=1" : "") +
               " build/debug/tests/unit_agent --gtest_filter=*/" + victim);
  SimulatedAgent undisturbed(seed);
  live_through(undisturbed, kills, [](int) {});
  ASSERT_EQ(undisturbed.connection_state(), "Synchronized");

  std::mt19937_64 random(seed);
  SimulatedAgent agent(seed);
  std::size_t heap_early = 0;
  live_through(agent, kills, [&](int step) {
    if (step < 0)
      return;
    agent.system.crash_switch().arm(
        CrashOrder{victim, "*", 1, static_cast<std::uint32_t>(random() % 6), CrashAction::throws, random() % 2 == 0});
    agent.pass(std::chrono::milliseconds(random() % 1000));
    if (step == kills / 4)
      heap_early = mallinfo2().uordblks;
  });
  [[maybe_unused]] const std::size_t heap_late = mallinfo2().uordblks;

  EXPECT_EQ(agent.escalated, "");
  EXPECT_EQ(agent.end_state(), undisturbed.end_state());
  const auto restarts = agent.restarts();
  for (const char* actor : actors)
    if (actor == victim)
      EXPECT_GE(restarts.at(actor), static_cast<std::uint64_t>(kills) * 9 / 10) << "deaths that were ordered";
    else
      EXPECT_EQ(restarts.at(actor), 0u) << actor;
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(heap_late, heap_early + (std::size_t(2) << 20)) << "bytes in use, after a quarter and at the end";
#endif
}

INSTANTIATE_TEST_SUITE_P(Each, Killed, testing::ValuesIn(actors),
                         [](const auto& parameter) { return std::string(parameter.param); });

/// What an actor handles in a run, as the crash switch names it.
struct Kind {
  std::string actor;
  std::string name;
  auto operator<=>(const Kind&) const = default;
};

/// Those of the spans that were recorded after that many.
std::set<Kind> kinds_after(SimulatedAgent& agent, std::uint64_t sequence) {
  std::set<Kind> kinds;
  for (const auto& span : agent.system.ring().snapshot())
    if (span.record.sequence > sequence && std::find(actors.begin(), actors.end(), span.receiver) != actors.end() &&
        span.record.kind != supervision::SpanKind::restart)
      kinds.insert({span.receiver, span.name});
  return kinds;
}

/// The answer to the request that spends the one-time token is lost with the actor: no agent can save the token then
/// (contract §2), and a person gives a new one.
bool loses_the_token(const SimulatedAgent& agent) {
  return const_cast<SimulatedAgent&>(agent).connection_state() == "ConnectionFailed";
}

/// Writes that a death may add, all of them the connection's own: a step of pairing that is done again, and a
/// CompassConnection that is made although it is there (a peer that starts has its absence told again; the server
/// refuses). Those of Applications and their Secrets are not among them, but for the collection that both share.
bool may_be_repeated(const std::string& write) {
  return write == "create /api/v1/namespaces/kyma-system/secrets" ||
         write == "create /api/v1/namespaces/istio-system/secrets" ||
         write == "create /apis/compass.kyma-project.io/v1alpha1/compassconnections";
}

TEST(KilledAtEachKindOfMessage, BeforeAndAfterHandlingEverythingEndsAsUndisturbedAndNoWriteIsRepeated) {
  constexpr int steps = 10;
  SimulatedAgent undisturbed(1);
  std::set<Kind> at_start, later;
  std::uint64_t begun = 0;
  live_through(undisturbed, steps, [&](int step) {
    if (step == 0) {
      at_start = kinds_after(undisturbed, 0);
      begun = undisturbed.system.ring().recorded();
    } else if (step > 0) {
      later.merge(kinds_after(undisturbed, begun));
    }
  });
  const auto end_state = undisturbed.end_state();
  const auto writes = undisturbed.writes();
  std::vector<std::pair<Kind, int>> moments; // and the step at which the order is given
  for (const Kind& kind : at_start)
    moments.emplace_back(kind, -1);
  for (const Kind& kind : later)
    moments.emplace_back(kind, 0);
  EXPECT_GE(moments.size(), 40u);
  const std::size_t every = in_full() ? 1 : 3;
  std::size_t runs = 0, tokens_lost = 0;
  for (std::size_t i = seed_or(0) % every; i < 2 * moments.size(); i += every) {
    const auto& [kind, at_step] = moments[i / 2];
    const bool afterwards = i % 2 == 1;
    SCOPED_TRACE(fmt::format("{} at {}, {} handling, {}", kind.actor, kind.name, afterwards ? "after" : "before",
                             at_step < 0 ? "at the start" : "later"));
    SimulatedAgent agent(1);
    live_through(agent, steps, [&](int step) {
      if (step == at_step)
        agent.system.crash_switch().arm(CrashOrder{kind.actor, kind.name, 1, 0, CrashAction::throws, afterwards});
    });
    ++runs;
    if (loses_the_token(agent)) {
      EXPECT_EQ(kind.actor, "ConnectionManager");
      ++tokens_lost;
      agent.configure();
      agent.pass(60s);
    }
    EXPECT_EQ(agent.end_state(), end_state);
    for (const auto& [actor, restarts] : agent.restarts())
      EXPECT_EQ(restarts, actor == kind.actor ? 1u : 0u) << actor;
    for (const auto& [write, count] : agent.writes())
      if (!may_be_repeated(write)) {
        const auto undisturbed_count = writes.find(write);
        EXPECT_LE(count, undisturbed_count == writes.end() ? 0 : undisturbed_count->second) << write;
      }
    if (HasFailure())
      return;
  }
  EXPECT_LE(tokens_lost, 4u);
  std::cout << runs << " of " << 2 * moments.size() << " moments; the token was lost in " << tokens_lost << "\n";
}

// -- one fails alone

TEST(EachConcernFailsAlone, SynchronisingGoesOnWhileConnectionManagerIsDown) {
  SimulatedAgent agent(0);
  live_through(agent, 1, [](int) {});
  agent.system.crash_switch().arm("ConnectionManager", "start", 1'000'000);
  agent.system.crash_switch().arm("ConnectionManager", "*", 1);
  agent.director->applications.clear();
  for (std::uint64_t number = 21; number < 24; ++number)
    agent.change_data(number);
  const std::size_t fetches = agent.director->fetches;
  agent.pass(20s);
  EXPECT_GT(agent.restarts().at("ConnectionManager"), 10u);
  EXPECT_GT(agent.director->fetches, fetches + 3);
  EXPECT_EQ(agent.connection_state(), "Synchronized");
}

TEST(EachConcernFailsAlone, TheConnectionIsMaintainedWhileTheReconcilerIsDown) {
  SimulatedAgent agent(0);
  live_through(agent, 1, [](int) {});
  agent.system.crash_switch().arm("ApplicationReconciler", "start", 1'000'000);
  agent.system.crash_switch().arm("ApplicationReconciler", "*", 1);
  agent.change_data(21);
  agent.pass(5s);
  const std::size_t before = agent.connector->count("renew");
  agent.wish("refreshCredentialsNow");
  std::size_t renewed = 0;
  for (int i = 0; i < 200 && renewed == before; ++i) {
    agent.system.advance(50ms);
    agent.pass(50ms);
    const auto object = agent.api->object(kubernetes::compass_connections(), "compass-connection");
    renewed = before + ((*object)["spec"].value("refreshCredentialsNow", true) ? 0 : 1);
  }
  EXPECT_EQ(renewed, before + 1);
  EXPECT_GT(agent.restarts().at("ApplicationReconciler"), 10u);
}

TEST(EachConcernFailsAlone, ADeadStatusWriterDelaysNobodyAndTheFinalStatusIsRight) {
  SimulatedAgent agent(0);
  live_through(agent, 1, [](int) {});
  agent.system.crash_switch().arm("StatusWriter", "start", 1'000'000);
  agent.system.crash_switch().arm("StatusWriter", "*", 1);
  const std::size_t fetches = agent.director->fetches;
  agent.change_data(22);
  agent.pass(20s);
  EXPECT_GT(agent.director->fetches, fetches + 5);
  const std::string name = "mp-app-3"; // what change_data(22) has made or changed
  EXPECT_TRUE(agent.api->object(kubernetes::applications(), name)) << name;
  agent.system.crash_switch().disarm();
  agent.pass(10s);
  EXPECT_EQ(agent.connection_state(), "Synchronized");
  const auto object = agent.api->object(kubernetes::compass_connections(), "compass-connection");
  const std::string applied = (*object)["status"]["synchronizationStatus"]["lastSuccessfulApplication"];
  EXPECT_GE(applied, "2026-03-01T12:01:") << "after the StatusWriter came back";
}

} // namespace
} // namespace runtime_agent::tests
