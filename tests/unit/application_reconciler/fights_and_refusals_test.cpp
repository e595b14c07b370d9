#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// Whoever else writes: fights, refusals, and an API server that is away.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using tests::application;
using tests::bundle;
using tests::ClusterRequest;
using tests::director_data;
using tests::shop;
using tests::with_password;

class FightTest : public ReconcilerTest {
protected:
  void edit() {
    cluster->patch(apps, "mp-a", {{"spec", {{"description", "hacked"}}}});
    watch();
    system.advance(1s); // no object is put right twice within a second
  }
  bool hacked() const { return (*cluster->find(apps, "mp-a"))["spec"]["description"] == "hacked"; }
};

TEST_F(FightTest, BacksOffFromWhatNeedsToBePutRightMoreThanThreeTimesAMinuteAndSaysSo) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 3; ++i) {
    edit();
    EXPECT_FALSE(hacked());
  }
  edit();
  EXPECT_TRUE(hacked());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(FightTest, GoesOnWhenTheMinuteIsOver) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 4; ++i)
    edit();
  system.advance(55s);
  EXPECT_TRUE(hacked());
  system.advance(2s);
  EXPECT_FALSE(hacked());
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(FightTest, ChangesOfTheDirectorAreNoFight) {
  start();
  for (int i = 0; i < 6; ++i) {
    auto changed = shop("a");
    changed.description = "version " + std::to_string(i);
    fetch(director_data({changed}));
    EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], *changed.description);
  }
}

TEST_F(FightTest, TheFirstRepairCountsHoweverLongAgoItWasWritten) {
  start();
  fetch(director_data({shop("a")}));
  system.advance(1h);
  for (int i = 0; i < 4; ++i)
    edit();
  EXPECT_TRUE(hacked()) << "the fourth within a minute";
}

TEST_F(FightTest, EachObjectHasItsOwnThreeRepairs) {
  start();
  fetch(director_data({application("a", {with_password(bundle("b")), with_password(bundle("c"))})}));
  for (int i = 0; i < 4; ++i)
    edit();
  ASSERT_TRUE(hacked());
  for (const auto* name : {"mp-a-b", "mp-a-c"}) {
    cluster->erase(secrets, name);
    watch();
    EXPECT_TRUE(cluster->find(secrets, name)) << name;
  }
}

TEST_F(FightTest, AFightOverASecretIsNamed) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 4; ++i) {
    cluster->erase(secrets, "mp-a-b");
    watch();
    system.advance(1s);
  }
  EXPECT_THAT(secret_names(), IsEmpty());
  ASSERT_THAT(applied().problems, SizeIs(1));
  EXPECT_EQ(applied().problems[0].application, "mp-a");
  EXPECT_THAT(applied().problems[0].reason, HasSubstr("Secret mp-a-b"));
}

TEST_F(FightTest, WhoeverMakesAStrangersApplicationAgainAndAgainIsBackedOffFromToo) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  for (int i = 0; i < 4; ++i) {
    cluster->put(apps, rogue("mp-rogue"));
    watch();
    system.advance(1s);
  }
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b", "mp-rogue"));
  system.advance(61s);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(FightTest, ADirectorsChangeIsWrittenInTheMidstOfAFight) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 4; ++i)
    edit();
  ASSERT_TRUE(hacked());
  auto changed = shop("a");
  changed.description = "new";
  fetch(director_data({changed}));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "new");
}

TEST_F(FightTest, CostsFewWritesHoweverFastTheOtherWriterIs) {
  start();
  fetch(director_data({shop("a")}));
  std::size_t writes = 0;
  for (int second = 0; second < 600; ++second) {
    edit();
    system.advance(1s);
    writes += cluster->take_writes().size();
  }
  EXPECT_LE(writes, 15u) << "three in the first minute, then less and less often";
  EXPECT_GE(writes, 4u);
}

class RefusalTest : public ReconcilerTest {
protected:
  /// The API server refuses everything of that Application with that status.
  void refuse(const std::string& name, FailureKind kind, int http_status) {
    cluster->before = [=](const ClusterRequest& request) -> std::optional<Failure> {
      if (request.name != name || request.verb == "get")
        return std::nullopt;
      return Failure{kind, "Kubernetes API, " + request.text(), "refused by the test", {}, {}, http_status, false, {}};
    };
  }
  /// The API server does not answer at all.
  void cut_off() {
    cluster->before = [](const ClusterRequest& request) {
      return std::optional(Failure{
          FailureKind::network, "Kubernetes API, " + request.text(), "connection refused", {}, {}, 0, false, {}});
    };
  }
  static std::vector<compass::Application> shops(int count) {
    std::vector<compass::Application> all;
    for (int i = 0; i < count; ++i)
      all.push_back(shop("s" + std::to_string(1000 + i)));
    return all;
  }
};

