#include <deque>
#include <limits>
#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/director_fetcher/director_fetcher.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::director_fetcher {
namespace {

using namespace std::chrono_literals;
using tests::FakePeer;
using tests::TestSystem;

const std::vector<std::pair<std::string, std::string>> wanted_labels = {{"runtime_eventServiceUrl", "https://events"},
                                                                        {"runtime_consoleUrl", "https://console"}};

Failure failure(FailureKind kind, const std::string& what = "what") {
  Failure failure;
  failure.kind = kind;
  failure.where = "Director";
  failure.what = what;
  return failure;
}

class FakeDirector : public compass::DirectorClient {
public:
  Result<compass::RuntimeDataPtr> fetch(const compass::DirectorAccess& access, const CallContext& context) override {
    fetches.push_back(context.request_id);
    serials.push_back(access.identity->serial);
    if (fetch_failure && fetch_failures-- > 0)
      return failed(*fetch_failure);
    auto data = std::make_shared<compass::RuntimeData>();
    data->labels.values = labels;
    return data;
  }
  Result<void> set_runtime_label(const compass::DirectorAccess&, const std::string& key, const std::string& value,
                                 const CallContext& context) override {
    label_requests.push_back(context.request_id);
    if (label_failure)
      return failed(*label_failure);
    labels.emplace_back(key, value);
    return {};
  }
  void drop_idle_connections() override { ++drops; }

  std::vector<std::string> fetches; ///< request ids
  std::vector<std::string> serials;
  std::vector<std::string> label_requests;
  std::vector<std::pair<std::string, std::string>> labels;
  std::optional<Failure> fetch_failure;
  int fetch_failures = std::numeric_limits<int>::max(); ///< so many fetches meet it
  std::optional<Failure> label_failure;
  int drops = 0;
};

class DirectorFetcherTest : public testing::Test {
protected:
  DirectorFetcherTest() {
    peers.config_watcher = config_watcher.handle();
    peers.connection_manager = connection_manager.handle();
    peers.application_reconciler = reconciler.handle();
    peers.status_writer = status_writer.handle();
    reconciler.on<DesiredStateFetched>([this](const DesiredStateFetched& fetched) {
      if (!applies)
        return;
      DesiredStateApplied applied = result;
      applied.sequence = fetched.state->sequence;
      system.send(fetcher, applied);
    });
    start();
  }
  void start() {
    Settings settings;
    settings.pace.jitter = 0;
    settings.labels = wanted_labels;
    fetcher = system.spawn<DirectorFetcher>(peers, settings, director);
    system.run();
  }
  ConnectionReady ready(const std::string& serial = "01", const std::string& url = "https://director") {
    auto identity = std::make_shared<x509::Identity>();
    identity->serial = serial;
    auto connection = std::make_shared<Connection>();
    connection->identity = identity;
    connection->director_url = url;
    connection->runtime_id = "runtime-1";
    connection->tenant = "tenant-1";
    return {connection};
  }
  /// Lets a timer that is due at once fire as well: a fetch begins with one, for a trace of its own.
  template <class Message>
  void tell(Message message) {
    system.tell(fetcher, std::move(message));
    system.advance(0ms);
  }
  SynchronizationReport last_report() { return status_writer.last<SynchronizationReport>().value(); }

