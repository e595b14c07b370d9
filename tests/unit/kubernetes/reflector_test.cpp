#include <deque>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/reflector.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;

Failure failure_of_kind(FailureKind kind, int status = 0) {
  return {.kind = kind, .where = "here", .what = "what", .http_status = status};
}

Json object(const std::string& version) {
  return Json{{"metadata", {{"resourceVersion", version}}}};
}

/// Plays a script of lists and watches; cancels the reflector where it is over.
class ScriptedApi : public Api {
public:
  using ListStep = std::function<Result<std::string>(const ListOptions&, const ObjectReceiver&)>;
  using WatchStep = std::function<Result<std::string>(const WatchOptions&, const EventReceiver&)>;

  std::deque<ListStep> lists;
  std::deque<WatchStep> watches;
  std::vector<std::string> calls; ///< "list", "watch 5"
  std::vector<WatchOptions> watch_options;
  CancelToken end;

  void list_gives(const std::string& version, std::vector<std::string> objects = {}) {
    lists.push_back([=](const ListOptions&, const ObjectReceiver& receive) -> Result<std::string> {
      for (const auto& each : objects)
        receive(object(each));
      return version;
    });
  }
  void list_fails(Failure failure) {
    lists.push_back([=](const ListOptions&, const ObjectReceiver&) { return failed(failure); });
  }
  void watch_fails(Failure failure) {
    watches.push_back([=](const WatchOptions&, const EventReceiver&) { return failed(failure); });
  }

  Result<std::string> list(const Resource&, const ListOptions& options, const ObjectReceiver& receive,
                           const CallContext&) override {
    return play(lists, "list", options, receive);
  }
  Result<std::string> watch(const Resource&, const WatchOptions& options, const EventReceiver& receive,
                            const CallContext&) override {
    watch_options.push_back(options);
    return play(watches, "watch " + options.resource_version, options, receive);
  }
  Result<Json> get(const Resource&, const std::string&, const CallContext&) override { return unexpected(); }
  Result<Json> create(const Resource&, const Json&, const CallContext&) override { return unexpected(); }
  Result<Json> update(const Resource&, const Json&, const CallContext&) override { return unexpected(); }
  Result<void> remove(const Resource&, const std::string&, const DeleteOptions&, const CallContext&) override {
    return unexpected();
  }

private:
  static tl::unexpected<Failure> unexpected() {
    ADD_FAILURE() << "a reflector only lists and watches";
    return failed({});
  }
  template <class Steps, class Options, class Receiver>
  Result<std::string> play(Steps& steps, const std::string& call, const Options& options, const Receiver& receive) {
    if (steps.empty()) {
      end.cancel();
      return failed(failure_of_kind(FailureKind::cancelled));
    }
    calls.push_back(call);
    const auto step = std::move(steps.front());
    steps.pop_front();
    return step(options, receive);
  }
};

/// Writes down what it is told.
class Recorder : public ReflectorHandler {
public:
  std::vector<std::string> told;
  std::vector<std::chrono::milliseconds> delays;

  void list_started() override { told.push_back("started"); }
  void listed(Json&& item) override { told.push_back("listed " + version_of(item)); }
  void list_finished(const std::string& version) override { told.push_back("finished " + version); }
  void event(EventType type, Json&& item) override {
    const char* const names[] = {"added", "modified", "deleted", "bookmark"};
    told.push_back(std::string(names[static_cast<int>(type)]) + " " + version_of(item));
  }
  std::set<std::string> known_versions;
  bool known(EventType, const ObjectHead& head) override { return known_versions.contains(head.resource_version); }
  void failed(const Failure& failure, std::chrono::milliseconds delay) override {
    told.push_back("failed " + std::string(to_string(failure.kind)));
    delays.push_back(delay);
  }
  void polling_instead(const Failure&) override { told.push_back("polling"); }
  long count(const std::string& what) const { return std::count(told.begin(), told.end(), what); }

private:
  static std::string version_of(const Json& item) { return item["metadata"]["resourceVersion"].get<std::string>(); }
};

class ReflectorTest : public testing::Test {
protected:
  FakeClock clock;
  ScriptedApi api;
  Recorder recorder;
  ReflectorOptions options;

