#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "tests/unit/supervision/toys.hpp"
#include "tests/unit/support/seeds.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::supervision {
namespace {

using namespace std::chrono_literals;
using namespace toys;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::FakePeer;
using tests::TestSystem;

/// A Supervisor over one Worker, whose Boss is a fake.
class SlotTest : public ::testing::Test {
protected:
  SlotTest() { log::set_level(log::Level::off); }
  ~SlotTest() override { log::set_level(log::Level::info); }

  void add_worker(const RestartSettings& settings) {
    worker =
        supervisor.add<WorkerActor>({"Worker",
                                     [this](caf::actor_system& actors) {
                                       if (std::exchange(throw_at_start, false))
                                         throw std::runtime_error("no start today");
                                       return caf::actor_cast<caf::strong_actor_ptr>(actors.spawn<Worker>(
                                           system.environment(), boss.handle(), journal, [this] { return doom(); }));
                                     },
                                     settings});
  }
  bool doom() {
    const bool now = deaths_to_come > 0 && journal->begun.size() >= dies_from;
    deaths_to_come -= now ? 1 : 0;
    return now;
  }
  void start(const RestartSettings& settings) {
    add_worker(settings);
    supervisor.start();
    system.run();
  }
  ChildFacts facts() { return supervisor.facts().at(0); }

  static RestartSettings exact() {
    RestartSettings settings;
    settings.initial_delay = 100ms;
    settings.longest_delay = 1s;
    settings.jitter = 0;
    settings.intensity = 5;
    settings.period = 1min;
    settings.buffer_limit = 3;
    return settings;
  }

  TestSystem system;
  FakePeer<BossActor> boss{system};
  std::shared_ptr<Journal> journal = std::make_shared<Journal>();
  std::string escalated;
  Supervisor supervisor{system.system(), system.environment(),
                        [this](const std::string& reason) { escalated = reason; }};
  WorkerActor worker;
  bool throw_at_start = false;
  int deaths_to_come = 0;
  std::size_t dies_from = 0;
};

TEST_F(SlotTest, HandsMessagesToItsChild) {
  start(exact());
  system.tell(worker, Task{3});
  EXPECT_THAT(journal->begun, ElementsAre(3u));
  EXPECT_EQ(boss.received<TaskDone>().size(), 1u);
  EXPECT_EQ(facts().state, ChildState::running);
}

TEST_F(SlotTest, RestartsItsChildAfterTheDelay) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  EXPECT_EQ(facts().state, ChildState::backing_off);
  EXPECT_EQ(facts().next_start, system.wall_now() + 100ms);
  system.advance(99ms);
  EXPECT_EQ(journal->incarnations, 1u);
  system.advance(1ms);
  EXPECT_EQ(journal->incarnations, 2u);
  EXPECT_EQ(facts().state, ChildState::running);
  EXPECT_EQ(facts().restarts, 1u);
}

TEST_F(SlotTest, ShowsTheTextOfTheLastException) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  ASSERT_TRUE(facts().last_exception.has_value());
  EXPECT_EQ(facts().last_exception->text, "doom of incarnation 1");
  EXPECT_EQ(facts().last_exception->time, system.wall_now());
}

TEST_F(SlotTest, TellsOfEachEndWithItsText) {
  std::vector<ActorEnded> ends;
  system.environment().actor_ended = [&](const ActorEnded& end) { ends.push_back(end); };
  start(exact());
  for (int i = 0; i < 6; ++i) {
    deaths_to_come = 1;
    system.tell(worker, Task{3});
    system.advance(1s);
  }
  system.environment().actor_ended = nullptr;
  ASSERT_EQ(ends.size(), 6u);
  EXPECT_EQ(ends[0].actor, "Worker");
  EXPECT_EQ(ends[0].reason, "doom of incarnation 1");
  EXPECT_FALSE(ends[4].escalated);
  EXPECT_TRUE(ends[5].escalated);
  EXPECT_THAT(ends[5].reason, HasSubstr("its restart intensity allows; last: doom of incarnation 6"));
}