  TestSystem system;
  FakePeer<ConfigWatcherActor> config_watcher{system};
  FakePeer<ConnectionManagerActor> connection_manager{system};
  FakePeer<ApplicationReconcilerActor> reconciler{system};
  FakePeer<StatusWriterActor> status_writer{system};
  Peers peers;
  std::shared_ptr<FakeDirector> director = std::make_shared<FakeDirector>();
  DirectorFetcherActor fetcher;
  bool applies = true;
  DesiredStateApplied result;
};

TEST_F(DirectorFetcherTest, FetchesAtOnceWhenThereIsAConnection) {
  EXPECT_TRUE(director->fetches.empty());
  tell(ready());
  EXPECT_EQ(director->fetches.size(), 1u);
  EXPECT_EQ(reconciler.received<DesiredStateFetched>().size(), 1u);
}

TEST_F(DirectorFetcherTest, FetchesOnceAPeriod) {
  tell(ready());
  system.advance(200s);
  EXPECT_EQ(director->fetches.size(), 11u);
}

TEST_F(DirectorFetcherTest, HandsOnTheVerySameDataWhereNothingHasChanged) {
  applies = false; // else the labels that are set change it
  tell(ready());
  system.advance(20s);
  const auto states = reconciler.received<DesiredStateFetched>();
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].state->data, states[1].state->data);
  EXPECT_NE(states[0].state->sequence, states[1].state->sequence);
  director->labels.emplace_back("isNormalized", "true");
  system.advance(20s);
  EXPECT_NE(reconciler.received<DesiredStateFetched>().at(2).state->data, states[0].state->data);
}

TEST_F(DirectorFetcherTest, GivesEachCycleAnIdOfItsOwnAndKeepsItForTheLabels) {
  tell(ready());
  ASSERT_EQ(director->label_requests.size(), 2u);
  EXPECT_EQ(director->label_requests[0], director->fetches[0]);
  EXPECT_TRUE(director->fetches[0].starts_with("runtime-1_"));
  system.advance(20s);
  EXPECT_NE(director->fetches.at(1), director->fetches[0]);
}

TEST_F(DirectorFetcherTest, SetsTheLabelsAfterTheClusterIsInLineAndOnlyWhereTheyDiffer) {
  applies = false;
  tell(ready());
  EXPECT_TRUE(director->label_requests.empty());
  applies = true;
  system.advance(20s);
  EXPECT_EQ(director->label_requests.size(), 2u);
  system.advance(60s);
  EXPECT_EQ(director->label_requests.size(), 2u);
  EXPECT_TRUE(last_report().synchronized);
}

TEST_F(DirectorFetcherTest, SetsTheLabelsAlsoWhenSingleApplicationsFailed) {
  result.problems = {{"mp-shop", "refused"}};
  tell(ready());
  EXPECT_EQ(director->label_requests.size(), 2u);
  EXPECT_FALSE(last_report().synchronized);
  EXPECT_FALSE(last_report().last_successful_application);
  EXPECT_TRUE(last_report().last_successful_fetch);
}

TEST_F(DirectorFetcherTest, AFailedLabelHidesNoSuccessfulApplication) {
  director->label_failure = failure(FailureKind::unavailable);
  tell(ready());
  EXPECT_TRUE(last_report().labelling);
  EXPECT_TRUE(last_report().last_successful_application);
  EXPECT_FALSE(last_report().synchronized);
  director->label_failure.reset();
  system.advance(20s);
  EXPECT_FALSE(last_report().labelling);
  EXPECT_TRUE(last_report().synchronized);
}

TEST_F(DirectorFetcherTest, BacksOffWhileTheDirectorFailsAndKeepsTheLastSuccess) {
  tell(ready());
  const auto success = last_report().last_successful_fetch;
  director->fetch_failure = failure(FailureKind::unavailable);
  system.advance(1h);
  EXPECT_LT(director->fetches.size(), 60u);
  EXPECT_GT(director->fetches.size(), 10u);
  EXPECT_EQ(last_report().last_successful_fetch, success);
  EXPECT_TRUE(last_report().fetching);
  EXPECT_EQ(reconciler.received<DesiredStateFetched>().size(), 1u);
}

TEST_F(DirectorFetcherTest, HonoursRetryAfterWhoeverAsks) {
  director->fetch_failure = failure(FailureKind::rate_limited);
  director->fetch_failure->retry_after = 120s;
  tell(ready());
  director->fetch_failure.reset();
  tell(ResyncRequested{"7"});
  tell(ready("02", "https://other"));
  system.advance(119s);
  EXPECT_EQ(director->fetches.size(), 1u);
  system.advance(2s);
  EXPECT_EQ(director->fetches.size(), 2u);
}

