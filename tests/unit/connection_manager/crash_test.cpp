#include <stdexcept>

#include "tests/unit/connection_manager/world.hpp"

/// Stopped at any point, and started again over the same cluster and the same Connector. Source: contract §2.
namespace runtime_agent::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Counts every request, to the cluster and to the Connector alike, and stops the agent at one of them.
class StopAt {
public:
  enum class Moment { before, after };

  StopAt(World& world, std::size_t request, Moment moment) : at_(request), moment_(moment) {
    world.api->refuse = [this](const FakeApi::Call& call) -> std::optional<Failure> {
      before(call.verb + " " + call.path);
      return std::nullopt;
    };
    world.api->carried_out = [this](const FakeApi::Call& call) {
      if (call.path.ends_with("/secrets") || call.path.ends_with("-pending"))
        unstored_ = false;
      after();
    };
    world.connector->refuse = [this](const FakeConnector::Request& sent) -> std::optional<Failure> {
      before(sent.what);
      return std::nullopt;
    };
    world.connector->lose = [this](const FakeConnector::Request& sent) -> std::optional<Failure> {
      unstored_ = sent.what == "exchange" || sent.what == "sign";
      after();
      return std::nullopt;
    };
  }
  bool stopped() const { return stopped_; }
  const std::string& where() const { return where_; }
  /// The reply to a request that spends a token was on its way: no agent can save it.
  bool token_lost() const { return token_lost_; }

private:
  void before(const std::string& what) {
    if (stopped_ || seen_++ != at_)
      return;
    where_ = what;
    if (moment_ == Moment::before)
      stop();
    reached_ = true;
  }
  void after() {
    if (reached_ && !stopped_)
      stop();
  }
  void stop() {
    stopped_ = true;
    token_lost_ = unstored_;
    throw std::runtime_error("stopped at " + where_);
  }

  const std::size_t at_;
  const Moment moment_;
  std::size_t seen_ = 0;
  bool reached_ = false;
  bool stopped_ = false;
  bool token_lost_ = false;
  bool unstored_ = false;
  std::string where_;
};

/// What must hold in the end, whatever happened.
void expect_connected(World& world, const std::string& at) {
  ASSERT_TRUE(world.connection()) << at << ": " << world.connecting();
  EXPECT_EQ(world.stored_serial(), world.serial()) << at;
  ASSERT_TRUE(world.ca()) << at;
  EXPECT_EQ(World::data(*world.ca(), "cacert"), world.connector->authority.pem()) << at;
  EXPECT_FALSE(world.pending()) << at;
  EXPECT_EQ(world.connecting() + world.maintaining(), "") << at;
  world.api->clear_calls();
  world.system.advance(3min);
  EXPECT_EQ(world.api->count("update") + world.api->count("create") + world.api->count("delete"), 0u)
      << at << ": silence afterwards";
}

/// Runs `scenario` with the agent stopped at its first, second, … request, until it ends before it is stopped.
template <class Scenario>
std::size_t campaign(StopAt::Moment moment, Scenario scenario) {
  std::size_t request = 0;
  while (scenario(request, moment) && request < 100)
    ++request;
  return request;
}

bool stop_while_pairing(std::size_t request, StopAt::Moment moment) {
  World world;
  StopAt stop(world, request, moment);
  world.pair();
  const std::string at = stop.where() + (moment == StopAt::Moment::before ? " (before)" : " (after)");
  if (!stop.stopped())
    return false;
  EXPECT_TRUE(world.dead()) << at;
  world.start();
  world.system.advance(40s);
  if (stop.token_lost()) {
    EXPECT_FALSE(world.connection()) << at;
    EXPECT_THAT(world.connecting(), HasSubstr("the token is spent, give a new one")) << at;
    world.configure("token-2");
    world.system.advance(40s);
  }
  expect_connected(world, at);
  return true;
}

TEST(CrashPoints, OfPairingBeforeEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::before, stop_while_pairing), 13u);
}

TEST(CrashPoints, OfPairingAfterEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::after, stop_while_pairing), 13u);
}

bool stop_while_renewing(std::size_t request, StopAt::Moment moment) {
  World world;
  world.pair();
  StopAt stop(world, request, moment);
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  world.system.advance(1s);
  const std::string at = stop.where();
  if (!stop.stopped())
    return false;
  world.start();
  world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"}); // ConfigWatcher tells it again
  world.system.advance(40s);
  EXPECT_EQ(world.connector->count("exchange"), 1u) << at;
  EXPECT_EQ(world.report().refresh_served, "version-5") << at;
  expect_connected(world, at);
  return true;
}

TEST(CrashPoints, OfRenewingBeforeEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::before, stop_while_renewing), 7u);
}

TEST(CrashPoints, OfRenewingAfterEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::after, stop_while_renewing), 7u);
}

