#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/supervision/log.hpp"
#include "actors/supervision/trace_tree.hpp"
#include "tests/unit/supervision/toys.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::supervision {
namespace {

using namespace std::chrono_literals;
using namespace toys;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using tests::FakePeer;
using tests::TestSystem;

/// Runs for each Task what the test has put there, with the actor's own tools in its hands.
class Puppet : public TracedActor<WorkerActor> {
public:
  using Script = std::function<void(Puppet&, std::uint64_t number)>;
  Puppet(caf::actor_config& config, Environment& environment, Script script)
      : TracedActor(config, environment), script_(std::move(script)) {}
  const char* name() const override { return "Puppet"; }
  behavior_type make_behavior() override {
    return {[this](const Task& task) { script_(*this, task.number); }};
  }
  using TracedActor::after;
  using TracedActor::call;
  using TracedActor::cancel_call;
  using TracedActor::cancel_timer;
  using TracedActor::now;
  using TracedActor::request_id;
  using TracedActor::tell;
  using TracedActor::trace;
  using TracedActor::watch;

private:
  Script script_;
};

class TracedActorTest : public ::testing::Test {
protected:
  TracedActorTest() { log::set_level(log::Level::off); }
  ~TracedActorTest() override { log::set_level(log::Level::info); }

  auto puppet(Puppet::Script script) { return system.spawn<Puppet>(std::move(script)); }
  /// Ends up in `said`.
  void say(std::string text) { said.push_back(std::move(text)); }
  std::function<void(Result<int>)> saying() {
    return [this](Result<int> result) {
      say(result ? std::to_string(*result) : std::string(to_string(result.error().kind)));
    };
  }
  static std::function<Result<int>(const CallContext&)> returning(int value) {
    return [value](const CallContext&) -> Result<int> { return value; };
  }

  TestSystem system;
  std::vector<std::string> said;
};

TEST_F(TracedActorTest, ATimerFiresOnceAtItsTime) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.after(5min, "tea", Traced::begins, [this, &self, from = self.now()] {
      EXPECT_EQ(self.now() - from, 5min);
      say("tea");
    });
  });
  system.tell(actor, Task{});
  system.advance(299s);
  EXPECT_TRUE(said.empty());
  system.advance(1h);
  EXPECT_THAT(said, ElementsAre("tea"));
}

TEST_F(TracedActorTest, TimersFireInOrderOfTheirTimes) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.after(3s, "c", Traced::begins, [this] { say("c"); });
    self.after(1s, "a", Traced::begins, [this] { say("a"); });
    self.after(2s, "b", Traced::begins, [this] { say("b"); });
    self.after(1s, "a2", Traced::begins, [this] { say("a2"); });
  });
  system.tell(actor, Task{});
  system.advance(10s);
  EXPECT_THAT(said, ElementsAre("a", "a2", "b", "c"));
}

TEST_F(TracedActorTest, ACancelledTimerDoesNotFire) {
  TimerId id = 0;
  auto actor = puppet([&](Puppet& self, std::uint64_t number) {
    if (number == 0)
      id = self.after(1s, "never", Traced::begins, [this] { say("never"); });
    else
      self.cancel_timer(id);
  });
  system.tell(actor, Task{0});
  system.tell(actor, Task{1});
  EXPECT_EQ(id, 0u);
  system.advance(1min);
  EXPECT_TRUE(said.empty());
}

TEST_F(TracedActorTest, ADeadActorIsNotKeptByItsTimers) {
  auto held = std::make_shared<int>(1);
  auto actor = puppet([held](Puppet& self, std::uint64_t) {
    self.after(24h, "tomorrow", Traced::begins, [] {});
    throw std::runtime_error("now");
  });
  system.tell(actor, Task{});
  EXPECT_FALSE(system.next_due().has_value());
  EXPECT_EQ(system.death(actor), "now");
}

TEST_F(TracedActorTest, AnExceptionKillsTheActorWithItsText) {
  auto actor = puppet([](Puppet&, std::uint64_t) { throw std::logic_error("broken invariant"); });
  system.tell(actor, Task{});
  EXPECT_EQ(system.death(actor), "broken invariant");
}

TEST_F(TracedActorTest, AnAnswerComesAsAMessageOfItsOwn) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.call<int>({"count", 1s}, returning(7), saying());
    say("asked");
  });
  system.tell(actor, Task{});
  EXPECT_THAT(said, ElementsAre("asked", "7"));
}

TEST_F(TracedActorTest, ACallThatDoesNotComeBackEndsShortlyAfterItsDeadline) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) { self.call<int>({"count", 10s}, returning(7), saying()); });
  system.io().hold();
  system.tell(actor, Task{});
  system.advance(10s);
  EXPECT_TRUE(said.empty());
  system.advance(ActorCore::call_grace);
  EXPECT_THAT(said, ElementsAre("timeout"));
}

