#include "transport/kubernetes/lease.hpp"

#include <deque>

#include <gmock/gmock.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "tests/unit/support/fake_api.hpp"

/// The election, on a clock that moves where the election waits. Source: architecture §8, client-go's leaderelection.
namespace runtime_agent::kubernetes {
namespace {

using namespace std::chrono_literals;
using test::FakeClock;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* lease_name = "runtime-agent";
const Resource resource = leases("compass-system");

ElectionSettings settings_of(const std::string& identity, bool required = false) {
  ElectionSettings settings;
  settings.namespace_ = "compass-system";
  settings.name = lease_name;
  settings.identity = identity;
  settings.required = required;
  return settings;
}

Json lease_of(const std::string& holder, const std::string& renewed = "2026-01-01T00:00:00.000000Z",
              int duration = 15) {
  return Json{{"metadata", {{"name", lease_name}, {"namespace", "compass-system"}}},
              {"spec",
               {{"holderIdentity", holder},
                {"leaseDurationSeconds", duration},
                {"acquireTime", "2026-01-01T00:00:00.000000Z"},
                {"renewTime", renewed},
                {"leaseTransitions", 4}}}};
}

/// Runs what the test says each time the election waits; after the last step it is cancelled.
class SteppedClock : public FakeClock {
public:
  bool wait(const CancelToken& cancel, std::chrono::steady_clock::duration duration) override {
    FakeClock::wait(cancel, duration);
    if (steps.empty()) {
      cancel.cancel();
      return true;
    }
    const auto step = std::move(steps.front());
    steps.pop_front();
    if (step)
      step();
    return cancel.cancelled();
  }
  std::deque<std::function<void()>> steps;
};

class StandingRecorder : public ElectionHandler {
public:
  void leads() override { said.push_back("leads"); }
  void leads_alone(const Failure& failure) override {
    said.push_back("alone: " + std::string(to_string(failure.kind)));
  }
  void lost(const std::string& reason) override { said.push_back("lost: " + reason); }
  void stands_by(const std::string& holder) override { said.push_back("behind " + holder); }
  void cannot_ask(const Failure& failure) override {
    said.push_back("cannot: " + std::string(to_string(failure.kind)));
  }
  bool able() override { return can_act; }
  std::vector<std::string> said;
  bool can_act = true;
};

class ElectionTest : public testing::Test {
protected:
  /// Runs until the steps are over.
  void run(Election& election) { election.run(CancelToken()); }
  void run(bool required = false) {
    Election election(
        api_, settings_of("me", required), gate_, handler_, [] { return 0.0; }, clock_);
    run(election);
  }
  /// Somebody else renews.
  void renewed_by(const std::string& holder) {
    api_.put(resource, lease_of(holder, "renewal " + std::to_string(++renewals_)));
  }
  void step(std::function<void()> what = {}) { clock_.steps.push_back(std::move(what)); }
  void steps(int count) {
    for (int i = 0; i < count; ++i)
      step();
  }
  Json spec() { return api_.object(resource, lease_name).value()["spec"]; }
  /// Requests about the Lease fail so from now on; nothing: they do not.
  void refuse(std::optional<FailureKind> kind) {
    api_.refuse = [kind](const tests::FakeApi::Call& call) {
      return kind ? std::optional(tests::FakeApi::failure(*kind, call.path)) : std::nullopt;
    };
  }

