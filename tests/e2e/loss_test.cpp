#include <string>

#include <gmock/gmock.h>

#include "tests/e2e/support/credentials.hpp"
#include "tests/e2e/support/end_to_end.hpp"

/// How a certificate is lost, what the real binary says of it, and what it does. Revoked certificates:
/// job_connection_test.cpp. Source: contract §§2, 5.4, 8 (6).
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

class LossOnSandbox : public EndToEnd {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(2);
  }

  testing::AssertionResult says(const std::string& text) {
    return comes_true([&] { return world().errors().find(text) != std::string::npos; });
  }
  std::optional<nlohmann::json> certificates() { return secret(world(), certificates_secret); }
  void remove_certificates() { world().sandbox_server()->remove_object("secrets", "kyma-system", certificates_secret); }
  /// Another key in the certificate's place.
  void corrupt_certificates() {
    auto object = *certificates();
    object["data"]["key"] = "bm8ga2V5";
    world().sandbox_server()->put_object(std::move(object));
  }

  /// A new token is taken within two seconds, and everything is right again.
  void a_new_token_connects(std::size_t certificates) {
    compass().set_certificate_validity(std::chrono::hours(24));
    const auto given = std::chrono::system_clock::now();
    world().configure();
    EXPECT_TRUE(comes_true(
        [&] { return compass().certificates().size() == certificates && world().state() == "Synchronized"; }));
    for (const auto& request : compass().requests())
      if (request.service == "connector-token" && request.time > given) {
        EXPECT_LT(request.time - given, 2s);
        break;
      }
    EXPECT_EQ(wrong_with_credentials(world()), "");
  }

  /// Connected with a certificate of few seconds that cannot be renewed.
  void has_a_certificate_that_will_expire() {
    compass().set_certificate_validity(4s);
    add_fault({{"service", "connector"},
               {"field", signing_field},
               {"action", "http-503"},
               {"when", "before"},
               {"times", -1}});
    synchronise();
    versions_ = world().versions();
  }
  /// Compass looks at a certificate in the handshake only: connections that are open stay open.
  testing::AssertionResult it_expires() {
    const auto end = compass().certificates().back().validity.not_after;
    return comes_true([&] { return std::chrono::system_clock::now() > end; });
  }
  std::map<std::string, std::string> versions_;
};

TEST_F(LossOnSandbox, AnExpiredCertificateIsSaidToBeExpiredAndATokenConnectsAnew) {
  has_a_certificate_that_will_expire();
  ASSERT_TRUE(it_expires());
  EXPECT_TRUE(reaches("ConnectionFailed"));
  EXPECT_TRUE(says("token"));
  EXPECT_THAT(world().agent().output() + world().errors(), HasSubstr("expired"));
  EXPECT_EQ(world().versions(), versions_);
  compass().clear_faults();
  a_new_token_connects(2);
}

TEST_F(LossOnSandbox, ACertificateThatExpiresWhileTheMachineSleepsIsNoticedWhenItWakes) {
  has_a_certificate_that_will_expire();
  world().agent().signal(SIGSTOP);
  ASSERT_TRUE(it_expires());
  compass().clear_faults();
  compass().clear_requests();
  world().agent().signal(SIGCONT);
  EXPECT_TRUE(reaches("ConnectionFailed"));
  EXPECT_EQ(world().versions(), versions_);
  a_new_token_connects(2);
}

TEST_F(LossOnSandbox, ACertificateThatExpiredWhileTheAgentWasDownConnectsAnewWithAToken) {
  has_a_certificate_that_will_expire();
  end_agent();
  ASSERT_TRUE(it_expires());
  compass().clear_faults();
  world().start(world().quick_environment());
  EXPECT_TRUE(reaches("ConnectionFailed"));
  EXPECT_EQ(world().versions(), versions_);
  a_new_token_connects(2);
}

