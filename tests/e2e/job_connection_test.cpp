#include <algorithm>
#include <csignal>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// Pairing, maintaining, renewing, losing and connecting anew, by the real binary. Source: contract §§1.1, 1.2, 2.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using Refusal = sandbox::CompassOptions::Refusal;

constexpr const char* connection_name = "compass-connection";
constexpr const char* time_pattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z";

class JobConnection : public OnEachCluster {
protected:
  /// The Director hears of the certificate that was signed last.
  testing::AssertionResult the_director_sees_the_latest_certificate() {
    return comes_true([this] {
      const auto requests = compass().requests();
      return std::any_of(requests.begin(), requests.end(), [this](const auto& request) {
        return request.service == "director" && request.status == 200 &&
               request.certificate_serial == world().latest_serial();
      });
    });
  }

  testing::AssertionResult connects_anew(std::size_t certificates) {
    return comes_true([this, certificates] {
      return compass().certificates().size() == certificates && world().state() == "Synchronized";
    });
  }

  void loses_the_connection_and_connects_anew(Refusal refusal) {
    auto options = World::fast_options();
    options.revoked = refusal;
    make_world(GetParam(), options);
    give_applications(2);
    synchronise();
    const auto before = world().versions();

    ASSERT_TRUE(compass().revoke(world().latest_serial()));
    ASSERT_TRUE(reaches("ConnectionFailed"));
    EXPECT_TRUE(comes_true([this] { return world().errors().find("token") != std::string::npos; }));
    EXPECT_EQ(world().versions(), before);

    world().configure();
    EXPECT_TRUE(connects_anew(2));
    EXPECT_EQ(world().tokens_spent(), 2u);
    EXPECT_EQ(world().errors(), "\n\n");
    EXPECT_TRUE(the_director_sees_the_latest_certificate());
  }
};

TEST_P(JobConnection, WaitsForAConfigurationThatComesLater) {
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_THAT(world().errors(), HasSubstr("Secret kyma-system/compass-agent-configuration"));
  world().configure();
  EXPECT_TRUE(reaches("Synchronized"));
}

TEST_P(JobConnection, ReadsTheConfigMapByDefault) {
  Variables variables = world().quick_environment();
  variables.erase("APP_AGENT_CONFIGURATION_SECRET");
  world().configure_map();
  world().start(variables);
  EXPECT_TRUE(reaches("Synchronized"));
}

TEST_P(JobConnection, ReadsTheSecretInsteadWhereOneIsNamed) {
  world().configure_map({{"CONNECTOR_URL", "https://127.0.0.1:1/"}});
  synchronise();
}

