#include "actors/supervision/watchdog.hpp"

#include <gtest/gtest.h>

#include "actors/supervision/log.hpp"
#include "tests/unit/supervision/toys.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::supervision {
namespace {

using namespace std::chrono_literals;
using namespace toys;
using tests::FakePeer;
using tests::TestSystem;

/// A watchdog over one Worker on simulated time. An actor hangs where nothing is run.
class WatchdogTest : public ::testing::Test {
protected:
  WatchdogTest() {
    log::set_level(log::Level::off);
    RestartSettings restart;
    restart.initial_delay = 30s;
    restart.longest_delay = 30s;
    restart.jitter = 0;
    worker = supervisor.add<WorkerActor>({"Worker",
                                          [this](caf::actor_system& actors) {
                                            return caf::actor_cast<caf::strong_actor_ptr>(actors.spawn<Worker>(
                                                system.environment(), boss.handle(), journal, Doom{}));
                                          },
                                          restart});
    watchdog.emplace(supervisor, system.environment(), WatchdogSettings{1s, 10s, 20s},
                     [this](const std::string& reason) { reasons.push_back(reason); });
  }
  ~WatchdogTest() override { log::set_level(log::Level::info); }

  /// Looks once a second; in between, actors run or hang.
  void pass(std::chrono::seconds time, bool actors_run) {
    for (auto second = 0s; second < time; ++second) {
      now += 1s;
      if (actors_run)
        system.advance(1s);
      watchdog->look(now);
    }
  }
  ChildFacts facts() { return supervisor.facts().at(0); }

  TestSystem system;
  FakePeer<BossActor> boss{system};
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();
  Supervisor supervisor{system.system(), system.environment(), [](const std::string&) {}};
  WorkerActor worker;
  std::optional<Watchdog> watchdog;
  Watchdog::TimePoint now{};
  std::vector<std::string> reasons;
};

TEST_F(WatchdogTest, AnActorThatAnswersIsNotStuck) {
  supervisor.start();
  pass(60s, true);
  EXPECT_FALSE(facts().stuck_since);
}

TEST_F(WatchdogTest, ReportsAnActorThatDoesNotAnswerWithinTheDeadline) {
  supervisor.start();
  pass(2s, true);
  pass(9s, false);
  EXPECT_FALSE(facts().stuck_since);
  pass(1s, false);
  EXPECT_EQ(facts().stuck_since, system.wall_now());
  EXPECT_TRUE(reasons.empty());
}

TEST_F(WatchdogTest, AnActorThatAnswersAgainIsNotStuckAnyMore) {
  supervisor.start();
  pass(2s, true);
  pass(15s, false);
  ASSERT_TRUE(facts().stuck_since);
  pass(2s, true);
  EXPECT_FALSE(facts().stuck_since);
  pass(60s, true);
  EXPECT_TRUE(reasons.empty());
}

TEST_F(WatchdogTest, GivesUpOnceWhereAnActorStaysStuck) {
  supervisor.start();
  pass(2s, true);
  pass(29s, false);
  EXPECT_TRUE(reasons.empty());
  pass(30s, false);
  EXPECT_EQ(reasons, std::vector<std::string>{"Worker has not responded for 30 s; it is stuck"});
}

TEST_F(WatchdogTest, AnActorThatIsStoppedIsNotStuck) {
  pass(60s, true);
  EXPECT_FALSE(facts().stuck_since);
  supervisor.start();
  pass(2s, true);
  supervisor.begin_stop(1s);
  pass(2s, true);
  ASSERT_EQ(facts().state, ChildState::stopped);
  pass(60s, true);
  EXPECT_FALSE(facts().stuck_since);
  EXPECT_TRUE(reasons.empty());
}

TEST_F(WatchdogTest, AnActorThatWaitsForItsRestartIsNotStuck) {
  supervisor.start();
  pass(2s, true);
  system.crash_switch().arm("Worker", "Task");
  system.tell(worker, Task{3});
  ASSERT_EQ(facts().state, ChildState::backing_off);
  pass(25s, true);
  EXPECT_FALSE(facts().stuck_since);
  pass(60s, true);
  EXPECT_EQ(facts().state, ChildState::running);
  EXPECT_FALSE(facts().stuck_since);
  EXPECT_TRUE(reasons.empty());
}

TEST_F(WatchdogTest, TimeInWhichTheProcessItselfDidNotRunDoesNotCount) {
  supervisor.start();
  pass(2s, true);
  now += 1h; // stopped by a debugger, or a laptop that sleeps
  pass(5s, false);
  EXPECT_FALSE(facts().stuck_since);
  EXPECT_TRUE(reasons.empty());
  pass(10s, false);
  EXPECT_TRUE(facts().stuck_since);
}

} // namespace
} // namespace runtime_agent::supervision