TEST_F(SlotTest, ARestartIsASpanOfTheCycleInWhichTheChildDied) {
  start(exact());
  deaths_to_come = 1;
  const TraceContext trace = make_trace({7});
  {
    const TraceScope scope(trace);
    system.send(worker, Task{3});
  }
  system.run();
  system.advance(1s);
  const Cycle cycle = system.ring().cycle(trace.trace_id);
  ASSERT_EQ(cycle.spans.size(), 2u);
  EXPECT_EQ(cycle.spans[0].record.outcome, SpanOutcome::threw);
  EXPECT_EQ(cycle.spans[1].record.kind, SpanKind::restart);
  EXPECT_EQ(cycle.spans[1].record.parent, cycle.spans[0].record.span);
  EXPECT_EQ(cycle.spans[1].receiver, "Worker");
  EXPECT_EQ(cycle.spans[1].duration(), 100ms);
}

TEST_F(SlotTest, TheDelayDoublesUpToItsCeiling) {
  start(exact());
  std::vector<std::chrono::nanoseconds> delays;
  for (int i = 0; i < 5; ++i) {
    deaths_to_come = 1;
    system.tell(worker, Task{3});
    delays.push_back(*system.next_due() - system.now());
    system.advance(delays.back());
  }
  EXPECT_THAT(delays, ElementsAre(100ms, 200ms, 400ms, 800ms, 1s));
}

TEST_F(SlotTest, AChildThatLivedLongBeginsWithTheInitialDelay) {
  start(exact());
  for (int i = 0; i < 3; ++i) {
    deaths_to_come = 1;
    system.tell(worker, Task{3});
    system.advance(1s);
  }
  system.advance(1min);
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  EXPECT_EQ(*system.next_due() - system.now(), 100ms);
}

TEST_F(SlotTest, JitterKeepsTheDelayWithinItsBounds) {
  RestartPolicy policy([] {
    RestartSettings settings = exact();
    settings.jitter = 0.2;
    settings.intensity = 1000;
    settings.stable_after = 0ms;
    return settings;
  }());
  std::mt19937_64 random(7);
  std::set<std::chrono::milliseconds> delays;
  for (int i = 0; i < 200; ++i)
    delays.insert(*policy.ended({}, RestartPolicy::TimePoint(1s), random));
  EXPECT_GE(*delays.begin(), 80ms);
  EXPECT_LE(*delays.rbegin(), 120ms);
  EXPECT_GT(delays.size(), 10u);
}

TEST_F(SlotTest, KeepsMessagesInOrderWhileThereIsNoChild) {
  start(exact());
  deaths_to_come = 1;
  for (std::uint64_t number : {3u, 6u, 9u})
    system.send(worker, Task{number}); // two of them are in the child's mailbox when it dies
  system.run();
  system.tell(worker, Task{12}); // this one comes while there is no child
  EXPECT_EQ(facts().mailbox_depth, 3);
  system.advance(1s);
  EXPECT_THAT(journal->begun, ElementsAre(3u, 6u, 9u, 12u));
}

TEST_F(SlotTest, DropsTheOldestAndCountsThemWhenTooManyWait) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  for (std::uint64_t number : {6u, 9u, 12u, 15u, 18u})
    system.tell(worker, Task{number});
  EXPECT_EQ(facts().overflow, 2u);
  system.advance(1s);
  EXPECT_THAT(journal->begun, ElementsAre(3u, 12u, 15u, 18u));
}

TEST_F(SlotTest, EscalatesWhenTheIntensityIsPassed) {
  start(exact());
  deaths_to_come = 6;
  for (int i = 0; i < 5; ++i) {
    system.tell(worker, Task{3});
    EXPECT_EQ(escalated, "");
    system.advance(1s);
  }
  system.tell(worker, Task{3});
  EXPECT_THAT(escalated, HasSubstr("Worker terminated 6 times within 60 s"));
  EXPECT_THAT(escalated, HasSubstr("last: doom of incarnation 6"));
  EXPECT_EQ(facts().state, ChildState::escalated);
  EXPECT_FALSE(system.next_due().has_value());
}

TEST_F(SlotTest, EndsThatAreFarApartAreNotEscalated) {
  start(exact());
  deaths_to_come = 20;
  for (int i = 0; i < 20; ++i) {
    system.tell(worker, Task{3});
    system.advance(13s);
  }
  EXPECT_EQ(escalated, "");
  EXPECT_EQ(journal->incarnations, 21u);
}