TEST_F(DirectorFetcherTest, APersonsRequestPassesTheMinimalIntervalAndIsServedOnce) {
  tell(ready());
  system.advance(1s);
  tell(ResyncRequested{"7"});
  EXPECT_EQ(director->fetches.size(), 2u);
  EXPECT_EQ(last_report().resync_served, "7");
  tell(ResyncRequested{"7"});
  EXPECT_EQ(director->fetches.size(), 2u);
  tell(ResyncRequested{"9"});
  EXPECT_EQ(director->fetches.size(), 2u) << "no sooner than a person can see what the last one did";
  system.advance(2s);
  EXPECT_EQ(director->fetches.size(), 3u);
  EXPECT_EQ(last_report().resync_served, "9");
}

TEST_F(DirectorFetcherTest, ServesARequestOnlyOnceTheCycleSucceeded) {
  tell(ready());
  director->fetch_failure = failure(FailureKind::unavailable);
  tell(ResyncRequested{"7"});
  EXPECT_EQ(last_report().resync_served, "");
  director->fetch_failure.reset();
  system.advance(5min);
  EXPECT_EQ(last_report().resync_served, "7");
}

TEST_F(DirectorFetcherTest, ARenewedCertificateIsUsedFromTheNextFetchOnAndCausesNone) {
  tell(ready("01"));
  tell(ready("02"));
  system.advance(1s);
  EXPECT_EQ(director->fetches.size(), 1u);
  system.advance(20s);
  EXPECT_THAT(director->serials, testing::ElementsAre("01", "02"));
}

TEST_F(DirectorFetcherTest, TellsWhenItsCertificateIsRefused) {
  director->fetch_failure = failure(FailureKind::certificate_refused);
  tell(ready("05"));
  ASSERT_EQ(connection_manager.received<CertificateRefused>().size(), 1u);
  EXPECT_EQ(connection_manager.last<CertificateRefused>()->serial, "05");
}

TEST_F(DirectorFetcherTest, TellsOfAnIdentityThatIsRefusedAgainOnAFreshConnectionAndWhenItIsTakenAgain) {
  tell(ready("05"));
  system.advance(5min);
  ASSERT_EQ(connection_manager.received<CertificateRefused>().size(), 1u) << "taken, said once";
  EXPECT_FALSE(connection_manager.last<CertificateRefused>()->failure);
  director->fetch_failure = failure(FailureKind::forbidden);
  director->fetch_failure->http_status = 200;
  director->fetch_failure->blame = Blame::tenant;
  director->fetch_failures = 2;
  const int drops = director->drops;
  system.advance(21s);
  EXPECT_EQ(director->drops, drops + 1);
  ASSERT_EQ(connection_manager.received<CertificateRefused>().size(), 2u);
  EXPECT_EQ(connection_manager.last<CertificateRefused>()->failure->blame, Blame::tenant);
  EXPECT_EQ(connection_manager.last<CertificateRefused>()->serial, "05");
  system.advance(5min);
  ASSERT_EQ(connection_manager.received<CertificateRefused>().size(), 3u);
  EXPECT_FALSE(connection_manager.last<CertificateRefused>()->failure);
}

TEST_F(DirectorFetcherTest, SaysNothingOfARefusalThatPassesAtOnce) {
  tell(ready("05"));
  director->fetch_failure = failure(FailureKind::forbidden);
  director->fetch_failure->blame = Blame::tenant;
  director->fetch_failures = 1;
  system.advance(21s);
  EXPECT_LE(director->fetch_failures, 0);
  EXPECT_EQ(connection_manager.received<CertificateRefused>().size(), 1u);
  EXPECT_FALSE(last_report().fetching);
}

TEST_F(DirectorFetcherTest, DoesNotFetchWithoutAConnection) {
  tell(ready());
  tell(ConnectionLost{"expired", {}});
  system.advance(10min);
  EXPECT_EQ(director->fetches.size(), 1u);
}

