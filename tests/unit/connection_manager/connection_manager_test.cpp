#include "tests/unit/connection_manager/world.hpp"

/// Pairing, and what is told of it.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(ConnectionManager, PairsWithTheConfigurationsToken) {
  World world;
  world.pair();
  const auto connection = world.connection();
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->runtime_id, "runtime-1");
  EXPECT_EQ(connection->tenant, "tenant-1");
  EXPECT_EQ(connection->connector_url, "https://connector/secured");
  EXPECT_EQ(connection->director_url, "https://director/graphql");
  EXPECT_EQ(world.connector->count("exchange"), 1u);
  EXPECT_EQ(world.connector->count("sign"), 1u);
}

TEST(ConnectionManager, StoresTheCertificateAndTheCa) {
  World world;
  world.pair();
  EXPECT_EQ(world.stored_serial(), world.serial());
  ASSERT_TRUE(world.ca());
  EXPECT_EQ(World::data(*world.ca(), "cacert"), world.connector->authority.pem());
}

TEST(ConnectionManager, RemovesThePendingSecretAfterTheFirstCallWithTheCertificate) {
  World world;
  world.connector->refuse = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "check")
      return FakeConnector::failure(FailureKind::network);
    return std::nullopt;
  };
  world.pair();
  EXPECT_TRUE(world.pending());
  EXPECT_TRUE(world.connection()) << "which is in use already";
  world.connector->refuse = nullptr;
  world.system.advance(1min);
  EXPECT_FALSE(world.pending());
}

TEST(ConnectionManager, ReportsTheWholeFact) {
  World world;
  world.pair();
  const ConnectionReport report = world.report();
  EXPECT_TRUE(report.connected);
  EXPECT_FALSE(report.connecting || report.maintaining);
  EXPECT_TRUE(report.established && report.acquired && report.last_sync && report.last_success);
  EXPECT_FALSE(report.renewed);
  ASSERT_TRUE(report.validity);
  EXPECT_EQ(report.validity->not_after - report.validity->not_before, 90 * 24h);
  EXPECT_EQ(report.connector_url, "https://connector/secured");
  EXPECT_EQ(report.director_url, "https://director/graphql");
}

TEST(ConnectionManager, SendsARequestIdWithTheRuntimesId) {
  World world;
  world.pair();
  for (const auto& request : world.connector->requests) {
    EXPECT_THAT(request.request_id, StartsWith("runtime-1_"));
    EXPECT_EQ(request.request_id.size(), std::string("runtime-1_").size() + 36);
  }
}

TEST(ConnectionManager, SaysWhatItNeedsWhereThereIsNoConfiguration) {
  World world;
  world.no_configuration();
  world.start();
  EXPECT_THAT(world.connecting(), HasSubstr("Secret kyma-system/compass-agent-configuration: does not exist"));
  EXPECT_FALSE(world.report().connected);
  EXPECT_TRUE(world.report().last_sync);
  EXPECT_THAT(world.director_fetcher.last<ConnectionLost>()->reason, HasSubstr("no certificate"));
  EXPECT_THAT(world.connector->requests, IsEmpty());
  world.configure("token-1");
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.connecting(), "");
}

TEST(ConnectionManager, SaysThatTheTokenIsSpentAfterAFailedAnswer) {
  World world;
  world.configure("token-1", false);
  world.start();
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent, give a new one"));
  EXPECT_THAT(world.connecting(), HasSubstr("put a new token into Secret kyma-system/compass-agent-configuration"));
  EXPECT_THAT(world.connecting(), HasSubstr("x-request-id runtime-1_"));
}

TEST(ConnectionManager, KeepsTryingWithASpentTokenAtTheSlowEndOfItsBackOff) {
  World world;
  world.configure("token-1", false);
  world.start();
  world.system.advance(30min);
  EXPECT_GE(world.connector->count("exchange"), 6u);
  EXPECT_LE(world.connector->count("exchange"), 9u);
}

TEST(ConnectionManager, TakesAChangedTokenAtOnce) {
  World world;
  world.configure("token-1", false);
  world.start();
  world.configure("token-2");
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.connecting(), "");
}

