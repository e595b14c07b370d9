#include "tests/unit/connection_manager/world.hpp"

/// The life of a certificate after pairing.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

FakeConnector::Hook failing(const std::string& what, FailureKind kind) {
  return [what, kind](const FakeConnector::Request& request) -> std::optional<Failure> {
    return request.what == what ? std::optional(FakeConnector::failure(kind)) : std::nullopt;
  };
}

TEST(ConnectionMaintenance, ChecksEachPeriodWithJitter) {
  World world;
  world.pair();
  const auto before = world.connector->count("check");
  world.system.advance(200s);
  EXPECT_GE(world.connector->count("check") - before, 9u);
  EXPECT_LE(world.connector->count("check") - before, 11u);
}

TEST(ConnectionMaintenance, AdoptsChangedUrlsAndWritesThemDown) {
  World world;
  world.pair();
  world.connector->management = {"https://director/2", "https://connector/2"};
  world.system.advance(30s);
  EXPECT_EQ(world.connection()->director_url, "https://director/2");
  EXPECT_EQ(world.report().connector_url, "https://connector/2");
  EXPECT_EQ((*world.certificates())["metadata"]["annotations"]["runtime-agent.kyma-project.io/director-url"],
            "https://director/2");
  world.system.advance(30s);
  EXPECT_EQ(world.connector->requests.back().url, "https://connector/2");
}

TEST(ConnectionMaintenance, WritesNothingWhileNothingChanges) {
  World world;
  world.pair();
  world.system.advance(1min);
  world.api->clear_calls();
  world.system.advance(10min);
  EXPECT_EQ(world.api->count("update") + world.api->count("create") + world.api->count("delete"), 0u);
}

TEST(ConnectionMaintenance, KeepsTheConnectionWhileTheConnectorIsDown) {
  World world;
  world.pair();
  world.connector->refuse = failing("check", FailureKind::unavailable);
  world.system.advance(10min);
  EXPECT_TRUE(world.connection());
  EXPECT_TRUE(world.report().connected);
  EXPECT_THAT(world.maintaining(), HasSubstr("unavailable; trying again in"));
  EXPECT_THAT(world.maintaining(), HasSubstr("x-request-id runtime-1_"));
  world.connector->refuse = nullptr;
  world.system.advance(5min);
  EXPECT_EQ(world.maintaining(), "");
}

TEST(ConnectionMaintenance, ReadsNothingWhileNothingChanges) {
  World world;
  world.pair();
  world.sees_secrets();
  world.system.advance(1min);
  world.api->clear_calls();
  world.system.advance(7min);
  EXPECT_EQ(world.api->calls().size(), 0u);
  world.system.advance(10min);
  EXPECT_GT(world.api->count("get"), 0u) << "what a watch may have missed is found all the same";
  EXPECT_LE(world.api->count("get"), 4u);
}

