#include "tests/unit/connection_manager/world.hpp"

/// A clock that is wrong, a machine that has slept, and the end of a certificate.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

void stop(World& world) {
  caf::anon_send_exit(caf::actor_cast<caf::actor>(world.actor), caf::exit_reason::kill);
  world.system.run();
}

TEST(WrongClock, AheadByAYearSpendsNoTokenAndDoesNotRenewWithoutEnd) {
  World world;
  world.settings.sync_period = 10min;
  world.pair();
  stop(world);
  world.system.advance(365 * 24h);
  world.connector->clock_ahead = -365 * 24h; // it is this clock that has jumped
  world.configure("token-2");
  world.start();
  EXPECT_TRUE(world.connection()) << world.connecting();
  EXPECT_THAT(world.maintaining(), HasSubstr("expired: the clock here says 2027-03-01T12:00:0"));
  EXPECT_THAT(world.maintaining(), HasSubstr("set the clock of this node; the certificate is used all the same"));
  world.system.advance(24h);
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.connector->count("exchange"), 1u) << "the token that is there is not spent";
  EXPECT_EQ(world.connector->count("renew"), 1u);
  EXPECT_LE(world.connector->requests.size(), 200u) << "no busy loop";
}

TEST(WrongClock, BehindByHoursDoesNotKeepARenewalFromItsTrial) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.connector->clock_ahead = 7h;
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_THAT(world.maintaining(), HasSubstr("not yet valid: the clock here says 2026-03-01T12:00:0"));
}

TEST(LostCertificate, ThatHasExpiredInALongSleepIsAskedAboutOnceAndReplaced) {
  World world;
  world.pair();
  stop(world);
  world.system.advance(100 * 24h);
  world.configure("token-2");
  const auto checks = world.connector->count("check");
  std::size_t asked = 0;
  world.connector->refuse = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "exchange")
      asked = world.connector->count("check") - checks;
    return std::nullopt;
  };
  world.start();
  world.system.advance(1s);
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(world.connector->count("exchange"), 2u);
  EXPECT_TRUE(world.connection());
  EXPECT_EQ(world.stored_serial(), world.serial());
}

TEST(LostCertificate, ThatExpiresIsNotKeptInUseByAConnectionThatIsStillOpen) {
  World world;
  world.settings.sync_period = 10min;
  world.connector->keeps_connections = true;
  world.connector->validity = 24h;
  world.pair();
  world.connector->refuse = [](const FakeConnector::Request& request) -> std::optional<Failure> {
    return request.what == "renew" ? std::optional(FakeConnector::failure(FailureKind::unavailable, 503))
                                   : std::nullopt;
  };
  world.system.advance(24h - 1min);
  EXPECT_TRUE(world.connection());
  world.system.advance(2min);
  EXPECT_FALSE(world.connection());
  EXPECT_THAT(world.connecting(), HasSubstr("token"));
}

TEST(LostCertificate, ThatIsPutBackIsFoundBesideASpentToken) {
  World world;
  world.pair();
  const std::string serial = world.serial();
  const Json certificates = *world.certificates();
  const Json ca = *world.ca();
  stop(world);
  world.api->erase(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world.api->erase(kubernetes::secrets("istio-system"), "ca-certificates");
  world.start();
  world.system.advance(1s);
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent, give a new one"));
  world.put_secret(world.settings.certificates, certificates);
  world.put_secret(world.settings.ca, ca);
  world.system.advance(6min);
  EXPECT_EQ(world.serial(), serial);
  EXPECT_EQ(world.connecting(), "");
}

TEST(CertificateRenewal, IsTriedUntilTheEndOfACertificateOfADay) {
  World world;
  world.settings.sync_period = 10min;
  world.connector->validity = 24h;
  world.pair();
  const std::string before = world.serial();
  world.connector->refuse = [](const FakeConnector::Request& request) -> std::optional<Failure> {
    return request.what == "renew" ? std::optional(FakeConnector::failure(FailureKind::unavailable, 503))
                                   : std::nullopt;
  };
  world.system.advance(24h - 2min);
  EXPECT_EQ(world.serial(), before);
  EXPECT_THAT(world.maintaining(), HasSubstr("trying again in"));
  world.connector->refuse = nullptr;
  world.system.advance(90s);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

TEST(CertificateRenewal, OfAFleetIsSpreadOverHours) {
  std::set<std::int64_t> minutes;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    World world(seed);
    world.settings.sync_period = 30min;
    world.connector->validity = 240h;
    world.pair();
    const auto begin = world.system.now();
    while (world.connector->count("renew") == 0 && world.system.now() < begin + 240h)
      world.system.advance(10min);
    minutes.insert(std::chrono::duration_cast<std::chrono::minutes>(world.system.now() - begin).count());
  }
  EXPECT_GE(minutes.size(), 5u);
  EXPECT_GE(*minutes.rbegin() - *minutes.begin(), 60);
}

} // namespace
} // namespace runtime_agent::tests