TEST_F(TracedActorTest, AResultAfterTheDeadlineIsDropped) {
  CancelToken token;
  auto actor = puppet([&](Puppet& self, std::uint64_t) {
    self.call<int>(
        {"count", 1s},
        [&](const CallContext& context) -> Result<int> {
          token = context.cancel;
          system.advance(5s); // this long it takes
          return 7;
        },
        saying());
  });
  system.tell(actor, Task{});
  EXPECT_THAT(said, ElementsAre("timeout"));
  EXPECT_TRUE(token.cancelled());
}

TEST_F(TracedActorTest, ACancelledCallIsNotAnswered) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    CallId id = self.call<int>({"count", 1s}, returning(7), saying());
    self.cancel_call(id);
  });
  system.tell(actor, Task{});
  system.advance(1min);
  EXPECT_TRUE(said.empty());
}

TEST_F(TracedActorTest, AFullQueueIsAFailureThatComesAsAMessage) {
  system.io().limit_queue(0);
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.call<int>({"count", 1s}, returning(7), saying());
    say("asked");
  });
  system.tell(actor, Task{});
  EXPECT_THAT(said, ElementsAre("asked", "unavailable"));
}

TEST_F(TracedActorTest, WorkThatThrowsKillsTheActorWithItsText) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.call<int>(
        {"count", 1s}, [](const CallContext&) -> Result<int> { throw std::runtime_error("in the work"); }, saying());
  });
  system.tell(actor, Task{});
  EXPECT_EQ(system.death(actor), "in the work");
  EXPECT_TRUE(said.empty());
}

TEST_F(TracedActorTest, TheDeadlineOfACallIsItsTimeLimitFromNow) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.call<int>(
        {"count", 3s},
        [this, until = self.now() + 3s](const CallContext& context) -> Result<int> {
          EXPECT_EQ(context.deadline, until);
          return 1;
        },
        saying());
  });
  system.tell(actor, Task{});
  EXPECT_THAT(said, ElementsAre("1"));
}

TEST_F(TracedActorTest, WhenTheActorEndsItsCallsAndWatchesAreCancelled) {
  CancelToken call_token;
  auto actor = puppet([&](Puppet& self, std::uint64_t number) {
    if (number == 1)
      throw std::runtime_error("the end");
    self.watch<int>(
        "numbers", [](const CancelToken&, const std::function<void(int)>&) {}, [](int) {});
    self.call<int>(
        {"count", 1s},
        [&](const CallContext& context) -> Result<int> {
          call_token = context.cancel;
          system.tell(caf::actor_cast<WorkerActor>(&self), Task{1}); // it dies while the work runs
          EXPECT_TRUE(context.cancel.cancelled());
          return 1;
        },
        saying());
  });
  system.tell(actor, Task{0});
  EXPECT_TRUE(call_token.cancelled());
  EXPECT_TRUE(system.io().watches().empty());
  EXPECT_TRUE(said.empty());
}

TEST_F(TracedActorTest, ACancelledWatchIsSilentAndMayEnd) {
  CallId id = 0;
  auto actor = puppet([&](Puppet& self, std::uint64_t number) {
    if (number == 0)
      id = self.watch<int>(
          "numbers", [](const CancelToken&, const std::function<void(int)>&) {},
          [this](int event) { say(std::to_string(event)); });
    else
      self.cancel_call(id);
  });
  system.tell(actor, Task{0});
  system.io().emit("numbers", 1);
  system.run();
  system.tell(actor, Task{1});
  system.io().emit_late("numbers", 2);
  system.run();
  EXPECT_THAT(said, ElementsAre("1"));
  EXPECT_FALSE(system.death(actor).has_value());
}

TEST_F(TracedActorTest, AWatchThatThrowsKillsItsActorWithTheText) {
  auto actor = puppet([](Puppet& self, std::uint64_t) {
    self.watch<int>(
        "numbers",
        [](const CancelToken&, const std::function<void(int)>&) { throw std::runtime_error("no numbers left"); },
        [](int) {});
  });
  system.tell(actor, Task{0});
  system.io().run_watch("numbers");
  system.run();
  EXPECT_EQ(system.death(actor), "no numbers left");
}

TEST_F(TracedActorTest, AnswersAPingBehindWhatIsInItsMailbox) {
  const Ping ping;
  auto actor = puppet([&](Puppet&, std::uint64_t number) {
    EXPECT_FALSE(*ping.answered);
    say(std::to_string(number));
  });
  system.send(actor, Task{1});
  system.tell(actor, ping);
  EXPECT_TRUE(*ping.answered);
  EXPECT_THAT(said, ElementsAre("1"));
}