bool stop_while_reconnecting(std::size_t request, StopAt::Moment moment) {
  World world;
  world.pair();
  const std::string before = world.serial();
  world.configure("token-2");
  StopAt stop(world, request, moment);
  world.reconnect("uid-7");
  world.system.advance(1s);
  const std::string at = stop.where();
  if (!stop.stopped())
    return false;
  world.director_fetcher.clear();
  world.start();
  world.system.advance(40s);
  if (stop.token_lost()) {
    EXPECT_EQ(world.serial(), before) << at << ": the old certificate stays in use";
    EXPECT_THAT(world.connecting(), HasSubstr("the token is spent, give a new one")) << at;
    world.configure("token-3");
    world.system.advance(40s);
  }
  EXPECT_NE(world.serial(), before) << at;
  EXPECT_EQ(world.report().reconnect_served, "uid-7") << at;
  expect_connected(world, at);
  return true;
}

TEST(CrashPoints, OfReconnectingBeforeEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::before, stop_while_reconnecting), 10u);
}

TEST(CrashPoints, OfReconnectingAfterEachRequest) {
  EXPECT_GE(campaign(StopAt::Moment::after, stop_while_reconnecting), 10u);
}

TEST(Interleavings, OfMessagesAndAnswersAllEndConnected) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    World world(seed);
    world.configure("token-1");
    world.start();
    world.connector->tokens.insert("token-2");
    world.configure("token-2");
    world.system.send(world.actor, ReconnectRequested{"uid-7"});
    world.system.send(world.actor, CredentialsRefreshRequested{"version-5"});
    world.system.send(world.actor, CertificateRefused{"02", FakeConnector::failure(FailureKind::tls)});
    world.system.send(world.actor, FactsRequested{});
    world.system.advance(40s);
    EXPECT_EQ(world.report().reconnect_served, "uid-7");
    EXPECT_EQ(world.report().refresh_served, "version-5");
    expect_connected(world, "seed " + std::to_string(seed));
  }
}

class ThrownAt : public testing::TestWithParam<const char*> {};

TEST_P(ThrownAt, ConvergesAfterTheRestart) {
  World world;
  world.pair();
  world.system.crash_switch().arm("ConnectionManager", GetParam());
  world.configure("token-2");
  if (!world.dead())
    world.reconnect("uid-7");
  world.reconnect_id = "uid-7"; // also where the actor died before it was told
  if (!world.dead())
    world.system.tell(world.actor, CredentialsRefreshRequested{"version-5"});
  if (!world.dead())
    world.system.tell(world.actor, CertificateRefused{world.serial(), FakeConnector::failure(FailureKind::tls)});
  if (!world.dead())
    world.system.tell(world.actor, FactsRequested{});
  world.system.advance(30s);
  ASSERT_TRUE(world.dead()) << "the switch was never reached";
  EXPECT_THAT(*world.system.death(world.actor), HasSubstr("crash switch"));
  world.start();
  world.system.advance(6min);
  EXPECT_EQ(world.report().reconnect_served, "uid-7");
  expect_connected(world, GetParam());
}

INSTANTIATE_TEST_SUITE_P(EachMessage, ThrownAt,
                         testing::Values("ConfigurationObserved", "ReconnectRequested", "CredentialsRefreshRequested",
                                         "CertificateRefused", "FactsRequested", "TimerFired", "CallFinished"));

TEST(Stopping, WaitsForTheReplyThatATokenWasSpentFor) {
  World stopped;
  stopped.configure("token-1");
  stopped.system.io().hold();
  stopped.start();
  // One job after another, until the CSR is on its way.
  while (stopped.connector->count("exchange") == 0 && stopped.system.io().run_one())
    stopped.system.run();
  caf::anon_send_exit(caf::actor_cast<caf::actor>(stopped.actor), caf::exit_reason::user_shutdown);
  stopped.system.run();
  stopped.system.io().release();
  stopped.system.run();
  EXPECT_TRUE(stopped.dead());
  stopped.start();
  stopped.system.advance(40s);
  EXPECT_TRUE(stopped.connection()) << stopped.connecting();
  EXPECT_EQ(stopped.connector->count("exchange"), 1u);
}

TEST(ReplyLost, IsSaidAtTheStartWithoutSendingTheTokenAgain) {
  World world;
  world.configure("token-1");
  world.connector->lose = [](const FakeConnector::Request& request) -> std::optional<Failure> {
    if (request.what == "sign")
      throw std::runtime_error("stopped");
    return std::nullopt;
  };
  world.start();
  ASSERT_TRUE(world.dead());
  world.connector->lose = nullptr;
  world.system.advance(10min); // the second token has run out
  world.start();
  EXPECT_THAT(world.connecting(), HasSubstr("the token is spent, give a new one"));
  EXPECT_EQ(world.connector->count("exchange") + world.connector->count("sign"), 2u);
  world.configure("token-2");
  EXPECT_TRUE(world.connection());
}

} // namespace
} // namespace runtime_agent::tests