  void run() {
    options.clock = &clock;
    Reflector reflector(api, secrets("ns"), options, recorder);
    reflector.run(api.end);
  }
  /// A watch of that length, with these events and a bookmark at the end of some.
  void watch_lasts(std::chrono::milliseconds duration, std::vector<std::pair<EventType, std::string>> events = {}) {
    api.watches.push_back([=, this](const WatchOptions& given, const EventReceiver& receive) -> Result<std::string> {
      std::string version = given.resource_version;
      for (const auto& [type, at] : events) {
        receive(type, object(at));
        version = at;
      }
      clock.advance(duration);
      return version;
    });
  }
};

TEST_F(ReflectorTest, ListsAndThenWatchesFromTheListsVersion) {
  api.list_gives("5", {"3", "4"});
  watch_lasts(seconds(300), {{EventType::added, "6"}, {EventType::modified, "7"}, {EventType::deleted, "8"}});
  run();
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"started", "listed 3", "listed 4", "finished 5", "added 6",
                                                     "modified 7", "deleted 8"}));
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5"}));
}

TEST_F(ReflectorTest, AnEventThatIsKnownMovesTheVersionToo) {
  recorder.known_versions = {"6"};
  api.list_gives("5");
  api.watches.push_back([&](const WatchOptions& given, const EventReceiver& receive) -> Result<std::string> {
    EXPECT_TRUE(given.known(EventType::added, {"a", "u", "6"}));
    EXPECT_FALSE(given.known(EventType::added, {"a", "u", "7"}));
    EXPECT_FALSE(given.known(EventType::bookmark, {"", "", "6"})) << "of an object only";
    receive(EventType::added, object("7"));
    EXPECT_TRUE(given.known(EventType::modified, {"a", "u", "6"}));
    return failed(failure_of_kind(FailureKind::network));
  });
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls.back(), "watch 6") << "where it had come to, whoever took the event";
  EXPECT_EQ(recorder.count("added 7"), 1);
}

TEST_F(ReflectorTest, APauseEndsTheWatchAndLosesNothing) {
  options.pause = std::make_shared<WatchPause>();
  api.list_gives("5");
  api.watches.push_back([&](const WatchOptions&, const EventReceiver& receive) -> Result<std::string> {
    receive(EventType::added, object("6"));
    options.pause->begin(seconds(30), clock);
    return failed(failure_of_kind(FailureKind::cancelled));
  });
  watch_lasts(seconds(300), {{EventType::added, "7"}});
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "watch 6"}));
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"started", "finished 5", "added 6", "added 7"}))
      << "a pause is no failure";
  EXPECT_EQ(clock.waits(), std::vector<long>{30'000}) << "no longer than it was asked for";
}

TEST_F(ReflectorTest, APauseBeforeTheFirstWatchPutsItOff) {
  options.pause = std::make_shared<WatchPause>();
  options.pause->begin(seconds(30), clock);
  api.list_gives("5");
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5"}));
  EXPECT_EQ(clock.waits(), std::vector<long>{30'000});
}

TEST_F(ReflectorTest, ARunThatEndsDuringItsWatchEndsNobodyElsesWatch) {
  options.pause = std::make_shared<WatchPause>();
  api.list_gives("5");
  run(); // which ends in the first watch
  EXPECT_FALSE(options.pause->next().cancelled()) << "or those that share the pause would watch in vain for ever";
}

TEST_F(ReflectorTest, APauseThatIsOverHoldsNobodyUp) {
  options.pause = std::make_shared<WatchPause>();
  options.pause->begin(seconds(30), clock);
  options.pause->resume();
  api.list_gives("5");
  watch_lasts(seconds(300));
  run();
  EXPECT_TRUE(clock.waits().empty());
}

TEST(WatchPauseTest, ResumingWakesWhoWaits) {
  WatchPause pause;
  pause.begin(std::chrono::hours(1));
  const CancelToken cancel;
  std::thread other([&] { pause.wait_for_end(cancel, system_clock()); });
  pause.resume();
  other.join(); // or this test never ends
  EXPECT_FALSE(cancel.cancelled());
}

TEST(WatchPauseTest, TheEndOfTheRunWakesWhoWaitsAndNobodyElse) {
  WatchPause pause;
  pause.begin(std::chrono::hours(1));
  const CancelToken one, another;
  std::thread first([&] { pause.wait_for_end(one, system_clock()); });
  std::thread second([&] { pause.wait_for_end(another, system_clock()); });
  one.cancel();
  first.join();
  pause.begin(std::chrono::hours(2)); // longer, while somebody waits
  pause.resume();
  second.join();
  EXPECT_FALSE(another.cancelled());
}

TEST(WatchPauseTest, TellsTheWatchesThatAreUnderWay) {
  WatchPause pause;
  const auto before = pause.next();
  pause.begin(std::chrono::hours(1));
  EXPECT_TRUE(before.cancelled());
  EXPECT_FALSE(pause.next().cancelled()) << "that is of the next one";
}

TEST_F(ReflectorTest, TheNextWatchGoesOnWhereTheLastOneEnded) {
  api.list_gives("5");
  watch_lasts(seconds(300), {{EventType::added, "6"}});
  watch_lasts(seconds(300));
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "watch 6", "watch 6"}));
  EXPECT_EQ(recorder.count("failed network"), 0);
  EXPECT_TRUE(clock.waits().empty());
}

