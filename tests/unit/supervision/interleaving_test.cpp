// Random orders of actors, I/O jobs, time and deaths. The end state must be right in all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_tree.hpp"
#include "tests/unit/supervision/toys.hpp"
#include "tests/unit/support/seeds.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::supervision {
namespace {

using namespace std::chrono_literals;
using namespace toys;
using ::testing::ElementsAreArray;
using tests::TestSystem;

constexpr std::uint64_t seeds = 300;

/// Boss and Worker behind Slots, both of which die now and then, and a client that sends Tasks 1, 2, 3 …
class World {
public:
  explicit World(std::uint64_t seed)
      : random_(seed * 7919), system(seed),
        supervisor(system.system(), system.environment(), [this](const std::string& reason) { escalated = reason; }) {
    RestartSettings settings;
    settings.initial_delay = 50ms;
    settings.longest_delay = 500ms;
    settings.intensity = 1000;
    boss = supervisor.add<BossActor>({"Boss",
                                      [this](caf::actor_system& actors) {
                                        perhaps_fail_to_start();
                                        return caf::actor_cast<caf::strong_actor_ptr>(actors.spawn<Boss>(
                                            system.environment(), journal, [this] { return doom(); }));
                                      },
                                      settings});
    worker = supervisor.add<WorkerActor>({"Worker",
                                          [this](caf::actor_system& actors) {
                                            perhaps_fail_to_start();
                                            return caf::actor_cast<caf::strong_actor_ptr>(actors.spawn<Worker>(
                                                system.environment(), boss, journal, [this] { return doom(); }));
                                          },
                                          settings});
    supervisor.start();
  }

  bool one_in(std::uint64_t n) { return random_() % n == 0; }
  bool doom() { return dying && one_in(10); }
  void perhaps_fail_to_start() {
    if (dying && one_in(8))
      throw std::runtime_error("no start today");
  }

