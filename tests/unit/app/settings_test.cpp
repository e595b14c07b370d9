#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/settings.hpp"

namespace runtime_agent::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

Environment environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(Settings, HaveTheContractsDefaults) {
  const auto settings = read_settings(environment({}));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->connection_config_map, (ObjectName{"compass-system", "compass-agent-configuration"}));
  EXPECT_FALSE(settings->configuration_secret);
  EXPECT_EQ(settings->certificates_secret, (ObjectName{"compass-system", "cluster-client-certificates"}));
  EXPECT_EQ(settings->ca_secret, (ObjectName{"istio-system", "ca-certificates"}));
  EXPECT_EQ(settings->integration_namespace, "kyma-system");
  EXPECT_EQ(settings->sync_period, 20s);
  EXPECT_EQ(settings->minimal_sync_time, 10s);
  EXPECT_DOUBLE_EQ(settings->renewal_threshold, 0.3);
  EXPECT_FALSE(settings->skip_compass_tls_verify);
  EXPECT_EQ(settings->metrics_logging_interval, 30min);
  EXPECT_EQ(settings->health_port, 8090);
  EXPECT_EQ(settings->diagnostics_port, 8091);
  EXPECT_EQ(settings->kubernetes_concurrency, 4u);
  EXPECT_TRUE(settings->ignored.empty());
}

TEST(Settings, TakeTodaysDeploymentUnchanged) {
  const auto settings = read_settings(environment({
      {"APP_AGENT_CONFIGURATION_SECRET", "kyma-system/compass-agent-configuration"},
      {"APP_CLUSTER_CERTIFICATES_SECRET", "kyma-system/cluster-client-certificates"},
      {"APP_CA_CERTIFICATES_SECRET", "istio-system/kyma-gateway-certs-cacert"},
      {"APP_CONTROLLER_SYNC_PERIOD", "180s"},
      {"APP_MINIMAL_COMPASS_SYNC_TIME", "15s"},
      {"APP_SKIP_COMPASS_TLS_VERIFY", "true"},
      {"APP_GATEWAY_PORT", "8080"},
      {"APP_UPLOAD_SERVICE_URL", "http://example.com"},
      {"APP_CA_CERT_SECRET_TO_MIGRATE", ""},
  }));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->configuration_secret, (ObjectName{"kyma-system", "compass-agent-configuration"}));
  EXPECT_EQ(settings->sync_period, 3min);
  EXPECT_TRUE(settings->skip_compass_tls_verify);
  EXPECT_THAT(settings->ignored,
              ElementsAre("APP_GATEWAY_PORT", "APP_UPLOAD_SERVICE_URL", "APP_CA_CERT_SECRET_TO_MIGRATE"));
}

TEST(Settings, TakeABareNameAsInTheNamespaceDefault) {
  const auto settings = read_settings(environment({{"APP_CLUSTER_CERTIFICATES_SECRET", "certificates"}}));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->certificates_secret, (ObjectName{"default", "certificates"}));
}

TEST(Settings, NameEveryVariableThatDoesNotParseWithItsValueAndWhatWasExpected) {
  const auto settings = read_settings(environment({
      {"APP_CONTROLLER_SYNC_PERIOD", "20"},
      {"APP_HEALTH_PORT", "99999"},
      {"APP_SKIP_COMPASS_TLS_VERIFY", "maybe"},
  }));
  ASSERT_FALSE(settings);
  EXPECT_THAT(
      settings.error(),
      ElementsAre("APP_CONTROLLER_SYNC_PERIOD: \"20\" is not valid; expected a duration above zero in Go's form, "
                  "such as 20s, 1m30s or 30m",
                  "APP_SKIP_COMPASS_TLS_VERIFY: \"maybe\" is not valid; expected true or false",
                  "APP_HEALTH_PORT: \"99999\" is not valid; expected a port, 1 to 65535"));
}

struct BadValue {
  const char* variable;
  const char* value;
};
class UnparsableValue : public testing::TestWithParam<BadValue> {};