TEST(ConnectionMaintenance, RestoresADeletedSecretFromMemory) {
  World world;
  world.pair();
  world.sees_secrets();
  const auto before = *world.certificates();
  world.api->erase(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world.api->erase(kubernetes::secrets("istio-system"), "ca-certificates");
  world.sees_secrets();
  world.system.advance(100ms);
  ASSERT_TRUE(world.certificates());
  EXPECT_EQ((*world.certificates())["data"], before["data"]);
  EXPECT_TRUE(world.ca());
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

/// As with the rights of today's agent; the sync period is 20 s.
TEST(ConnectionMaintenance, RestoresADeletedSecretWithinASyncPeriodWhereItMayNotBeWatched) {
  const std::string certificates = "watch the certificates Secret";
  const std::string ca = "watch the CA Secret";
  for (const auto& forbidden : {std::vector{certificates, ca}, std::vector{certificates}, std::vector{ca}}) {
    SCOPED_TRACE(testing::PrintToString(forbidden));
    World world;
    world.pair();
    for (const auto& name : forbidden) {
      world.system.io().emit(name.c_str(), connection_manager::SecretVersion{.version = {}, .forbidden = true});
      world.system.run();
      EXPECT_FALSE(world.system.io().watching(name.c_str()));
    }
    world.api->erase(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
    world.api->erase(kubernetes::secrets("istio-system"), "ca-certificates");
    world.system.advance(23s);
    EXPECT_EQ(world.stored_serial(), world.serial());
    EXPECT_TRUE(world.ca());
    world.api->clear_calls();
    world.system.advance(200s);
    EXPECT_GE(world.api->count("get"), 2u * 8);
    EXPECT_LE(world.api->count("get"), 2u * 11) << "two for each sync period";
    EXPECT_EQ(world.api->calls().size(), world.api->count("get"));
    world.system.advance(8min);
    for (const auto& name : forbidden)
      EXPECT_TRUE(world.system.io().watching(name.c_str())) << "it may be allowed by now";
  }
}

TEST(ConnectionMaintenance, ReadsNoSecretInEachSyncPeriodOnceBothMayBeWatchedAgain) {
  World world;
  world.pair();
  world.system.io().emit("watch the CA Secret", connection_manager::SecretVersion{.version = {}, .forbidden = true});
  world.system.run();
  world.system.advance(11min);
  ASSERT_TRUE(world.system.io().watching("watch the CA Secret"));
  world.sees_secrets();
  world.system.advance(1min);
  world.api->clear_calls();
  world.system.advance(7min);
  EXPECT_EQ(world.api->calls().size(), 0u);
}

TEST(ConnectionMaintenance, RestoresADeletedSecretAlsoWhileTheConnectorAsksForPeace) {
  World world;
  world.pair();
  world.connector->refuse = [](const FakeConnector::Request&) {
    auto failure = FakeConnector::failure(FailureKind::rate_limited);
    failure.retry_after = 5min;
    return std::optional(failure);
  };
  world.system.advance(30s);
  world.api->erase(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world.sees_secrets();
  world.system.advance(100ms);
  EXPECT_EQ(world.stored_serial(), world.serial());
}

TEST(ConnectionMaintenance, UsesACertificateThatIsPutBackAtOnce) {
  World world;
  world.pair();
  const auto kept = *world.certificates();
  world.api->erase(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world.no_configuration();
  world.restart();
  EXPECT_FALSE(world.connection());
  world.put_secret(world.settings.certificates, kept);
  world.sees_secrets();
  world.system.advance(1s);
  EXPECT_TRUE(world.connection());
}

TEST(ConnectionMaintenance, MendsAPairThatSomebodyHasBroken) {
  World world;
  world.pair();
  Json secret = *world.certificates();
  secret["data"]["key"] = base64_encode(test::to_pem(*test::make_rsa_key()).reveal());
  secret["metadata"]["labels"] = {{"mine", "yes"}};
  world.put_secret(world.settings.certificates, secret);
  world.sees_secrets();
  world.system.advance(1s);
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_EQ((*world.certificates())["metadata"]["labels"], (Json{{"mine", "yes"}}));
}

TEST(ConnectionMaintenance, IsRightAgainAfterARestart) {
  World world;
  world.pair();
  const std::string serial = world.serial();
  world.director_fetcher.clear();
  world.restart();
  EXPECT_EQ(world.serial(), serial);
  EXPECT_EQ(world.connection()->runtime_id, "runtime-1");
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

TEST(ConnectionMaintenance, KeepsRuntimeAndTenantAsTheyWereAtConnecting) {
  World world;
  world.pair();
  auto other = std::make_shared<ConnectionConfiguration>(*world.observed.configuration);
  other->runtime_id = "runtime-2";
  other->tenant = "tenant-2";
  world.observed.configuration = other;
  world.restart();
  EXPECT_EQ(world.connection()->runtime_id, "runtime-1");
  EXPECT_EQ(world.connection()->tenant, "tenant-1");
}

TEST(CertificateRenewal, HappensWhenTheThresholdIsPassed) {
  World world;
  world.settings.sync_period = 10min;
  world.connector->validity = 10h;
  world.pair();
  const std::string before = world.serial();
  world.system.advance(6h + 30min);
  EXPECT_EQ(world.serial(), before);
  world.system.advance(1h);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_TRUE(world.report().renewed);
  EXPECT_FALSE(world.pending());
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

TEST(CertificateRenewal, GoesOnForEver) {
  World world;
  world.connector->validity = 10min;
  world.pair();
  world.system.advance(2h);
  EXPECT_TRUE(world.connection());
  EXPECT_GE(world.connector->count("renew"), 14u);
  EXPECT_LE(world.connector->count("renew"), 22u);
}

TEST(CertificateRenewal, KeepsTheOldCertificateWhenSigningFails) {
  World world;
  world.settings.sync_period = 10min;
  world.connector->validity = 10h;
  world.pair();
  const std::string before = world.serial();
  world.connector->refuse = failing("renew", FailureKind::unavailable);
  world.system.advance(8h);
  EXPECT_EQ(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_THAT(world.maintaining(), HasSubstr("trying again in"));
  EXPECT_EQ(world.connecting(), "");
  world.connector->refuse = nullptr;
  world.system.advance(10min);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.maintaining(), "");
}

TEST(CertificateRenewal, KeepsTheOldCertificateUntilACallWithTheNewOneHasSucceeded) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.connector->refuse = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "check" && request.credential != before)
      return FakeConnector::failure(FailureKind::network);
    return std::nullopt;
  };
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  world.system.advance(1min);
  EXPECT_EQ(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_TRUE(world.pending()) << "what was signed is not lost";
  EXPECT_EQ(world.connecting(), "");
  EXPECT_THAT(world.maintaining(), HasSubstr("the old one stays in use"));
  EXPECT_EQ(world.connector->count("renew"), 1u);
  world.connector->refuse = nullptr;
  world.system.advance(5min);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.report().refresh_served, "version-5");
}

TEST(CertificateRenewal, ServesAPersonsWishOnce) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.report().refresh_served, "version-5");
  EXPECT_EQ(world.connector->count("renew"), 1u);
}

TEST(CertificateRenewal, BringsAMissingCa) {
  World world;
  world.pair();
  world.api->erase(kubernetes::secrets("istio-system"), "ca-certificates");
  world.restart(); // so that it is in nobody's memory
  world.system.advance(1s);
  EXPECT_EQ(world.connector->count("renew"), 1u);
  ASSERT_TRUE(world.ca());
  EXPECT_EQ(World::data(*world.ca(), "cacert"), world.connector->authority.pem());
}

TEST(CertificateRenewal, IsNotRepeatedAtOnceUnderAClockThatRunsAhead) {
  World world;
  world.settings.sync_period = 10min;
  world.connector->clock_ahead = -75 * 24h; // the clock here is so far ahead, and 90 days are the validity
  world.pair();
  world.system.advance(24h);
  EXPECT_TRUE(world.connection());
  EXPECT_LE(world.connector->count("renew"), 2u);
}

TEST(LostCertificate, ExpiresAndIsReplacedWithAFreshToken) {
  World world;
  world.connector->validity = 10min;
  world.pair();
  world.connector->refuse = failing("renew", FailureKind::unavailable);
  world.system.advance(10min);
  EXPECT_FALSE(world.connection());
  EXPECT_FALSE(world.report().connected);
  EXPECT_THAT(world.director_fetcher.last<ConnectionLost>()->reason,
              HasSubstr("the client certificate is expired: the clock here says 2026-03-01T12:10:0"));
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent"));
  world.configure("token-2");
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.stored_serial(), world.serial());
}

TEST(LostCertificate, IsNoticedByACheckWhenAPeerSaysThatItWasRefused) {
  World world;
  world.pair();
  world.connector->revoked.insert(world.serial());
  world.configure("token-2");
  world.system.advance(15s); // the least time between two checks
  const std::string before = world.connection() ? world.serial() : "";
  world.system.tell(world.actor, CertificateRefused{before, FakeConnector::failure(FailureKind::certificate_refused)});
  ASSERT_TRUE(world.connection());
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.connector->count("exchange"), 2u);
}

