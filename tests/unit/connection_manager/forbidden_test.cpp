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

} // namespace
} // namespace runtime_agent::tests