TEST_F(ReflectorTest, ABookmarkMovesTheVersionAndIsNoEvent) {
  api.list_gives("5");
  watch_lasts(seconds(300), {{EventType::bookmark, "90"}});
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls.back(), "watch 90");
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"started", "finished 5"}));
}

TEST_F(ReflectorTest, WatchTimeoutsAreRandomBetweenFiveAndTenMinutes) {
  api.list_gives("5");
  for (int i = 0; i < 200; ++i)
    watch_lasts(seconds(300));
  run();
  auto shortest = seconds(10'000);
  auto longest = seconds(0);
  for (const auto& given : api.watch_options) {
    shortest = std::min(shortest, given.timeout);
    longest = std::max(longest, given.timeout);
  }
  EXPECT_GE(shortest, seconds(300));
  EXPECT_LT(shortest, seconds(320));
  EXPECT_LE(longest, seconds(600));
  EXPECT_GT(longest, seconds(580));
}

TEST_F(ReflectorTest, SilenceIsNoSignOfDeathBeforeTheFirstBookmark) {
  api.list_gives("5");
  watch_lasts(seconds(300), {{EventType::bookmark, "6"}});
  watch_lasts(seconds(300));
  run();
  EXPECT_GT(api.watch_options.at(0).idle_limit, api.watch_options.at(0).timeout);
  EXPECT_EQ(api.watch_options.at(1).idle_limit, seconds(180));
}

TEST_F(ReflectorTest, AGoneVersionMeansAListAtOnce) {
  api.list_gives("5");
  api.watch_fails(failure_of_kind(FailureKind::gone, 410));
  api.list_gives("50");
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "list", "watch 50"}));
  EXPECT_TRUE(clock.waits().empty());
}

TEST_F(ReflectorTest, AGoneVersionAfterEventsMeansAListAtOnce) {
  api.list_gives("5");
  for (int i = 0; i < 3; ++i) {
    api.watches.push_back([](const WatchOptions&, const EventReceiver& receive) -> Result<std::string> {
      receive(EventType::added, object("6"));
      return failed(failure_of_kind(FailureKind::gone));
    });
    api.list_gives("7");
  }
  run();
  EXPECT_TRUE(clock.waits().empty());
}

TEST_F(ReflectorTest, VersionsThatAreGoneAtOnceAreBackedOffFrom) {
  for (int i = 0; i < 4; ++i) {
    api.list_gives("5");
    api.watch_fails(failure_of_kind(FailureKind::gone, 410));
  }
  run();
  EXPECT_EQ(recorder.count("failed gone"), 3);
  EXPECT_EQ(clock.waits().size(), 3u);
}

TEST_F(ReflectorTest, AVeryShortWatchWithoutEventsIsAFailureAndListsAgain) {
  api.list_gives("5");
  watch_lasts(milliseconds(999));
  api.list_gives("6");
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "list", "watch 6"}));
  EXPECT_EQ(recorder.count("failed network"), 1);
  EXPECT_EQ(clock.waits().size(), 1u);
}