TEST(ConnectionManager, TriesATokenAgainAtOnceWhereTheUrlWasPutRight) {
  World world;
  world.connector->refuse = [](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.url == "https://wrong")
      return FakeConnector::failure(FailureKind::not_found, 404);
    return std::nullopt;
  };
  world.configure("token-1");
  const auto right = world.observed;
  auto wrong = std::make_shared<ConnectionConfiguration>(*right.configuration);
  wrong->connector_url = "https://wrong";
  world.observed.configuration = wrong;
  world.start();
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent"));
  world.system.tell(world.actor, right);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, DoesNotCallATokenSpentThatWasNeverSent) {
  World world;
  world.connector->refuse = [](const FakeConnector::Request&) { return FakeConnector::failure(FailureKind::network); };
  world.configure("token-1");
  world.start();
  EXPECT_THAT(world.connecting(), HasSubstr("trying again in"));
  EXPECT_THAT(world.connecting(), testing::Not(HasSubstr("spent")));
  world.connector->refuse = nullptr;
  world.system.advance(20s);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, BacksOffUpToFiveMinutes) {
  World world;
  world.connector->refuse = [](const FakeConnector::Request&) { return FakeConnector::failure(FailureKind::network); };
  world.configure("token-1");
  world.start();
  world.system.advance(10min);
  const auto early = world.connector->requests.size();
  EXPECT_GE(early, 4u);
  EXPECT_LE(early, 15u);
  world.system.advance(50min);
  EXPECT_GE(world.connector->requests.size() - early, 10u);
}

TEST(ConnectionManager, HonoursRetryAfterAlsoForAChangedToken) {
  World world;
  world.connector->refuse = [](const FakeConnector::Request&) {
    auto failure = FakeConnector::failure(FailureKind::rate_limited, 429);
    failure.retry_after = 10min;
    return failure;
  };
  world.configure("token-1");
  world.start();
  world.configure("token-2");
  world.system.advance(9min);
  EXPECT_EQ(world.connector->requests.size(), 1u);
  world.connector->refuse = nullptr;
  world.system.advance(2min);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, SaysThatTheTokenIsSpentWhereTheSignedCertificateIsForAnotherKey) {
  World world;
  world.connector->sign_another_key = true;
  world.pair();
  EXPECT_THAT(world.connecting(), HasSubstr("not the certificate's"));
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent"));
  EXPECT_FALSE(world.certificates()) << "nothing unchecked is stored";
  world.connector->sign_another_key = false;
  world.configure("token-2");
  EXPECT_TRUE(world.connection());
}

struct BadAnswer {
  const char* name;
  std::function<void(FakeConnector&)> spoil;
  const char* said;
};

class BadAnswers : public testing::TestWithParam<BadAnswer> {};

TEST_P(BadAnswers, AreFailuresThatSayWhatIsWrong) {
  World world;
  GetParam().spoil(*world.connector);
  world.pair();
  EXPECT_THAT(world.connecting(), HasSubstr(GetParam().said));
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent"));
  EXPECT_THAT(world.connecting(), HasSubstr("(x-request-id "));
  EXPECT_FALSE(world.dead());
  EXPECT_EQ(world.connector->count("sign"), GetParam().name == std::string("clock") ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadAnswers,
    testing::Values(
        BadAnswer{"subject", [](FakeConnector& c) { c.subject = "O=Org,=,CN"; }, "subject of the CSR"},
        BadAnswer{"algorithm", [](FakeConnector& c) { c.key_algorithm = "ec256"; }, "key algorithm \"ec256\""},
        BadAnswer{"directorUrl", [](FakeConnector& c) { c.management.director_url.clear(); }, "lacks the Director's"},
        BadAnswer{"connectorUrl", [](FakeConnector& c) { c.management.certificate_secured_connector_url.clear(); },
                  "certificate-secured Connector's URL"},
        BadAnswer{"clock", [](FakeConnector& c) { c.clock_ahead = 7h; },
                  "not yet valid: the clock here says 2026-03-01T"}),
    [](const auto& instance) { return instance.param.name; });

TEST(ConnectionManager, SaysThatItMayNotReadItsSecrets) {
  World world;
  world.api->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    return FakeApi::failure(FailureKind::forbidden, call.path);
  };
  world.pair();
  EXPECT_THAT(world.connecting(), HasSubstr("secrets/ca-certificates: forbidden; trying again in"));
  EXPECT_THAT(world.connector->requests, IsEmpty());
  world.api->refuse = nullptr;
  world.system.advance(1min);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, WaitsForAMissingNamespaceBeforeItSpendsTheToken) {
  World world;
  world.api->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    if (call.verb == "create" && call.path.find("kyma-system") != std::string::npos)
      return FakeApi::failure(FailureKind::not_found, call.path);
    return std::nullopt;
  };
  world.pair();
  EXPECT_THAT(world.connecting(), HasSubstr("namespace kyma-system does not exist; waiting for it"));
  EXPECT_THAT(world.connector->requests, IsEmpty());
  world.api->refuse = nullptr;
  world.system.advance(1min);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, ConnectsAndSaysSoWhileTheCasNamespaceIsMissing) {
  World world;
  world.api->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    if (call.verb == "create" && call.path.find("istio-system") != std::string::npos)
      return FakeApi::failure(FailureKind::not_found, call.path);
    return std::nullopt;
  };
  world.pair();
  EXPECT_TRUE(world.connection());
  EXPECT_THAT(world.maintaining(), HasSubstr("namespace istio-system does not exist"));
  world.api->refuse = nullptr;
  world.system.advance(2min);
  EXPECT_TRUE(world.ca());
  EXPECT_EQ(world.maintaining(), "");
  EXPECT_FALSE(world.pending());
}