TEST_F(DirectorFetcherTest, ReportsWhatOfTheConfigurationIsUnreadable) {
  tell(ConnectionLost{"no tenant", failure(FailureKind::configuration, "TENANT is missing")});
  EXPECT_EQ(last_report().fetching->what, "TENANT is missing");
}

TEST_F(DirectorFetcherTest, FetchesOnWhileTheClusterIsSlow) {
  applies = false;
  tell(ready());
  system.advance(60s);
  EXPECT_EQ(director->fetches.size(), 4u);
  EXPECT_EQ(reconciler.received<DesiredStateFetched>().size(), 4u);
  const auto states = reconciler.received<DesiredStateFetched>();
  EXPECT_LT(states[0].state->sequence, states[3].state->sequence);
}

TEST_F(DirectorFetcherTest, ConfirmsHeldBackDeletionsOverAnotherConnectionAfterTheMinimalTime) {
  result.wants_confirmation = true;
  result.failure = failure(FailureKind::refused, "deletions are held back");
  tell(ready());
  director->drops = 0;
  DesiredStateApplied held = result;
  held.sequence = reconciler.last<DesiredStateFetched>()->state->sequence;
  tell(held);
  EXPECT_EQ(director->drops, 1);
  result = {};
  system.advance(9s);
  EXPECT_EQ(director->fetches.size(), 1u);
  system.advance(2s);
  EXPECT_EQ(director->fetches.size(), 2u);
  const auto states = reconciler.received<DesiredStateFetched>();
  EXPECT_NE(states.at(0).state->connection_number, states.at(1).state->connection_number);
}

TEST_F(DirectorFetcherTest, AFetchThatWasOnItsWayConfirmsNothing) {
  applies = false;
  tell(ready());
  const auto first = reconciler.last<DesiredStateFetched>()->state;
  system.advance(19s);
  system.io().hold();
  system.advance(2s); // the second fetch is on its way
  DesiredStateApplied held;
  held.sequence = first->sequence;
  held.wants_confirmation = true;
  tell(held);
  system.io().release();
  system.run();
  ASSERT_EQ(director->fetches.size(), 2u);
  EXPECT_EQ(reconciler.last<DesiredStateFetched>()->state->connection_number, first->connection_number);
  system.advance(11s);
  EXPECT_NE(reconciler.last<DesiredStateFetched>()->state->connection_number, first->connection_number);
}

TEST_F(DirectorFetcherTest, ARestartGivesItsConnectionsNewNumbers) {
  tell(ready());
  const auto before = reconciler.last<DesiredStateFetched>()->state->connection_number;
  director->drops = 0;
  system.advance(1s);
  start();
  tell(ready());
  EXPECT_NE(reconciler.last<DesiredStateFetched>()->state->connection_number, before);
  EXPECT_GE(director->drops, 1);
}

TEST_F(DirectorFetcherTest, ForgetsWhatItFetchedOfAnotherRuntime) {
  tell(ready());
  system.advance(1s);
  tell(ready("02", "https://another-director"));
  reconciler.clear();
  tell(FactsRequested{}); // of a reconciler that has just started
  EXPECT_TRUE(reconciler.received<DesiredStateFetched>().empty());
}

TEST_F(DirectorFetcherTest, DropsAFetchThatIsOnItsWayWhenTheConnectionIsAnother) {
  system.io().hold();
  tell(ready());
  tell(ready("02", "https://another-director"));
  system.io().release();
  system.advance(11s);
  ASSERT_EQ(reconciler.received<DesiredStateFetched>().size(), 1u);
  EXPECT_EQ(director->serials.back(), "02");
}