  /// Sends `count` Tasks, with steps, time and trouble in between.
  void disturb(std::uint64_t count) {
    for (std::uint64_t number = 1; number <= count; ++number) {
      system.send(worker, Task{number});
      for (auto steps = random_() % 6; steps > 0; --steps)
        system.step();
      if (one_in(4))
        system.advance(std::chrono::milliseconds(random_() % 300));
      if (one_in(15))
        system.crash_switch().arm(one_in(2) ? "Worker" : "Boss", one_in(2) ? "*" : "TimerFired");
      if (one_in(10) && system.io().watching("news"))
        system.io().emit("news", std::to_string(number));
      if (one_in(20))
        system.io().hold();
      else
        system.io().release();
    }
  }
  void calm_down() {
    dying = false;
    system.crash_switch().disarm();
    system.io().release();
    system.advance(2min);
  }

private:
  std::mt19937_64 random_;

public:
  TestSystem system;
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();
  std::string escalated;
  bool dying = true;
  Supervisor supervisor;
  BossActor boss;
  WorkerActor worker;
};

class Interleaving : public ::testing::Test {
protected:
  Interleaving() { log::set_level(log::Level::off); }
  ~Interleaving() override { log::set_level(log::Level::info); }
};

/// Tasks on which the crash switch has killed the actor before its handler ran: their spans say so.
std::size_t killed_before_the_handler(World& world, const std::string& name, const std::string& message) {
  std::size_t count = 0;
  for (const Span& span : world.system.ring().snapshot())
    count += span.record.outcome == SpanOutcome::threw && span.receiver == name && span.name == message ? 1 : 0;
  return count;
}

TEST_F(Interleaving, NoMessageIsLostButThoseOfADyingHandlerAndOrderIsKept) {
  tests::for_each_seed(seeds, [](std::uint64_t seed) {
    World world(seed);
    world.disturb(60);
    world.calm_down();
    const auto& begun = world.journal->begun;
    EXPECT_TRUE(std::is_sorted(begun.begin(), begun.end()));
    EXPECT_EQ(std::adjacent_find(begun.begin(), begun.end()), begun.end()) << "none is handled twice";
    // A Task that is not in the journal was being handled when the crash switch killed the Worker.
    const std::size_t threw = killed_before_the_handler(world, "Worker", "Task");
    EXPECT_LE(60 - begun.size(), threw);
    EXPECT_EQ(world.escalated, "");
    for (const ChildFacts& facts : world.supervisor.facts()) {
      EXPECT_EQ(facts.overflow, 0u);
      EXPECT_EQ(facts.state, ChildState::running);
      EXPECT_EQ(facts.mailbox_depth, 0);
    }
  });
}

TEST_F(Interleaving, WithoutTheCrashSwitchEachTaskIsBegunExactlyOnce) {
  tests::for_each_seed(seeds, [](std::uint64_t seed) {
    World world(seed);
    std::vector<std::uint64_t> sent;
    for (std::uint64_t number = 1; number <= 40; ++number) {
      sent.push_back(number);
      world.system.send(world.worker, Task{number});
      for (std::uint64_t steps = number * seed % 5; steps > 0; --steps)
        world.system.step();
      if (number % 6 == seed % 6)
        world.system.advance(100ms);
    }
    world.calm_down();
    EXPECT_THAT(world.journal->begun, ElementsAreArray(sent));
  });
}

TEST_F(Interleaving, NoAnswerOfAPredecessorReachesItsSuccessor) {
  tests::for_each_seed(seeds, [](std::uint64_t seed) {
    World world(seed);
    world.disturb(60);
    world.calm_down();
    EXPECT_EQ(world.journal->strays, 0u);
    EXPECT_EQ(world.journal->answers, world.journal->calls) << "the living Worker's calls are all answered, once";
    EXPECT_GT(world.journal->incarnations, 1u);
  });
}

TEST_F(Interleaving, AfterTheTroubleEveryTaskIsDone) {
  tests::for_each_seed(seeds / 3, [](std::uint64_t seed) {
    World world(seed);
    world.disturb(30);
    world.calm_down();
    world.journal->reported.clear();
    for (std::uint64_t number = 101; number <= 130; ++number)
      world.system.send(world.worker, Task{number});
    world.system.advance(10s);
    auto reported = world.journal->reported;
    std::sort(reported.begin(), reported.end());
    std::vector<std::uint64_t> expected(30);
    std::iota(expected.begin(), expected.end(), 101);
    EXPECT_THAT(reported, ElementsAreArray(expected));
  });
}

TEST_F(Interleaving, EverySpanHasItsCauseInTheSameTrace) {
  tests::for_each_seed(seeds / 3, [](std::uint64_t seed) {
    World world(seed);
    world.disturb(30);
    world.calm_down();
    for (const TraceSummary& summary : recent_traces(world.system.ring(), 1000)) {
      const auto roots = span_tree(world.system.ring().snapshot(summary.trace.trace_id));
      // A call that was under way when its actor died is never recorded; nothing can have come of it.
      EXPECT_EQ(roots.size(), 1u) << render_tree(roots);
    }
  });
}

TEST_F(Interleaving, NothingIsLeftWhenTheSupervisorEnds) {
  tests::for_each_seed(seeds, [](std::uint64_t seed) {
    TestSystem* system = nullptr;
    auto world = std::make_unique<World>(seed);
    system = &world->system;
    world->disturb(20);
    world->supervisor.begin_stop(2s, {"Worker", "Boss"});
    system->advance(3s);
    EXPECT_TRUE(world->supervisor.stopped());
    EXPECT_EQ(system->alive(), 2u) << "the Slots only";
    EXPECT_FALSE(system->next_due().has_value());
    const auto incarnations = world->journal->incarnations;
    world->calm_down();
    EXPECT_EQ(world->journal->incarnations, incarnations);
    EXPECT_EQ(world->journal.use_count(), 1) << "an actor is still held by something";
  });
}

} // namespace
} // namespace runtime_agent::supervision
