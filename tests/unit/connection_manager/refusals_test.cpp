#include "tests/unit/connection_manager/world.hpp"

/// A service that answered refuses the identity. Source: contract 2.2.
namespace runtime_agent::connection_manager {
namespace {

using namespace std::chrono_literals;
using namespace runtime_agent::tests;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

enum class Service { connector, director, both };
enum class Token { old, fresh, of_another_runtime };

Failure refusal(Blame blame = Blame::identity) {
  Failure failure = FakeConnector::failure(FailureKind::refused, 200);
  failure.what = "consumer type not found";
  failure.request_id = "the-request";
  failure.blame = blame;
  return failure;
}

class Refusal : public testing::TestWithParam<std::tuple<Service, Token>> {
protected:
  void SetUp() override {
    world.pair();
    before = world.serial();
  }
  bool connector_refuses() const { return std::get<0>(GetParam()) != Service::director; }
  bool director_refuses() const { return std::get<0>(GetParam()) != Service::connector; }
  void refuse() {
    if (connector_refuses())
      world.connector->refuse = [this](const FakeConnector::Request& request) {
        return request.credential == before ? std::optional(refusal()) : std::nullopt;
      };
    if (director_refuses())
      world.system.tell(world.actor, CertificateRefused{before, refusal(Blame::runtime)});
    world.system.advance(25s);
  }
  void give(Token token) {
    if (token == Token::old)
      return;
    auto given = std::make_shared<ConnectionConfiguration>(*world.observed.configuration);
    given->token = Secret("token-2");
    given->token_sha256 = sha256_hex("token-2");
    if (token == Token::of_another_runtime) {
      given->runtime_id = "runtime-2";
      given->tenant = "tenant-2";
    }
    world.connector->tokens.insert("token-2");
    world.observed.configuration = given;
    world.system.tell(world.actor, world.observed);
  }

  World world;
  std::string before;
};

TEST_P(Refusal, IsAnsweredByPairingWithAFreshTokenWhileTheOldIdentityStaysInUse) {
  refuse();
  EXPECT_EQ(world.serial(), before) << "in use";
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_FALSE(world.report().connected);
  EXPECT_THAT(world.connecting(), AllOf(HasSubstr("Compass refuses this certificate (revoked, or the Runtime was "
                                                  "unregistered): consumer type not found"),
                                        HasSubstr("x-request-id the-request"), HasSubstr("give a new one")));
  const auto [service, token] = GetParam();
  give(token);
  world.system.advance(1s);
  if (token == Token::old) {
    world.system.advance(10min);
    EXPECT_EQ(world.serial(), before);
    EXPECT_EQ(world.stored_serial(), before);
    return;
  }
  EXPECT_NE(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_EQ(world.connecting(), "");
  EXPECT_TRUE(world.report().connected);
  EXPECT_TRUE(world.connector->tokens.empty()) << "the fresh token is used";
  EXPECT_EQ(world.connection()->runtime_id, token == Token::of_another_runtime ? "runtime-2" : "runtime-1");
}

TEST_P(Refusal, ThatEndsByItselfLeavesTheOldIdentity) {
  refuse();
  world.connector->refuse = nullptr;
  if (director_refuses())
    world.system.tell(world.actor, CertificateRefused{before, std::nullopt});
  world.system.advance(6min);
  EXPECT_EQ(world.serial(), before);
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_EQ(world.connecting(), "");
  EXPECT_EQ(world.maintaining(), "");
  EXPECT_TRUE(world.report().connected);
  EXPECT_FALSE(world.pending());
}

INSTANTIATE_TEST_SUITE_P(Table, Refusal,
                         testing::Combine(testing::Values(Service::connector, Service::director, Service::both),
                                          testing::Values(Token::old, Token::fresh, Token::of_another_runtime)));

TEST(PassingRefusal, ThatDoesNotComeAgainOnAFreshConnectionIsNone) {
  World world;
  world.pair();
  int refusals = 1;
  world.connector->refuse = [&](const FakeConnector::Request&) {
    return refusals-- > 0 ? std::optional(refusal()) : std::nullopt;
  };
  world.system.advance(25s);
  EXPECT_EQ(world.connecting(), "");
  EXPECT_EQ(world.maintaining(), "");
  EXPECT_EQ(world.connector->count("exchange"), 1u);
}

/// The new certificate is refused as well, and meanwhile another token comes.
TEST(LastingRefusal, DoesNotKeepATokenWaitingThatComesMeanwhile) {
  World world;
  world.pair();
  const auto before = world.serial();
  world.connector->refuse = [](const FakeConnector::Request& request) {
    return request.what == "check" ? std::optional(refusal()) : std::nullopt;
  };
  world.configure("token-2");
  world.system.advance(40s);
  EXPECT_EQ(world.connector->count("exchange"), 2u);
  EXPECT_EQ(world.stored_serial(), before);
  EXPECT_THAT(world.connecting(), HasSubstr("the old one stays in use"));
  world.configure("token-3");
  world.system.advance(1s);
  EXPECT_EQ(world.connector->count("exchange"), 3u);
  EXPECT_EQ(world.stored_serial(), before);
  world.connector->refuse = nullptr;
  world.system.advance(5min);
  EXPECT_NE(world.stored_serial(), before);
  EXPECT_EQ(world.connecting(), "");
  EXPECT_TRUE(world.report().connected);
  EXPECT_FALSE(world.pending());
}

TEST(PassingRefusal, ThatEndsWhileThePairingGoesOnEndsConnected) {
  World world;
  world.pair();
  const auto before = world.serial();
  world.connector->refuse = [&](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "exchange")
      world.connector->refuse = nullptr; // it passes as the token is spent
    return request.what == "check" ? std::optional(refusal()) : std::nullopt;
  };
  world.configure("token-2");
  world.system.advance(1min);
  EXPECT_NE(world.stored_serial(), before);
  EXPECT_EQ(world.stored_serial(), world.serial());
  EXPECT_EQ(world.connecting(), "");
  EXPECT_FALSE(world.pending());
}

class AnotherAnswer : public testing::TestWithParam<int> {};

TEST_P(AnotherAnswer, ThanTheConnectorsIsFollowedByTheSameTokenAtTheOrdinaryBackOff) {
  World world;
  world.connector->refuse = [](const FakeConnector::Request&) {
    Failure failure = FakeConnector::failure(FailureKind::not_found, GetParam());
    failure.blame = Blame::elsewhere;
    return failure;
  };
  world.configure("token-1");
  world.start();
  EXPECT_THAT(world.connecting(), AllOf(HasSubstr("may be spent"), Not(HasSubstr("the token is spent"))));
  EXPECT_EQ(world.connecting().find("is CONNECTOR_URL right?") != std::string::npos, GetParam() < 500);
  world.system.advance(20s);
  EXPECT_GE(world.connector->count("exchange"), 2u);
  world.system.advance(10min); // however far it has backed off
  auto corrected = std::make_shared<ConnectionConfiguration>(*world.observed.configuration);
  corrected->connector_url = "https://corrected";
  world.connector->refuse = nullptr;
  world.observed.configuration = corrected;
  world.system.tell(world.actor, world.observed);
  world.system.advance(1s);
  EXPECT_TRUE(world.connection());
}

INSTANTIATE_TEST_SUITE_P(Statuses, AnotherAnswer, testing::Values(200, 302, 404, 405, 500, 503));

} // namespace
} // namespace runtime_agent::connection_manager