TEST_P(JobConnection, PairsOnceAndSpendsOneToken) {
  synchronise();
  ASSERT_TRUE(another_cycle());
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(compass().certificates().size(), 1u);
  EXPECT_EQ(compass().request_count("connector-token", "configuration"), 1u);
  EXPECT_EQ(compass().request_count("connector-token", "signCertificateSigningRequest"), 1u);
  EXPECT_FALSE(world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates-pending"));
}

TEST_P(JobConnection, FillsInEveryFieldOfTheStatus) {
  give_applications(1);
  synchronise();
  for (const char* field :
       {"connectionStatus/established", "connectionStatus/lastSync", "connectionStatus/lastSuccess",
        "connectionStatus/certificateStatus/acquired", "connectionStatus/certificateStatus/notBefore",
        "connectionStatus/certificateStatus/notAfter", "synchronizationStatus/lastAttempt",
        "synchronizationStatus/lastSuccessfulFetch", "synchronizationStatus/lastSuccessfulApplication"})
    EXPECT_THAT(world().field(std::string("/status/") + field), MatchesRegex(time_pattern)) << field;
  EXPECT_EQ(world().errors(), "\n\n");
  EXPECT_EQ(world().field("/spec/managementInfo/connectorUrl"), compass().connector_url());
  EXPECT_EQ(world().field("/spec/managementInfo/directorUrl"), compass().director_url());
}

TEST_P(JobConnection, RenewsTheCertificateBeforeItEndsAndNoRequestFails) {
  compass().set_certificate_validity(20s);
  Variables variables = world().quick_environment();
  variables["APP_CERT_VALIDITY_RENEWAL_THRESHOLD"] = "0.85"; // three seconds after its beginning
  synchronise(variables);
  const auto renewed = [this] { return world().field("/status/connectionStatus/renewed"); };
  ASSERT_TRUE(comes_true([&] { return !renewed().empty(); }));
  const std::string first = renewed(), established = world().field("/status/connectionStatus/established");
  EXPECT_TRUE(comes_true([&] { return renewed() != first; }));
  EXPECT_TRUE(the_director_sees_the_latest_certificate());
  EXPECT_EQ(world().field("/status/connectionStatus/established"), established);
  EXPECT_EQ(world().tokens_spent(), 1u);
  for (const auto& request : compass().requests())
    EXPECT_TRUE(request.status == 200 && !request.errors) << to_json(request);
}

TEST_P(JobConnection, RefreshesTheCredentialsWhenAPersonAsks) {
  synchronise();
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_EQ(compass().certificates().size(), 2u);
  EXPECT_THAT(world().field("/status/connectionStatus/renewed"), MatchesRegex(time_pattern));
  EXPECT_TRUE(the_director_sees_the_latest_certificate());
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_P(JobConnection, ReconnectsWithAFreshTokenWhenTheCompassConnectionIsDeleted) {
  synchronise();
  world().configure();
  world().remove(kubernetes::compass_connections(), connection_name);
  EXPECT_TRUE(connects_anew(2));
  EXPECT_EQ(world().tokens_spent(), 2u);
  EXPECT_TRUE(the_director_sees_the_latest_certificate());
}

TEST_P(JobConnection, ReconnectsAlsoWhenItWasDeletedWhileTheAgentWasDown) {
  synchronise();
  end_agent();
  world().configure();
  world().remove(kubernetes::compass_connections(), connection_name);
  world().start(world().quick_environment());
  EXPECT_TRUE(connects_anew(2));
  ASSERT_TRUE(another_cycle());
  EXPECT_EQ(world().tokens_spent(), 2u);
  EXPECT_EQ(compass().certificates().size(), 2u);
}

TEST_P(JobConnection, SynchronisesOnWhileAReconnectLacksAToken) {
  give_applications(1);
  synchronise();
  world().remove(kubernetes::compass_connections(), connection_name);
  ASSERT_TRUE(reaches("ConnectionFailed"));
  give_applications(2);
  EXPECT_TRUE(comes_true([this] { return world().application_names().size() == 2; }));
  EXPECT_EQ(world().state(), "ConnectionFailed");
  world().configure();
  EXPECT_TRUE(connects_anew(2));
}

TEST_P(JobConnection, ConnectsAnewWithAFreshTokenWhenTheHandshakeIsRefused) {
  loses_the_connection_and_connects_anew(Refusal::alert);
}

TEST_P(JobConnection, ConnectsAnewWithAFreshTokenWhenTheCertificateIsForbidden) {
  loses_the_connection_and_connects_anew(Refusal::forbidden);
}

TEST_P(JobConnection, RestoresADeletedCertificatesSecret) {
  synchronise();
  const auto secrets = kubernetes::secrets("kyma-system");
  const auto before = world().get(secrets, "cluster-client-certificates");
  world().remove(secrets, "cluster-client-certificates");
  ASSERT_TRUE(comes_true([&] { return world().get(secrets, "cluster-client-certificates").has_value(); }));
  EXPECT_EQ((*world().get(secrets, "cluster-client-certificates"))["data"], (*before)["data"]);
  EXPECT_EQ(compass().certificates().size(), 1u);
}

TEST_P(JobConnection, FindsItsRecordAfterARestartAndSpendsNoToken) {
  for (const int number : {SIGTERM, SIGKILL}) {
    if (!world().started())
      synchronise();
    const std::string established = world().field("/status/connectionStatus/established");
    world().agent().signal(number);
    ASSERT_TRUE(world().agent().wait(10s));
    compass().clear_requests();
    world().start(world().quick_environment());
    ASSERT_TRUE(another_cycle());
    EXPECT_TRUE(reaches("Synchronized"));
    EXPECT_EQ(compass().request_count("connector-token"), 0u);
    EXPECT_EQ(compass().certificates().size(), 1u);
    EXPECT_EQ(world().field("/status/connectionStatus/established"), established);
  }
}

TEST_P(JobConnection, SaysAloudThatTlsChecksAreOff) {
  Variables variables = world().quick_environment();
  variables.erase("SSL_CERT_FILE");
  variables["APP_SKIP_COMPASS_TLS_VERIFY"] = "true";
  synchronise(variables);
  EXPECT_THAT(world().agent().output(), HasSubstr("TLS checks are off"));
  EXPECT_THAT(world().connection()->dump(), HasSubstr("TLS checks are off"));
}

TEST_P(JobConnection, SpendsNoTokenOnAServerThatItDoesNotTrust) {
  Variables variables = world().quick_environment();
  variables.erase("SSL_CERT_FILE");
  world().configure();
  world().start(variables);
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_THAT(world().errors(), HasSubstr("certificate"));
  EXPECT_EQ(world().tokens_spent(), 0u);
}

TEST_P(JobConnection, WorksWithTheRightsOfTodaysManifests) {
  give_applications(2);
  synchronise(world().quick_environment(Rights::todays));
  give_applications(3, "changed");
  EXPECT_TRUE(converges());
  world().merge(kubernetes::applications(), "mp-app-0001", {{"spec", {{"description", "edited"}}}});
  EXPECT_TRUE(converges());
  // They may not be watched, and are back within a sync period all the same.
  const auto pair = [this] { return world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates"); };
  const auto ca = [this] { return world().get(kubernetes::secrets("istio-system"), "kyma-gateway-certs-cacert"); };
  const auto before = (*pair())["data"];
  world().remove(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world().remove(kubernetes::secrets("istio-system"), "kyma-gateway-certs-cacert");
  EXPECT_TRUE(comes_true([&] { return pair() && (*pair())["data"] == before && ca(); }, 10s));
  EXPECT_EQ(world().tokens_spent(), 1u);
  world().configure();
  world().remove(kubernetes::compass_connections(), connection_name);
  EXPECT_TRUE(connects_anew(2));
}

INSTANTIATE_TEST_SUITE_P(Each, JobConnection, testing::ValuesIn(clusters()), cluster_name);

/// What only a cluster of its own can have: namespaces that are not there yet.
class JobConnectionOnSandbox : public EndToEnd {};

TEST_F(JobConnectionOnSandbox, WaitsForNamespacesThatComeLater) {
  make_world(ClusterKind::sandbox);
  Variables variables = world().quick_environment();
  variables["APP_AGENT_CONFIGURATION_SECRET"] = "late/compass-agent-configuration";
  variables["APP_CLUSTER_CERTIFICATES_SECRET"] = "late/cluster-client-certificates";
  variables["APP_CA_CERTIFICATES_SECRET"] = "late-too/ca";
  variables["APP_INTEGRATION_NAMESPACE"] = "late-too";
  give_applications(1);
  world().configure();
  world().start(variables);
  ASSERT_TRUE(reaches("ConnectionFailed"));
  auto configuration = *world().sandbox_server()->object("secrets", "kyma-system", "compass-agent-configuration");
  for (const char* name : {"late", "late-too"})
    world().sandbox_server()->put_object({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", name}}}});
  configuration["metadata"] = {{"name", "compass-agent-configuration"}, {"namespace", "late"}};
  world().sandbox_server()->put_object(configuration);
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().sandbox_server()->count("secrets", "late-too"), 2u);
}

} // namespace
} // namespace runtime_agent::e2e