TEST_F(LossOnSandbox, ATokenThatIsThereAlreadyIsTakenByItself) {
  has_a_certificate_that_will_expire();
  compass().set_certificate_validity(std::chrono::hours(24));
  world().configure(); // while connected: noted for the next connect
  EXPECT_EQ(world().tokens_spent(), 1u);
  ASSERT_TRUE(it_expires());
  EXPECT_TRUE(comes_true([this] { return compass().certificates().size() == 2 && world().state() == "Synchronized"; }));
  EXPECT_EQ(world().tokens_spent(), 2u);
}

TEST_F(LossOnSandbox, ANetworkFailureIsNotTakenForALostCertificate) {
  synchronise();
  for (const char* service : {"connector", "director"})
    add_fault({{"service", service}, {"action", "reset"}, {"when", "before"}, {"times", -1}});
  world().configure();
  ASSERT_TRUE(reaches("ConnectionMaintenanceFailed"));
  EXPECT_THAT(world().errors(), Not(HasSubstr("refuse")));
  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(compass().certificates().size(), 1u);
}

TEST_F(LossOnSandbox, ACorruptedSecretIsRestoredFromMemory) {
  synchronise();
  ASSERT_TRUE(comes_true([this] { return nothing_is_pending(world()); }));
  corrupt_certificates();
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(compass().certificates().size(), 1u);
}

TEST_F(LossOnSandbox, ADeletedCaSecretIsRestoredFromMemory) {
  synchronise();
  world().sandbox_server()->remove_object("secrets", "istio-system", ca_secret);
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(LossOnSandbox, ADeletedSecretIsRestoredThoughNoCycleComes) {
  auto variables = world().quick_environment();
  variables["APP_CONTROLLER_SYNC_PERIOD"] = "10m";
  synchronise(variables);
  ASSERT_TRUE(comes_true([this] { return nothing_is_pending(world()); }));
  remove_certificates();
  world().sandbox_server()->remove_object("secrets", "istio-system", ca_secret);
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }, 10s));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(LossOnSandbox, ASecretDeletedWhileTheAgentWasDownIsAskedATokenFor) {
  synchronise();
  ASSERT_TRUE(comes_true([this] { return nothing_is_pending(world()); }));
  end_agent();
  const auto before = world().versions();
  remove_certificates();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_TRUE(says("token"));
  EXPECT_EQ(world().versions(), before);
  EXPECT_TRUE(world().agent().running());
  a_new_token_connects(2);
}

TEST_F(LossOnSandbox, ASecretCorruptedWhileTheAgentWasDownIsNamedAndNeverUsed) {
  synchronise();
  ASSERT_TRUE(comes_true([this] { return nothing_is_pending(world()); }));
  end_agent();
  corrupt_certificates();
  compass().clear_requests();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_TRUE(comes_true([this] {
    return world().agent().output().find("Secret kyma-system/cluster-client-certificates") != std::string::npos;
  }));
  EXPECT_EQ(compass().request_count("connector"), 0u);
  EXPECT_EQ(compass().request_count("director"), 0u);
  a_new_token_connects(2);
}

class RefusedHandshake : public EndToEnd, public testing::WithParamInterface<bool> {};

TEST_P(RefusedHandshake, IsTakenForALostCertificateUnderEitherVersionOfTls) {
  auto options = World::fast_options();
  options.tls_1_2_only = GetParam();
  make_world(ClusterKind::sandbox, options);
  synchronise();
  ASSERT_TRUE(compass().revoke(world().latest_serial()));
  ASSERT_TRUE(reaches("ConnectionFailed"));
  world().configure();
  EXPECT_TRUE(comes_true([this] { return compass().certificates().size() == 2 && world().state() == "Synchronized"; }));
}

INSTANTIATE_TEST_SUITE_P(Each, RefusedHandshake, testing::Bool(),
                         [](const auto& parameter) { return parameter.param ? "Tls12" : "Tls13"; });

} // namespace
} // namespace runtime_agent::e2e