  tests::FakeApi api_;
  SteppedClock clock_;
  LeaderGate gate_;
  StandingRecorder handler_;
  int renewals_ = 0;
};

TEST_F(ElectionTest, MakesTheLeaseWithTheFieldsOfClientGo) {
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads"));
  EXPECT_EQ(spec()["holderIdentity"], "me");
  EXPECT_EQ(spec()["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec()["leaseTransitions"], 0);
  EXPECT_THAT(spec()["renewTime"].get<std::string>(),
              testing::MatchesRegex("20..-..-..T..:..:..[.][0-9][0-9][0-9][0-9][0-9][0-9]Z"));
  EXPECT_EQ(spec()["acquireTime"], spec()["renewTime"]);
}

TEST_F(ElectionTest, RenewsWithOneRequestEachRetryPeriod) {
  steps(3);
  run();
  EXPECT_EQ(api_.count("get"), 1u);
  EXPECT_EQ(api_.count("update"), 3u);
  EXPECT_THAT(clock_.waits(), ElementsAre(2000, 2000, 2000, 2000));
  EXPECT_NE(spec()["acquireTime"], spec()["renewTime"]);
  EXPECT_EQ(spec()["leaseTransitions"], 0);
}

TEST_F(ElectionTest, StandsByWhileAnotherRenews) {
  renewed_by("other");
  for (int i = 0; i < 20; ++i)
    step([this] { renewed_by("other"); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("behind other"));
  EXPECT_EQ(spec()["holderIdentity"], "other");
  EXPECT_FALSE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, TakesOverWhenTheHolderHasBeenSilentForTheLeaseDuration) {
  renewed_by("other");
  std::chrono::steady_clock::time_point seen = clock_.now(), led{};
  for (int i = 0; i < 9; ++i)
    step([&] {
      if (led == decltype(led){} && spec()["holderIdentity"] == "me")
        led = clock_.now() - 2s; // the wait of the leader
    });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("behind other", "leads"));
  EXPECT_EQ(led - seen, 15s);
  EXPECT_EQ(spec()["leaseTransitions"], 5);
}

TEST_F(ElectionTest, CountsByItsOwnClockWhateverTheHolderWrote) {
  api_.put(resource, lease_of("other", "1999-01-01T00:00:00.000000Z"));
  steps(3);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("behind other"));
}

TEST_F(ElectionTest, TakesAReleasedLeaseAtOnce) {
  renewed_by("other");
  step([this] { api_.put(resource, released_lease(lease_of("other"), clock_.wall())); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("behind other", "leads"));
  EXPECT_EQ(spec()["leaseTransitions"], 5);
}

TEST_F(ElectionTest, LeadsThroughFailuresShorterThanTheRenewDeadline) {
  step([this] { refuse(FailureKind::network); });
  steps(2);
  step([this] { refuse(std::nullopt); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", "cannot: network"));
  EXPECT_TRUE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, StopsWhenItCannotRenewInTime) {
  step([this] { refuse(FailureKind::network); });
  steps(5);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", "cannot: network", HasSubstr("lost: ")));
  EXPECT_FALSE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, ALeaderThatCanDoNothingRenewsNothingAndIsShutOutInTime) {
  step([this] { handler_.can_act = false; });
  steps(5);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads")); // what hangs is the watchdog's to end
  EXPECT_EQ(api_.count("update"), 0u);
  EXPECT_FALSE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, WhoCanDoNothingTakesNoLease) {
  handler_.can_act = false;
  steps(5);
  run();
  EXPECT_FALSE(api_.object(resource, lease_name));
}

TEST_F(ElectionTest, ALeaderThatCanActAgainBeforeItsTimeIsOverGoesOn) {
  step([this] { handler_.can_act = false; });
  step();
  step([this] { handler_.can_act = true; });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads"));
  EXPECT_TRUE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, ALeaderThatCanActAgainTooLateStepsDownFirst) {
  step([this] { handler_.can_act = false; });
  steps(6);
  step([this] { handler_.can_act = true; });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", HasSubstr("lost: "), "leads"));
}

TEST_F(ElectionTest, FindsItsGateShutAfterAPauseBeforeAnybodyHasToldIt) {
  step([this] {
    EXPECT_TRUE(gate_.open(clock_.now()));
    clock_.advance(9s); // with the wait of 2 s: over the deadline
    EXPECT_FALSE(gate_.open(clock_.now()));
  });
  run();
}

TEST_F(ElectionTest, StepsDownBeforeItAsksAfterAPause) {
  step([this] { clock_.advance(1h); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", HasSubstr("lost"), "leads"));
}

TEST_F(ElectionTest, StepsDownWhereAnotherHasTakenTheLease) {
  step([this] { renewed_by("other"); });
  step();
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", "lost: the Lease is held by other", "behind other"));
  EXPECT_EQ(spec()["holderIdentity"], "other");
}

TEST_F(ElectionTest, StopsWhatRunsWhereAnotherHasLedInBetween) {
  step([this] { api_.put(resource, released_lease(lease_of("other"), clock_.wall())); });
  step();
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", HasSubstr("lost"), "leads"));
}

TEST_F(ElectionTest, MakesALeaseThatSomebodyDeletedAnew) {
  step([this] { api_.erase(resource, lease_name); });
  step();
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads"));
  EXPECT_EQ(spec()["holderIdentity"], "me");
}

TEST_F(ElectionTest, LosesTheRaceForAFreeLease) {
  bool once = false;
  api_.carried_out = [&](const tests::FakeApi::Call& call) {
    if (call.verb == "get" && !std::exchange(once, true))
      renewed_by("faster");
  };
  api_.put(resource, released_lease(lease_of("other"), clock_.wall()));
  step();
  run();
  EXPECT_THAT(handler_.said, ElementsAre("behind faster"));
}

TEST_F(ElectionTest, LeadsAloneWhereLeasesAreForbidden) {
  refuse(FailureKind::forbidden);
  steps(3);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("alone: forbidden"));
  EXPECT_THAT(clock_.waits(), ElementsAre(60'000, 60'000, 60'000, 60'000));
  EXPECT_TRUE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, TakesPartOnceLeasesAreAllowed) {
  refuse(FailureKind::forbidden);
  step([this] {
    refuse(std::nullopt);
    renewed_by("other");
  });
  step();
  run();
  EXPECT_THAT(handler_.said, ElementsAre("alone: forbidden", "lost: the Lease is held by other", "behind other"));
}

TEST_F(ElectionTest, LeadsOnAloneWhileTheApiServerIsDown) {
  refuse(FailureKind::forbidden);
  step([this] { refuse(FailureKind::network); });
  steps(20);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("alone: forbidden"));
}

// A quota says no to the creation, and the next moment yes to another's.
TEST_F(ElectionTest, DoesNotLeadWhereTheLeaseIsRefusedAndNoRightIsMissing) {
  refuse(FailureKind::refused);
  step();
  step([this] { refuse(std::nullopt); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("cannot: refused", "leads"));
}

TEST_F(ElectionTest, ActsAloneNoLongerOnceTheLeaseCanBeSeen) {
  refuse(FailureKind::forbidden);
  step([this] {
    api_.refuse = [](const tests::FakeApi::Call& call) {
      return call.verb == "get" ? std::nullopt
                                : std::optional(tests::FakeApi::failure(FailureKind::refused, call.path));
    };
  });
  step([this] { EXPECT_FALSE(gate_.open(clock_.now())); });
  step([this] { refuse(std::nullopt); });
  run();
  EXPECT_THAT(handler_.said, ElementsAre("alone: forbidden", HasSubstr("lost: "), "cannot: refused", "leads"));
}

TEST_F(ElectionTest, WaitsWhereLeasesAreForbiddenAndRequired) {
  refuse(FailureKind::forbidden);
  steps(3);
  run(true);
  EXPECT_THAT(handler_.said, ElementsAre("cannot: forbidden"));
  EXPECT_FALSE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, StopsBeforeItLeadsAloneWhereItsRightsAreTakenAway) {
  step([this] { refuse(FailureKind::forbidden); });
  steps(4);
  run();
  EXPECT_THAT(handler_.said, ElementsAre("leads", "cannot: forbidden", HasSubstr("lost"), "alone: forbidden"));
}

TEST_F(ElectionTest, ReleasesWhatItHolds) {
  Election election(
      api_, settings_of("me"), gate_, handler_, [] { return 0.0; }, clock_);
  run(election);
  EXPECT_TRUE(gate_.open(clock_.now()));
  election.release({});
  EXPECT_EQ(spec()["holderIdentity"], "");
  EXPECT_EQ(spec()["leaseDurationSeconds"], 1);
  EXPECT_FALSE(gate_.open(clock_.now()));
}

TEST_F(ElectionTest, ReleasesNothingThatAnotherHolds) {
  Election election(
      api_, settings_of("me"), gate_, handler_, [] { return 0.0; }, clock_);
  run(election);
  renewed_by("other");
  election.release({});
  EXPECT_EQ(spec()["holderIdentity"], "other");
}

TEST_F(ElectionTest, KeepsWhatOthersWroteIntoTheLease) {
  Json lease = lease_of("");
  lease["metadata"]["labels"]["team"] = "kyma";
  lease["spec"]["strategy"] = "OldestEmulationVersion";
  api_.put(resource, lease);
  run();
  EXPECT_EQ(spec()["strategy"], "OldestEmulationVersion");
  EXPECT_EQ(api_.object(resource, lease_name).value()["metadata"]["labels"]["team"], "kyma");
}

/// Serves watches: what happens during each, one event after the other, until the watch is cancelled; then its
/// deadline.
class WatchedApi : public tests::FakeApi {
public:
  std::deque<std::function<Json()>> happens;
  std::vector<WatchOptions> watches;
  Result<std::string> watch(const Resource&, const WatchOptions& options, const EventReceiver& receive,
                            const CallContext& context) override {
    watches.push_back(options);
    while (!happens.empty() && !context.cancel.cancelled()) {
      const auto next = std::move(happens.front());
      happens.pop_front();
      receive(EventType::modified, next());
    }
    return failed(failure(context.cancel.cancelled() ? FailureKind::cancelled : FailureKind::timeout, "watch"));
  }
};

TEST_F(ElectionTest, SeesAReleaseByWatchAndWaitsNoLonger) {
  WatchedApi api;
  const Json held = api.put(resource, lease_of("other"));
  api.happens.push_back([&] { return api.put(resource, released_lease(held, clock_.wall())); });
  Election election(
      api, settings_of("me"), gate_, handler_, [] { return 0.0; }, clock_);
  run(election);
  EXPECT_THAT(handler_.said, ElementsAre("behind other", "leads"));
  EXPECT_THAT(clock_.waits(), ElementsAre(2000)); // the leader's
  ASSERT_EQ(api.watches.size(), 1u);
  EXPECT_EQ(api.watches[0].field_selector, "metadata.name=runtime-agent");
  EXPECT_EQ(api.watches[0].resource_version, held["metadata"]["resourceVersion"]);
}

TEST_F(ElectionTest, TakesRenewalsSeenByWatchForSignsOfLife) {
  WatchedApi api;
  api.put(resource, lease_of("other"));
  for (int i = 0; i < 5; ++i)
    api.happens.push_back([&, i] {
      clock_.advance(14s);
      return api.put(resource, lease_of("other", "renewal " + std::to_string(i)));
    });
  Election election(
      api, settings_of("me"), gate_, handler_, [] { return 0.0; }, clock_);
  run(election);
  EXPECT_THAT(handler_.said, ElementsAre("behind other"));
  EXPECT_EQ(api.count("update"), 0u);
}

TEST_F(ElectionTest, PausesAfterAWatchThatEndedAtOnce) {
  WatchedApi api;
  api.put(resource, lease_of("other"));
  steps(3);
  Election election(
      api, settings_of("me"), gate_, handler_, [] { return 0.0; }, clock_);
  run(election);
  EXPECT_THAT(clock_.waits(), ElementsAre(2000, 2000, 2000, 2000));
}

} // namespace
} // namespace runtime_agent::kubernetes
