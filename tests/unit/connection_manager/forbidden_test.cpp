#include "tests/unit/connection_manager/world.hpp"

/// A gateway that admits certificates after the handshake, and says 403 to one that is revoked.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;

FakeConnector::Hook forbidding(const std::string& serial) {
  return [serial](const FakeConnector::Request& request) -> std::optional<Failure> {
    return request.credential == serial ? std::optional(FakeConnector::failure(FailureKind::forbidden, 403))
                                        : std::nullopt;
  };
}

TEST(ForbiddenCertificate, IsReplacedByWayOfTheToken) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.connector->refuse = forbidding(before);
  world.configure("token-2");
  world.system.advance(2min);
  ASSERT_TRUE(world.connection());
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.connector->count("exchange"), 2u);
}

TEST(ForbiddenCertificate, IsNotThrownAwayWhileItIsNew) {
  World world;
  world.pair();
  const std::string before = world.serial();
  // The trial of the renewed certificate, once.
  world.connector->refuse = [before, said = false](const FakeConnector::Request& request) mutable {
    const bool trial = request.what == "check" && request.credential != before && !std::exchange(said, true);
    return trial ? std::optional(FakeConnector::failure(FailureKind::forbidden, 403)) : std::nullopt;
  };
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  world.system.advance(2min);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.connector->count("renew"), 1u);
}

/// The trials of new certificates are answered with 401 by what stands before Compass, so many times.
FakeConnector::Hook unauthorized(std::string present, int times) {
  return [present = std::move(present), times](const FakeConnector::Request& request) mutable {
    const bool trial = request.what == "check" && request.credential != present && times-- > 0;
    return trial ? std::optional(FakeConnector::failure(FailureKind::unauthorized, 401)) : std::nullopt;
  };
}

TEST(UnauthorizedCertificate, IsNotThrownAwayForAnAnswerThatPasses) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.configure("token-2");
  world.connector->refuse = unauthorized(before, 3);
  world.reconnect("uid-7");
  world.system.advance(5min);
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.connector->count("exchange"), 2u) << "no further token is spent";
  EXPECT_EQ(world.connecting(), "");
}

TEST(UnauthorizedCertificate, IsGivenUpWhereItStaysUnauthorized) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.configure("token-2");
  world.connector->refuse = unauthorized(before, 1'000);
  world.reconnect("uid-7");
  world.system.advance(20min);
  EXPECT_EQ(world.serial(), before) << "the old certificate stays in use";
  EXPECT_THAT(world.connecting(), testing::HasSubstr("the token is spent, give a new one"));
}

} // namespace
} // namespace runtime_agent::tests