TEST(LostCertificate, IsNotBelievedLostWhereTheConnectorTakesIt) {
  World world;
  world.pair();
  world.system.advance(15s);
  const auto checks = world.connector->count("check");
  for (int i = 0; i < 10; ++i)
    world.system.tell(world.actor,
                      CertificateRefused{world.serial(), FakeConnector::failure(FailureKind::certificate_refused)});
  EXPECT_EQ(world.connector->count("check") - checks, 1u);
  EXPECT_TRUE(world.connection());
}

TEST(LostCertificate, IsNotTheOneThatANewerHasReplaced) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  world.system.advance(15s);
  const auto checks = world.connector->count("check");
  world.system.tell(world.actor, CertificateRefused{before, FakeConnector::failure(FailureKind::certificate_refused)});
  EXPECT_EQ(world.connector->count("check"), checks);
}

TEST(LostCertificate, ComesBackWhereTheRefusalPasses) {
  World world;
  world.pair();
  const std::string serial = world.serial();
  world.connector->refuse = failing("check", FailureKind::unauthorized); // a gateway's mistake
  world.system.advance(5min);
  EXPECT_FALSE(world.connection());
  EXPECT_THAT(world.director_fetcher.last<ConnectionLost>()->reason, HasSubstr("Compass refuses"));
  world.connector->refuse = nullptr;
  world.system.advance(6min);
  EXPECT_EQ(world.serial(), serial);
  EXPECT_EQ(world.connecting(), "");
  EXPECT_EQ(world.maintaining(), "");
}