TEST_F(DirectorFetcherTest, AsksHowTheClusterStandsWhenItStarts) {
  EXPECT_EQ(reconciler.received<FactsRequested>().size(), 1u);
  applies = false;
  DesiredStateApplied before; // what its predecessor had applied
  before.sequence = 1;
  before.problems = {{"mp-shop", "refused"}};
  tell(before);
  tell(ready());
  ASSERT_TRUE(last_report().applied);
  EXPECT_EQ(last_report().applied->problems.size(), 1u);
}

TEST_F(DirectorFetcherTest, TellsTheLastStateAgainToAPeerThatHasStarted) {
  tell(ready());
  tell(FactsRequested{});
  EXPECT_EQ(reconciler.received<DesiredStateFetched>().size(), 2u);
  EXPECT_EQ(director->fetches.size(), 1u);
}

TEST_F(DirectorFetcherTest, TakesDriftThatWasRepairedLaterIntoItsReport) {
  result.problems = {{"mp-shop", "refused"}};
  tell(ready());
  EXPECT_FALSE(last_report().synchronized);
  DesiredStateApplied repaired;
  repaired.sequence = reconciler.last<DesiredStateFetched>()->state->sequence;
  tell(repaired);
  EXPECT_TRUE(last_report().synchronized);
}

class EachMessage : public DirectorFetcherTest, public testing::WithParamInterface<const char*> {};

TEST_P(EachMessage, ThatItThrowsAtIsRecoveredFromByTheRestart) {
  system.crash_switch().arm("DirectorFetcher", GetParam());
  tell(ready());
  tell(ResyncRequested{"7"});
  tell(FactsRequested{});
  tell(ConnectionLost{"gone", {}});
  ASSERT_TRUE(system.death(fetcher)) << "the switch did not strike";
  start();
  tell(ready()); // what ConnectionManager answers
  system.advance(1s);
  EXPECT_TRUE(last_report().synchronized);
}

INSTANTIATE_TEST_SUITE_P(DirectorFetcher, EachMessage,
                         testing::Values("ConnectionReady", "ConnectionLost", "ResyncRequested", "DesiredStateApplied",
                                         "FactsRequested", "TimerFired", "CallFinished"));

TEST_F(DirectorFetcherTest, HonoursTheRetryAfterOfALabelRequestInTheNextFetch) {
  director->label_failure = failure(FailureKind::rate_limited);
  director->label_failure->retry_after = 10min;
  tell(ready());
  ASSERT_TRUE(last_report().labelling);
  tell(ResyncRequested{"version-5"});
  system.advance(9min);
  EXPECT_EQ(director->fetches.size(), 1u) << "not even for a person";
  system.advance(2min);
  EXPECT_GE(director->fetches.size(), 2u);
}

TEST_F(DirectorFetcherTest, HasAGatewaysRefusalLookedInto) {
  director->fetch_failure = failure(FailureKind::forbidden);
  director->fetch_failure->http_status = 403;
  tell(ready("07"));
  ASSERT_EQ(connection_manager.received<CertificateRefused>().size(), 1u);
  EXPECT_EQ(connection_manager.last<CertificateRefused>()->serial, "07");
}

TEST(FetchSchedule, ComesBackSpreadOutAfterAnOutage) {
  std::mt19937_64 random(1);
  const auto fraction = [&] { return std::uniform_real_distribution<double>(0, 1)(random); };
  std::map<std::int64_t, int> in_ten_seconds;
  constexpr int agents = 1000;
  const Time outage_ends = Time(10h) + 30min;
  for (int agent = 0; agent < agents; ++agent) {
    FetchSchedule schedule({}, fraction);
    Time at = Time(10h); // all are refused at the same moment
    while (at < outage_ends) {
      schedule.started(at);
      schedule.failed(at, Failure{});
      at += schedule.wait(at);
    }
    ++in_ten_seconds[std::chrono::duration_cast<std::chrono::seconds>(at - outage_ends).count() / 10];
  }
  for (const auto& [slot, calls] : in_ten_seconds)
    EXPECT_LT(calls, agents / 10) << slot;
}

} // namespace
} // namespace runtime_agent::director_fetcher