TEST(ConnectionManager, LosesNothingWhereTheClusterCannotBeWrittenAfterSigning) {
  World world;
  world.configure("token-1");
  world.connector->lose = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "sign")
      world.api->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
        return FakeApi::failure(FailureKind::unavailable, call.path);
      };
    return std::nullopt;
  };
  world.start();
  world.system.advance(10min);
  EXPECT_FALSE(world.connection());
  world.api->refuse = nullptr;
  world.system.advance(1min);
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

TEST(ConnectionManager, TellsItsFactsToAPeerThatAsks) {
  World world;
  world.pair();
  world.director_fetcher.clear();
  world.status_writer.clear();
  world.system.tell(world.actor, FactsRequested{});
  EXPECT_EQ(world.director_fetcher.received<ConnectionReady>().size(), 1u);
  EXPECT_EQ(world.status_writer.received<ConnectionReport>().size(), 1u);
}

TEST(ConnectionManager, IgnoresTheConfigurationWhileConnected) {
  World world;
  world.pair();
  const auto before = world.connector->count("exchange");
  world.configure("token-2");
  world.no_configuration();
  world.system.advance(10min);
  EXPECT_EQ(world.connector->count("exchange"), before);
  EXPECT_EQ(world.connecting(), "");
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionManager, ConnectsAnewAfterTheCompassConnectionWasDeleted) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.configure("token-2");
  world.reconnect("uid-7");
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.report().reconnect_served, "uid-7");
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_EQ(world.connector->count("exchange"), 2u);
}

TEST(ConnectionManager, KeepsTheOldCertificateInUseWhereReconnectingFails) {
  World world;
  world.pair();
  const std::string before = world.serial();
  const auto checks = world.connector->count("check");
  world.reconnect("uid-7"); // with the token that is spent
  world.system.advance(10min);
  EXPECT_EQ(world.serial(), before);
  EXPECT_TRUE(world.report().connected);
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent"));
  EXPECT_NE(world.report().reconnect_served, "uid-7");
  EXPECT_GE(world.connector->count("check") - checks, 20u) << "it is maintained";
  world.configure("token-2");
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.report().reconnect_served, "uid-7");
  EXPECT_EQ(world.connecting(), "");
}

TEST(ConnectionManager, ServesAReconnectThatIsToldAgainOnlyOnce) {
  World world;
  world.pair();
  world.configure("token-2");
  world.reconnect("uid-7");
  const std::string serial = world.serial();
  world.reconnect("uid-7");
  world.restart();
  world.system.advance(1min);
  EXPECT_EQ(world.serial(), serial);
  EXPECT_EQ(world.report().reconnect_served, "uid-7");
  EXPECT_EQ(world.connector->count("exchange"), 2u);
}

TEST(ConnectionManager, ServesTheAbsenceAtItsStartByPairing) {
  World world;
  world.pair(); // ConfigWatcher has not seen yet that there is no CompassConnection
  world.reconnect("process-1");
  world.system.advance(1min);
  EXPECT_EQ(world.report().reconnect_served, "process-1");
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

TEST(ConnectionManager, NeverReplacesAPairThatWorksByOneThatCompassRefuses) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.connector->refuse = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "check" && request.credential != before)
      return FakeConnector::failure(FailureKind::certificate_refused);
    return std::nullopt;
  };
  world.configure("token-2");
  world.reconnect("uid-7");
  world.system.advance(1min);
  EXPECT_EQ(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_THAT(world.connecting(), HasSubstr("the old one stays in use"));
}

} // namespace
} // namespace runtime_agent::tests