TEST_F(RefusalTest, AnApplicationThatIsRefusedForEverCostsLessAndLess) {
  refuse("mp-a", FailureKind::too_large, 413);
  start();
  std::size_t requests = 0;
  for (int cycle = 0; cycle < 180; ++cycle) { // an hour
    fetch(director_data({shop("a"), shop("b")}));
    EXPECT_THAT(problem_names(), ElementsAre("mp-a")) << "said in every cycle";
    system.advance(20s);
    requests += cluster->take_writes().size();
  }
  EXPECT_THAT(application_names(), ElementsAre("mp-b"));
  EXPECT_LT(requests, 2 + 35u);
  EXPECT_GT(requests, 2 + 15u) << "it is tried again, at least every five minutes";
}

TEST_F(RefusalTest, WhatTheDirectorHasChangedIsTriedAtOnce) {
  refuse("mp-a", FailureKind::too_large, 413);
  start();
  for (int cycle = 0; cycle < 10; ++cycle) {
    fetch(director_data({shop("a")}));
    system.advance(20s);
  }
  cluster->before = nullptr;
  auto smaller = shop("a");
  smaller.description = "smaller";
  fetch(director_data({smaller}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(RefusalTest, AnApiServerThatIsAwayIsNotAskedAboutEachApplication) {
  start();
  cut_off();
  fetch(director_data(shops(500)));
  EXPECT_LT(cluster->take_log().size(), 20u);
  ASSERT_TRUE(applied().failure);
  EXPECT_THAT(applied().failure->text(), HasSubstr("connection refused"));
  EXPECT_THAT(applied().failure->text(), HasSubstr("Applications wait until it answers again"));
  cluster->before = nullptr;
  system.advance(10s);
  EXPECT_EQ(application_names().size(), 500u);
  EXPECT_FALSE(applied().failure);
}

TEST_F(RefusalTest, NoApplicationWaitsForEverBehindOthersThatAreNotAnswered) {
  start();
  cluster->before =
      [](const ClusterRequest& request) -> std::optional<Failure> { // the first twenty reset the connection
    if (request.plural != "applications" || request.name >= "mp-s1020")
      return std::nullopt;
    return Failure{FailureKind::network, "Kubernetes API, " + request.text(), "reset", {}, {}, 0, true, {}};
  };
  for (int cycle = 0; cycle < 5; ++cycle) {
    fetch(director_data(shops(40)));
    system.advance(20s);
  }
  EXPECT_EQ(application_names().size(), 20u);
}

TEST_F(RefusalTest, CyclesThatAreShorterThanItsBackOffDoNotPutOffTheNextAttempt) {
  settings.retry_initial = 10s;
  start();
  fetch(director_data({shop("a")}));
  list_applications();
  cut_off();
  cluster->erase(apps, "mp-a");
  watch(); // fails, and is to be tried again within ten seconds
  for (int cycle = 0; cycle < 10; ++cycle) {
    fetch_only(director_data({shop("a")}));
    system.advance(1s);
  }
  cluster->before = nullptr;
  system.advance(20s); // the second back-off at the most
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
}

TEST(FailedWrites, DoubleTheBackOffUpToTheCeilingAndStartOverWithAnotherWish) {
  const FailedWrites::TimePoint start{};
  FailedWrites failures(1s, 60s, [] { return 0.999; });
  const Digest one{1}, two{2};
  auto now = start;
  std::vector<long> waits;
  for (int i = 0; i < 9; ++i) {
    failures.failed("a", one, {"refused"}, now);
    waits.push_back(std::lround(std::chrono::duration<double>(*failures.next() - now).count()));
    now = *failures.next();
    EXPECT_EQ(failures.waiting("a", one, now), nullptr);
    EXPECT_NE(failures.waiting("a", one, now - 1ms), nullptr);
  }
  EXPECT_THAT(waits, ElementsAre(1, 2, 4, 8, 16, 32, 60, 60, 60));
  EXPECT_EQ(failures.waiting("a", two, start), nullptr) << "something else is wanted";
  failures.failed("a", two, {"refused"}, now);
  EXPECT_LE(*failures.next(), now + 1s);
  failures.keep({"b"});
  EXPECT_TRUE(failures.empty());
}

} // namespace
} // namespace runtime_agent::application_reconciler