TEST_F(ReflectorTest, AShortWatchWithAnEventIsNoFailure) {
  api.list_gives("5");
  watch_lasts(milliseconds(10), {{EventType::added, "6"}});
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls.back(), "watch 6");
  EXPECT_TRUE(clock.waits().empty());
}

TEST_F(ReflectorTest, ALostWatchGoesOnFromTheLastEventAfterAPause) {
  api.list_gives("5");
  api.watches.push_back([](const WatchOptions&, const EventReceiver& receive) -> Result<std::string> {
    receive(EventType::added, object("6"));
    return failed(failure_of_kind(FailureKind::network));
  });
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "watch 6"}));
  EXPECT_EQ(clock.waits().size(), 1u);
}

TEST_F(ReflectorTest, AWatchThatKeepsFailingListsAgain) {
  api.list_gives("5");
  for (int i = 0; i < 5; ++i)
    api.watch_fails(failure_of_kind(FailureKind::unavailable, 504));
  api.list_gives("1");
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls.back(), "watch 1");
  EXPECT_EQ(std::count(api.calls.begin(), api.calls.end(), "list"), 2);
}

TEST_F(ReflectorTest, AMalformedEventListsAgain) {
  api.list_gives("5");
  api.watch_fails(failure_of_kind(FailureKind::malformed));
  api.list_gives("6");
  watch_lasts(seconds(300));
  run();
  EXPECT_EQ(api.calls, (std::vector<std::string>{"list", "watch 5", "list", "watch 6"}));
}

TEST_F(ReflectorTest, EachFailedListIsToldAndBackedOffFromUpToThirtySeconds) {
  for (int i = 0; i < 50; ++i)
    api.list_fails(failure_of_kind(FailureKind::forbidden, 403));
  run();
  EXPECT_EQ(recorder.count("failed forbidden"), 50);
  EXPECT_GE(recorder.delays.front(), milliseconds(800));
  EXPECT_LE(recorder.delays.front(), milliseconds(1600));
  for (const auto delay : recorder.delays) {
    EXPECT_GE(delay, milliseconds(800));
    EXPECT_LE(delay, seconds(30));
  }
  EXPECT_GT(*std::max_element(recorder.delays.begin(), recorder.delays.end()), seconds(20));
  EXPECT_EQ(clock.waits().size(), 50u);
}

TEST_F(ReflectorTest, JitterDiffersWithTheSeed) {
  const auto delays_with = [](std::uint64_t seed) {
    FakeClock time;
    ScriptedApi script;
    Recorder writes;
    for (int i = 0; i < 5; ++i)
      script.list_fails(failure_of_kind(FailureKind::network));
    ReflectorOptions seeded;
    seeded.seed = seed;
    seeded.clock = &time;
    Reflector(script, secrets("ns"), seeded, writes).run(script.end);
    return writes.delays;
  };
  EXPECT_EQ(delays_with(1), delays_with(1));
  EXPECT_NE(delays_with(1), delays_with(2));
}

TEST_F(ReflectorTest, TwoQuietMinutesStartTheBackOffOver) {
  for (int i = 0; i < 10; ++i)
    api.list_fails(failure_of_kind(FailureKind::network));
  api.list_gives("5");
  watch_lasts(seconds(120));
  api.watch_fails(failure_of_kind(FailureKind::network));
  run();
  ASSERT_EQ(recorder.delays.size(), 11u);
  EXPECT_LE(recorder.delays.back(), milliseconds(1600));
}

TEST_F(ReflectorTest, FewerQuietMinutesDoNot) {
  int slow = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    FakeClock time;
    ScriptedApi script;
    Recorder writes;
    for (int i = 0; i < 10; ++i)
      script.list_fails(failure_of_kind(FailureKind::network));
    script.list_gives("5");
    script.watches.push_back([&](const WatchOptions& given, const EventReceiver&) -> Result<std::string> {
      time.advance(seconds(119));
      return given.resource_version;
    });
    script.watch_fails(failure_of_kind(FailureKind::network));
    ReflectorOptions seeded;
    seeded.seed = seed;
    seeded.clock = &time;
    Reflector(script, secrets("ns"), seeded, writes).run(script.end);
    slow += writes.delays.back() > milliseconds(1600) ? 1 : 0;
  }
  EXPECT_GT(slow, 10);
}

