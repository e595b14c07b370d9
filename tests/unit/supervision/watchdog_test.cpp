#include "actors/supervision/watchdog.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "actors/supervision/log.hpp"
#include "actors/supervision/starvation.hpp"
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
    watchdog.emplace(supervisor, system.environment(),
                     WatchdogSettings{1s, 10s, 20s, {[this] { return cpu_used; }, [this] { return cpu_wanted; }}},
                     [this](const std::string& reason) { reasons.push_back(reason); });
  }
  ~WatchdogTest() override { log::set_level(log::Level::info); }

  /// Looks once a second; in between, actors run or hang.
  void pass(std::chrono::seconds time, bool actors_run) {
    for (auto second = 0s; second < time; ++second) {
      now += 1s;
      cpu_used += cpu_a_second;
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
  std::chrono::nanoseconds cpu_used{0};
  std::chrono::nanoseconds cpu_a_second{0};
  bool cpu_wanted = false;
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

TEST_F(WatchdogTest, AnActorOfAStarvedProcessIsSlowNotStuck) {
  cpu_wanted = true;
  cpu_a_second = 10ms; // requests.cpu: 10m, and limits as well
  supervisor.start();
  pass(2s, true);
  pass(190s, false);
  EXPECT_FALSE(facts().stuck_since);
  pass(2s, true);
  EXPECT_TRUE(watchdog->all_answer(now));
  EXPECT_TRUE(reasons.empty());
}

TEST_F(WatchdogTest, AnActorThatLoopsWithoutAnEndIsStuckAfterTheSameWorkHoweverSlowTheCpu) {
  cpu_wanted = true;
  cpu_a_second = 1s;
  supervisor.start();
  pass(2s, true);
  pass(11s, false);
  EXPECT_TRUE(facts().stuck_since);
  cpu_a_second = 20ms; // a tenth of what would count in full
  pass(180s, false);
  EXPECT_TRUE(reasons.empty());
  pass(30s, false);
  EXPECT_EQ(reasons.size(), 1u);
}

TEST_F(WatchdogTest, AnActorThatIsBlockedWhereNobodyWantsTheCpuIsStuckAsEver) {
  cpu_a_second = 1ms;
  supervisor.start();
  pass(2s, true);
  pass(31s, false);
  EXPECT_EQ(reasons.size(), 1u);
}

TEST_F(WatchdogTest, SaysToOthersWhetherAllAnswer) {
  EXPECT_TRUE(watchdog->all_answer(now));
  supervisor.start();
  pass(2s, true);
  EXPECT_TRUE(watchdog->all_answer(now));
  pass(12s, false);
  EXPECT_FALSE(watchdog->all_answer(now));
  pass(2s, true);
  EXPECT_TRUE(watchdog->all_answer(now));
  EXPECT_FALSE(watchdog->all_answer(now + 20s)); // it does not look any more
}

TEST(Starvation, CountsWhatTheProcessGotWhereItWantedMore) {
  EXPECT_EQ(time_that_counts(1s, 10ms, true), 50ms);
  EXPECT_EQ(time_that_counts(1s, 200ms, true), 1s);
  EXPECT_EQ(time_that_counts(1s, 2s, true), 1s); // two CPUs
  EXPECT_EQ(time_that_counts(1s, 0ms, true), 0s);
  EXPECT_EQ(time_that_counts(1s, 0ms, false), 1s);
  EXPECT_EQ(time_that_counts(1s, 10ms, false), 1s);
}

TEST(Starvation, TheKernelTellsWhetherAnotherThreadCouldRun) {
  const CpuSource cpu = cpu_of_this_process();
  std::atomic<bool> end{false};
  const auto before = cpu.used();
  std::thread busy([&end] {
    while (!end)
      ;
  });
  bool seen = false;
  for (int i = 0; i < 1000 && !seen; ++i)
    seen = cpu.wanted();
  end = true;
  busy.join();
  EXPECT_TRUE(seen);
  EXPECT_GT(cpu.used(), before);
}

} // namespace
} // namespace runtime_agent::supervision