// -- traces
// ------------------------------------------------------------------------------------------------------------

TEST_F(TracedActorTest, OneTraceGoesOverMessageCallTimerAndMessage) {
  FakePeer<BossActor> boss(system);
  TraceContext seen_by_work;
  auto second = puppet([&](Puppet& self, std::uint64_t number) { self.tell(boss.handle(), TaskDone{number, 0}); });
  auto first = puppet([&](Puppet& self, std::uint64_t) {
    self.call<int>(
        {"count", 1s},
        [&](const CallContext& context) -> Result<int> {
          seen_by_work = context.trace;
          RequestSpan request;
          request.trace = context.trace;
          request.target = "director";
          request.method = "POST";
          request.operation = "query count";
          request.started = system.wall_now();
          request.status = 200;
          request.outcome = "ok";
          system.ring().finished(request);
          return 1;
        },
        [&self, second](Result<int>) {
          self.after(1s, "wait", Traced::continues, [&self, second] { self.tell(second, Task{2}); });
        });
  });
  system.tell(first, Task{1});
  system.advance(2s);
  EXPECT_EQ(boss.count(), 1u);
  EXPECT_EQ(render_tree(system.ring(), seen_by_work), "Puppet: Task  0 µs\n"
                                                      "└─ Puppet: call count  0 µs\n"
                                                      "   ├─ director: request query count  0 µs 200\n"
                                                      "   └─ Puppet: answer count  0 µs\n"
                                                      "      └─ Puppet: timer wait  0 µs\n"
                                                      "         └─ Puppet: Task from Puppet  0 µs\n");
}

TEST_F(TracedActorTest, ATimerThatBeginsHasATraceOfItsOwn) {
  std::vector<TraceContext> traces;
  auto actor = puppet([&](Puppet& self, std::uint64_t) {
    traces.push_back(self.trace());
    self.after(1s, "begin", Traced::begins, [&] { traces.push_back(self.trace()); });
    self.after(1s, "continue", Traced::continues, [&] { traces.push_back(self.trace()); });
  });
  system.tell(actor, Task{});
  system.advance(1s);
  ASSERT_EQ(traces.size(), 3u);
  EXPECT_TRUE(traces[1].valid());
  EXPECT_NE(traces[0].trace_id, traces[1].trace_id);
  EXPECT_EQ(traces[0].trace_id, traces[2].trace_id);
}

TEST_F(TracedActorTest, EachEventOfAWatchBeginsATrace) {
  std::set<std::string> traces;
  auto actor = puppet([&](Puppet& self, std::uint64_t) {
    self.watch<int>(
        "numbers", [](const CancelToken&, const std::function<void(int)>&) {},
        [&](int) { traces.insert(self.trace().uuid()); });
  });
  system.tell(actor, Task{});
  for (int i = 0; i < 3; ++i)
    system.io().emit("numbers", i);
  system.run();
  EXPECT_EQ(traces.size(), 3u);
}

TEST_F(TracedActorTest, TheRequestIdIsTheRuntimesAndTheTraces) {
  std::string id;
  std::string uuid;
  auto actor = puppet([&](Puppet& self, std::uint64_t) {
    id = self.request_id("runtime-1");
    uuid = self.trace().uuid();
  });
  system.tell(actor, Task{});
  EXPECT_EQ(id, "runtime-1_" + uuid);
}

TEST_F(TracedActorTest, ASpanThatThrewSaysSo) {
  auto actor = puppet([](Puppet&, std::uint64_t) { throw std::runtime_error("contents stay out of the ring"); });
  system.tell(actor, Task{});
  const auto spans = system.ring().snapshot();
  EXPECT_EQ(spans.back().record.outcome, SpanOutcome::threw);
  EXPECT_EQ(spans.back().name, "Task");
  EXPECT_EQ(recent_traces(system.ring(), 10).front().outcome, SpanOutcome::threw);
}

TEST_F(TracedActorTest, AFailedCallShowsTheKindOfItsFailure) {
  auto actor = puppet([this](Puppet& self, std::uint64_t) {
    self.call<int>(
        {"count", 1s},
        [](const CallContext&) -> Result<int> {
          return failed({FailureKind::network, "there", "gone", {}, {}, 0, false, {}});
        },
        saying());
  });
  system.tell(actor, Task{});
  const auto traces = recent_traces(system.ring(), 1);
  EXPECT_EQ(traces.front().outcome, SpanOutcome::failed);
  EXPECT_THAT(render_tree(system.ring(), traces.front().trace), HasSubstr("call count  0 µs failed: network"));
}

} // namespace
} // namespace runtime_agent::supervision