TEST_F(ReflectorTest, RetryAfterIsNeverUndercut) {
  auto slow = failure_of_kind(FailureKind::rate_limited, 429);
  slow.retry_after = seconds(90);
  api.list_fails(slow);
  run();
  EXPECT_EQ(clock.waits(), std::vector<long>{90'000});
}

TEST_F(ReflectorTest, AListThatStartsOverIsToldSo) {
  api.lists.push_back([](const ListOptions& given, const ObjectReceiver& receive) -> Result<std::string> {
    receive(object("1"));
    given.on_restart();
    receive(object("2"));
    return "5";
  });
  run();
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"started", "listed 1", "started", "listed 2", "finished 5"}));
}

TEST_F(ReflectorTest, PollsWhereAWatchIsForbiddenAndSaysSoOnce) {
  for (int i = 0; i < 5; ++i)
    api.list_gives(std::to_string(i), {"1"});
  api.watch_fails(failure_of_kind(FailureKind::forbidden, 403));
  options.poll_period = seconds(20);
  run();
  EXPECT_EQ(recorder.count("polling"), 1);
  EXPECT_EQ(recorder.count("listed 1"), 5);
  EXPECT_EQ(clock.waits(), (std::vector<long>{20'000, 20'000, 20'000, 20'000, 20'000}));
  EXPECT_EQ(recorder.count("failed forbidden"), 0);
}

TEST_F(ReflectorTest, PollsWhereAResourceKnowsNoWatch) {
  api.list_gives("1");
  api.watch_fails(failure_of_kind(FailureKind::refused, 405));
  run();
  EXPECT_EQ(recorder.count("polling"), 1);
}

TEST_F(ReflectorTest, WhilePollingItTriesNowAndThenWhetherWatchingIsAllowed) {
  options.poll_period = seconds(60);
  options.watch_again_after = seconds(600);
  api.watch_fails(failure_of_kind(FailureKind::forbidden, 403));
  api.watch_fails(failure_of_kind(FailureKind::forbidden, 403));
  watch_lasts(seconds(300));
  watch_lasts(seconds(300));
  for (int i = 0; i < 21; ++i)
    api.list_gives("1");
  run();
  EXPECT_EQ(std::count(api.calls.begin(), api.calls.end(), "list"), 21);
  EXPECT_EQ(std::count(api.calls.begin(), api.calls.end(), "watch 1"), 4);
  EXPECT_EQ(recorder.count("polling"), 1);
  EXPECT_EQ(api.calls.back(), "watch 1");
}

TEST_F(ReflectorTest, PollNowListsAtOnce) {
  // Over real time: the poll period is an hour, and only poll_now can end it.
  options.poll_period = std::chrono::hours(1);
  api.list_gives("1");
  api.list_gives("2");
  api.watch_fails(failure_of_kind(FailureKind::forbidden, 403));
  Reflector reflector(api, secrets("ns"), options, recorder);
  std::thread runs([&] { reflector.run(api.end); });
  // The third list is not in the script and ends the run.
  while (!api.end.cancelled()) {
    reflector.poll_now();
    std::this_thread::yield();
  }
  runs.join();
  EXPECT_EQ(recorder.count("finished 2"), 1);
}

TEST_F(ReflectorTest, ACancelEndsAPauseAtOnce) {
  api.list_fails(failure_of_kind(FailureKind::network));
  api.list_fails(failure_of_kind(FailureKind::network));
  options.backoff_initial = std::chrono::hours(1);
  options.backoff_ceiling = std::chrono::hours(2);
  Reflector reflector(api, secrets("ns"), options, recorder);
  const auto begun = std::chrono::steady_clock::now();
  std::thread runs([&] { reflector.run(api.end); });
  api.end.cancel();
  runs.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(5));
}

TEST_F(ReflectorTest, ACancelledReflectorTellsNoFailure) {
  api.list_gives("1");
  run();
  EXPECT_EQ(recorder.told, (std::vector<std::string>{"started", "finished 1"}));
}

} // namespace
} // namespace runtime_agent::kubernetes