TEST_P(UnparsableValue, IsRefusedByName) {
  const auto settings = read_settings(environment({{GetParam().variable, GetParam().value}}));
  ASSERT_FALSE(settings);
  EXPECT_THAT(settings.error(), ElementsAre(HasSubstr(std::string(GetParam().variable) + ": \"" + GetParam().value)));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, UnparsableValue,
    testing::Values(
        BadValue{"APP_CONNECTION_CONFIG_MAP", "a/b/c"}, BadValue{"APP_CONNECTION_CONFIG_MAP", "/name"},
        BadValue{"APP_AGENT_CONFIGURATION_SECRET", "Upper/case"},
        BadValue{"APP_CLUSTER_CERTIFICATES_SECRET", "namespace/"}, BadValue{"APP_CA_CERTIFICATES_SECRET", "../../etc"},
        BadValue{"APP_INTEGRATION_NAMESPACE", "a/b"}, BadValue{"APP_CONTROLLER_SYNC_PERIOD", "0s"},
        BadValue{"APP_CONTROLLER_SYNC_PERIOD", "-5s"}, BadValue{"APP_MINIMAL_COMPASS_SYNC_TIME", "soon"},
        BadValue{"APP_CERT_VALIDITY_RENEWAL_THRESHOLD", "0"}, BadValue{"APP_CERT_VALIDITY_RENEWAL_THRESHOLD", "1"},
        BadValue{"APP_CERT_VALIDITY_RENEWAL_THRESHOLD", "nan"}, BadValue{"APP_SKIP_APPS_TLS_VERIFY", "yes"},
        BadValue{"APP_CENTRAL_GATEWAY_SERVICE_URL", "gateway"}, BadValue{"APP_RUNTIME_EVENTS_URL", "a\nb"},
        BadValue{"APP_RUNTIME_CONSOLE_URL", "a\x7f"
                                            "b"},
        BadValue{"APP_QUERY_LOGGING", "2"}, BadValue{"APP_METRICS_LOGGING_TIME_INTERVAL", "1 h"},
        BadValue{"APP_HEALTH_PORT", "0"}, BadValue{"APP_DIAGNOSTICS_PORT", "-1"},
        BadValue{"APP_DIAGNOSTICS_PORT", "8090"}, BadValue{"APP_LOG_FORMAT", "xml"}, BadValue{"APP_LOG_LEVEL", "bogus"},
        BadValue{"APP_KUBERNETES_CONCURRENCY", "0"}, BadValue{"APP_FETCH_MAX_APPLICATIONS", "0"},
        BadValue{"APP_FETCH_MAX_SIZE", "80"}, BadValue{"APP_FETCH_MAX_SIZE", "80MB"},
        BadValue{"APP_FETCH_MAX_SIZE", "-1Mi"}, BadValue{"APP_FETCH_MAX_SIZE", "18446744073709551615Gi"},
        BadValue{"APP_LEADER_ELECTION", "perhaps"}));

TEST(Settings, TakeSizesAsKubernetesWritesThem) {
  const std::pair<const char*, std::size_t> sizes[] = {
      {"80Mi", 80u << 20}, {"2Gi", std::size_t{2} << 30}, {"4096Ki", 4u << 20}, {"1048576", 1u << 20}};
  for (const auto& [text, bytes] : sizes) {
    const auto settings = read_settings(environment({{"APP_FETCH_MAX_SIZE", text}}));
    ASSERT_TRUE(settings) << text;
    EXPECT_EQ(settings->fetch_max_bytes, bytes) << text;
  }
}

TEST(Settings, TakeAnyPrintableTextForTheLabelsOfTheRuntime) {
  for (const char* text : {"ftp://x", "https://", "not yet known", "gateway.kyma.local", "b\xc3\xbcro"}) {
    const auto settings =
        read_settings(environment({{"APP_RUNTIME_EVENTS_URL", text}, {"APP_RUNTIME_CONSOLE_URL", text}}));
    ASSERT_TRUE(settings) << text;
    EXPECT_EQ(settings->runtime_events_url, text);
    EXPECT_EQ(settings->runtime_console_url, text);
  }
}