/// As today's agent leaves it: no annotations.
void forget_annotations(World& world) {
  Json secret = *world.certificates();
  secret["metadata"].erase("annotations");
  world.put_secret(world.settings.certificates, secret);
}

Json compass_connection() {
  return {{"metadata", {{"name", "compass-connection"}}},
          {"spec",
           {{"managementInfo",
             {{"connectorUrl", "https://connector/secured"}, {"directorUrl", "https://director/graphql"}}}}}};
}

TEST(Adoption, TakesTodaysSecretWithTheConfigurationAndTheCompassConnection) {
  World world;
  world.pair();
  const std::string serial = world.serial();
  forget_annotations(world);
  world.api->put(kubernetes::compass_connections(), compass_connection());
  world.director_fetcher.clear();
  world.restart();
  EXPECT_EQ(world.serial(), serial);
  EXPECT_EQ(world.connection()->director_url, "https://director/graphql");
  EXPECT_EQ((*world.certificates())["metadata"]["annotations"]["runtime-agent.kyma-project.io/runtime-id"],
            "runtime-1");
  EXPECT_EQ(world.connector->count("exchange") + world.connector->count("renew"), 1u);
}

TEST(Adoption, NamesTheConfigurationWhereRuntimeAndTenantAreNowhere) {
  World world;
  world.pair();
  forget_annotations(world);
  world.api->put(kubernetes::compass_connections(), compass_connection());
  world.no_configuration();
  world.restart();
  EXPECT_FALSE(world.connection());
  EXPECT_TRUE(world.report().connected);
  EXPECT_EQ(world.connecting(), "");
  const auto lost = world.director_fetcher.last<ConnectionLost>();
  ASSERT_TRUE(lost->unreadable_configuration);
  EXPECT_THAT(lost->unreadable_configuration->text(), HasSubstr("compass-agent-configuration: does not exist"));
  world.configure("token-9", false);
  EXPECT_TRUE(world.connection());
}

TEST(Adoption, WaitsForALostDefinitionAndNeverThrowsTheIdentityAway) {
  World world;
  world.pair();
  const std::string serial = world.serial();
  forget_annotations(world);
  world.restart(); // neither a CompassConnection nor, it may be, its CRD
  world.system.advance(2min);
  EXPECT_FALSE(world.connection());
  EXPECT_EQ(world.connector->count("exchange"), 1u);
  world.api->put(kubernetes::compass_connections(), compass_connection());
  world.system.advance(1min);
  EXPECT_EQ(world.serial(), serial);
}

TEST(WrongClock, IsNamedWhileTheCertificateIsUsedAllTheSame) {
  World world;
  world.pair();
  // The next process wakes in the past: the certificate on record begins a day later.
  Json secret = *world.certificates();
  const auto key = test::make_rsa_key();
  const auto begins = world.system.wall_now() + 24h;
  const std::string certificate = world.connector->authority.issue_pem(*key, {begins, begins + 240h, false});
  secret["data"]["crt"] = base64_encode(certificate);
  secret["data"]["crtChain"] = base64_encode(certificate + world.connector->authority.pem());
  secret["data"]["key"] = base64_encode(test::to_pem(*key).reveal());
  world.put_secret(world.settings.certificates, secret);
  world.restart();
  world.system.advance(10min);
  EXPECT_TRUE(world.connection());
  EXPECT_THAT(world.maintaining(), HasSubstr("not yet valid: the clock here says 2026-03-01T12:"));
  EXPECT_LE(world.connector->requests.size(), 60u) << "no busy loop";
}

} // namespace
} // namespace runtime_agent::tests