TEST_F(SlotTest, AThrowingConstructorCountsAsAnEnd) {
  throw_at_start = true;
  start(exact());
  EXPECT_EQ(facts().state, ChildState::backing_off);
  EXPECT_EQ(facts().last_exception->text, "no start today");
  system.tell(worker, Task{3});
  system.advance(100ms);
  EXPECT_THAT(journal->begun, ElementsAre(3u));
}

TEST_F(SlotTest, AnActorThatEndsByItselfIsRestarted) {
  start(exact());
  system.io().end_watch("news"); // a watch that ends kills its actor
  system.run();
  EXPECT_EQ(facts().state, ChildState::backing_off);
  EXPECT_EQ(facts().last_exception->text, "the watch \"news\" has ended without being cancelled");
}

TEST_F(SlotTest, AnEventOfTheDeadPredecessorsWatchDoesNotReachTheSuccessor) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  system.advance(1s);
  system.io().emit_late("news", std::string("old"));
  system.io().emit("news", std::string("new"));
  system.run();
  EXPECT_THAT(journal->events, ElementsAre("new"));
}

TEST_F(SlotTest, AnAnswerThatThePredecessorAskedForDoesNotReachTheSuccessor) {
  start(exact());
  system.io().hold();
  system.tell(worker, Task{2}); // by a call, which is on the way when its actor dies
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  system.advance(1s);
  ASSERT_EQ(journal->incarnations, 2u);
  system.io().release();
  system.run();
  EXPECT_EQ(journal->answers, 0u);
  EXPECT_EQ(boss.count(), 0u);
}

TEST_F(SlotTest, AnswersPingInTheChildsPlaceWhileThereIsNone) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  const Ping ping;
  system.tell(worker, ping);
  EXPECT_TRUE(*ping.answered);
  EXPECT_EQ(facts().state, ChildState::backing_off);
}

TEST_F(SlotTest, PassesPingThroughToItsChild) {
  start(exact());
  const Ping ping;
  system.tell(worker, ping);
  EXPECT_TRUE(*ping.answered);
}

TEST_F(SlotTest, AStoppedChildHandlesWhatIsInItsMailboxFirst) {
  start(exact());
  system.send(worker, Task{3});
  supervisor.begin_stop(5s);
  system.send(worker, Task{6});
  system.run();
  EXPECT_TRUE(supervisor.stopped());
  EXPECT_THAT(journal->begun, ElementsAre(3u, 6u));
  EXPECT_EQ(facts().state, ChildState::stopped);
}

TEST_F(SlotTest, AStoppedSlotTakesNothingInUntilItStartsAgain) {
  start(exact());
  supervisor.begin_stop(5s);
  system.run();
  system.tell(worker, Task{3});
  supervisor.start();
  system.tell(worker, Task{6});
  EXPECT_THAT(journal->begun, ElementsAre(6u));
  EXPECT_EQ(facts().restarts, 0u);
}

TEST_F(SlotTest, StopsWhileBackingOff) {
  start(exact());
  deaths_to_come = 1;
  system.tell(worker, Task{3});
  supervisor.begin_stop(5s);
  system.advance(10s);
  EXPECT_TRUE(supervisor.stopped());
  EXPECT_EQ(journal->incarnations, 1u);
}

/// Does not end when asked to.
class Stubborn : public TracedActor<BossActor> {
public:
  using TracedActor::TracedActor;
  const char* name() const override { return "Stubborn"; }
  behavior_type make_behavior() override {
    return {[](const TaskDone&) {}};
  }
  void stop_requested() override {}
};

TEST_F(SlotTest, AChildThatDoesNotEndInTimeIsEnded) {
  add_worker(exact());
  supervisor.add<BossActor>({"Stubborn",
                             [this](caf::actor_system& actors) {
                               return caf::actor_cast<caf::strong_actor_ptr>(
                                   actors.spawn<Stubborn>(system.environment()));
                             },
                             exact()});
  supervisor.start();
  system.run();
  supervisor.begin_stop(5s);
  system.advance(4999ms);
  EXPECT_FALSE(supervisor.stopped());
  EXPECT_EQ(facts().state, ChildState::running) << "stopped after the one that was added later";
  system.advance(1ms);
  EXPECT_TRUE(supervisor.stopped());
}

} // namespace
} // namespace runtime_agent::supervision