TEST(Settings, RaiseIntervalsThatWouldAskAServerMoreThanOnceInASecond) {
  const std::map<std::string, std::string> given = {{"APP_CONTROLLER_SYNC_PERIOD", "1ms"},
                                                    {"APP_MINIMAL_COMPASS_SYNC_TIME", "999ms"},
                                                    {"APP_METRICS_LOGGING_TIME_INTERVAL", "2ms"}};
  const auto settings = read_settings(environment(given));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->sync_period, 1s);
  EXPECT_EQ(settings->minimal_sync_time, 1s);
  EXPECT_EQ(settings->metrics_logging_interval, 1s);
  EXPECT_THAT(settings->raised, ElementsAre("APP_CONTROLLER_SYNC_PERIOD", "APP_MINIMAL_COMPASS_SYNC_TIME",
                                            "APP_METRICS_LOGGING_TIME_INTERVAL"));
  for (const EffectiveSetting& setting : effective_settings(environment(given)))
    if (setting.variable == "APP_CONTROLLER_SYNC_PERIOD") {
      EXPECT_EQ(setting.value, "1s, raised from 1ms");
    }
}

TEST(Settings, LeaveIntervalsOfASecondAndMoreAsTheyAre) {
  const auto settings =
      read_settings(environment({{"APP_CONTROLLER_SYNC_PERIOD", "1s"}, {"APP_MINIMAL_COMPASS_SYNC_TIME", "1001ms"}}));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->sync_period, 1s);
  EXPECT_EQ(settings->minimal_sync_time, 1001ms);
  EXPECT_TRUE(settings->raised.empty());
}

TEST(Settings, LeaveShortIntervalsToTests) {
  const auto settings =
      read_settings(environment({{"APP_CONTROLLER_SYNC_PERIOD", "10ms"}, {"RUNTIME_AGENT_TEST_CONTROLS", "on"}}));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->sync_period, 10ms);
  EXPECT_TRUE(settings->raised.empty());
}

TEST(Duration, FollowsGosForm) {
  EXPECT_EQ(parse_duration("20s"), 20s);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("0"), 0ms);
  EXPECT_EQ(parse_duration("1h0m0.5s"), 1h + 500ms);
  for (const char* text : {"", "20", "s", "1 s", "-1s", "1d", "1s1", "1..5s", "9999999h", "1e3s", "0x1s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(Settings, AreShownAsTheyAreInEffectWithoutPasswords) {
  const std::map<std::string, std::string> given = {{"APP_CONTROLLER_SYNC_PERIOD", " 30s "},
                                                    {"HTTPS_PROXY", "http://user:p@ss@proxy:3128"},
                                                    {"APP_CENTRAL_GATEWAY_SERVICE_URL", "http://a:b@gateway"}};
  std::map<std::string, EffectiveSetting> shown;
  for (const EffectiveSetting& setting : effective_settings([&](const std::string& name) {
         const auto found = given.find(name);
         return found == given.end() ? std::nullopt : std::optional(found->second);
       }))
    shown[setting.variable] = setting;
  EXPECT_EQ(shown.at("APP_CONTROLLER_SYNC_PERIOD").value, "30s");
  EXPECT_EQ(shown.at("APP_CONTROLLER_SYNC_PERIOD").standard, "20s");
  EXPECT_EQ(shown.at("APP_HEALTH_PORT").value, "8090");
  EXPECT_EQ(shown.at("HTTPS_PROXY").value, "http://[redacted]@proxy:3128");
  EXPECT_EQ(shown.at("APP_CENTRAL_GATEWAY_SERVICE_URL").value, "http://[redacted]@gateway");
  EXPECT_EQ(shown.at("KUBECONFIG").value, "");
}

TEST(Settings, AreDescribedEachWithItsDefault) {
  const std::string text = describe_settings();
  EXPECT_THAT(text, HasSubstr("APP_CONTROLLER_SYNC_PERIOD"));
  EXPECT_THAT(text, HasSubstr("(default 20s)"));
}

} // namespace
} // namespace runtime_agent::app
