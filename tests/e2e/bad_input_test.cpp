#include <algorithm>
#include <optional>
#include <string>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// What is wrong around the agent is said in the log and in the CompassConnection, and changes nothing in the cluster.
/// Source: contract §§1.1, 2, 3, 4.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;

class BadInputOnSandbox : public EndToEnd {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(3);
    // What an earlier agent has left behind: it has to stand as it is until there is a complete fetch.
    world().sandbox_server()->put_object(
        {{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
         {"kind", "Application"},
         {"metadata", {{"name", "left-behind"}}},
         {"spec",
          {{"description", "from before"},
           {"services", nlohmann::json::array()}, //
           {"compassMetadata", {{"applicationId", "0"}, {"authentication", {{"clientIds", {"1"}}}}}}}}});
  }

  /// In the CompassConnection, and in a line of the log.
  void is_said(const std::string& text) {
    EXPECT_TRUE(comes_true([&] { return world().errors().find(text) != std::string::npos; })) << text;
    const auto lines = world().agent().lines();
    EXPECT_TRUE(std::any_of(lines.begin(), lines.end(),
                            [&](const std::string& line) {
                              const auto json = nlohmann::json::parse(line, nullptr, false);
                              return json.is_object() && json.value("level", "") == "warning" &&
                                     json.value("error", "").find(text) != std::string::npos;
                            }))
        << "no warning of the log says " << text;
  }
};

// -- the configuration object

struct BadConfiguration {
  const char* name;
  const char* key;
  std::optional<std::string> value;
  const char* said;
};

class BadConfigurations : public BadInputOnSandbox, public testing::WithParamInterface<BadConfiguration> {};

TEST_P(BadConfigurations, AreNamedAndChangeNothing) {
  const auto before = world().versions();
  world().configure({{GetParam().key, GetParam().value}});
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  is_said("Secret kyma-system/compass-agent-configuration");
  is_said(GetParam().said);
  EXPECT_EQ(world().versions(), before);
  EXPECT_EQ(world().tokens_spent(), 0u);
  EXPECT_EQ(compass().request_count(), 0u);

  world().configure();
  EXPECT_TRUE(converges());
}

INSTANTIATE_TEST_SUITE_P(
    Sandbox, BadConfigurations,
    testing::Values(BadConfiguration{"UrlMissing", "CONNECTOR_URL", std::nullopt, "CONNECTOR_URL is missing"},
                    BadConfiguration{"UrlBlank", "CONNECTOR_URL", " \n", "CONNECTOR_URL is blank"},
                    BadConfiguration{"UrlThatIsNone", "CONNECTOR_URL", "connector", "CONNECTOR_URL is not a URL"},
                    BadConfiguration{"UrlWithoutTls", "CONNECTOR_URL", "http://connector/", "https://"},
                    BadConfiguration{"RuntimeMissing", "RUNTIME_ID", std::nullopt, "RUNTIME_ID is missing"},
                    BadConfiguration{"RuntimeBlank", "RUNTIME_ID", "\t", "RUNTIME_ID is blank"},
                    BadConfiguration{"TenantMissing", "TENANT", std::nullopt, "TENANT is missing"},
                    BadConfiguration{"TenantBlank", "TENANT", "", "TENANT is blank"},
                    BadConfiguration{"TokenMissing", "TOKEN", std::nullopt, "TOKEN is missing"},
                    BadConfiguration{"TokenBlank", "TOKEN", "  ", "TOKEN is blank"}),
    [](const auto& parameter) { return parameter.param.name; });

// -- the Connector

struct BadAnswer {
  const char* name;
  nlohmann::json fault;
  const char* said;
};

class BadPairing : public BadInputOnSandbox, public testing::WithParamInterface<BadAnswer> {};

TEST_P(BadPairing, IsSaidAndTheNextTokenConnects) {
  const auto before = world().versions();
  nlohmann::json fault = GetParam().fault;
  fault["service"] = "connector-token";
  add_fault(fault);
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  is_said(GetParam().said);
  is_said("the token is spent");
  is_said(compass().runtime_id() + "_"); // the x-request-id
  EXPECT_EQ(world().versions(), before);

  compass().clear_faults();
  world().configure();
  EXPECT_TRUE(converges());
}

INSTANTIATE_TEST_SUITE_P(
    Sandbox, BadPairing,
    testing::Values(BadAnswer{"MalformedSubject", {{"action", "malformed-subject"}, {"text", "O=Org,=,CN"}}, "subject"},
                    BadAnswer{"CertificateForAnotherKey", {{"action", "wrong-key-certificate"}, {"skip", 1}}, "key"},
                    BadAnswer{"ExpiredCertificate", {{"action", "expired-certificate"}, {"skip", 1}}, "expired"},
                    BadAnswer{"GarbageCertificate", {{"action", "garbage-certificate"}, {"skip", 1}}, "certificate"},
                    BadAnswer{"NotBase64", {{"action", "garbage-base64"}, {"skip", 1}}, "base64"},
                    BadAnswer{"MissingUrls", {{"action", "missing-urls"}}, "URL"},
                    BadAnswer{"EmptyUrls", {{"action", "empty-urls"}}, "URL"},
                    BadAnswer{"MissingManagementInfo", {{"action", "missing-management-info"}}, "URL"},
                    BadAnswer{"MissingToken", {{"action", "missing-token"}}, "token"},
                    BadAnswer{"EmptyAnswer", {{"action", "empty"}}, "empty"},
                    BadAnswer{"TruncatedJson", {{"action", "truncated"}}, "JSON"},
                    BadAnswer{"Errors", {{"action", "errors"}, {"text", "out of order"}}, "out of order"},
                    BadAnswer{"ErrorsBesideData", {{"action", "errors-partial"}, {"text", "half of it"}}, "half of it"},
                    BadAnswer{"TruncatedSigning", {{"action", "truncated"}, {"skip", 1}}, "JSON"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST_F(BadInputOnSandbox, ASpentTokenIsSaidToBeSpent) {
  const std::string token = compass().issue_token();
  world().configure({{"TOKEN", token}});
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("Synchronized"));
  ASSERT_TRUE(comes_true([this] { // from which the agent would mend what is removed below
    return !world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates-pending");
  }));
  const auto before = world().versions();
  world().agent().signal(SIGKILL);
  world().agent().wait(10s);
  world().remove(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  is_said("the token is spent");
  EXPECT_EQ(world().versions(), before);
}

// -- the Director

class BadDirector : public BadInputOnSandbox, public testing::WithParamInterface<BadAnswer> {};

TEST_P(BadDirector, IsSaidAndNothingOfItsAnswerIsApplied) {
  synchronise();
  const auto before = world().versions();
  nlohmann::json fault = GetParam().fault;
  fault["service"] = "director";
  fault["times"] = -1;
  if (!fault.contains("field"))
    fault["field"] = "applicationsForRuntime";
  add_fault(fault);
  give_applications(1, "changed"); // would show, were it applied
  ASSERT_TRUE(reaches("SynchronizationFailed"));
  is_said(GetParam().said);
  is_said(compass().runtime_id() + "_"); // the x-request-id
  EXPECT_EQ(world().versions(), before);

  compass().clear_faults();
  EXPECT_TRUE(converges());
  EXPECT_EQ(world().errors(), "\n\n");
}

nlohmann::json null_at(const char* path) {
  return {{"action", "null"}, {"path", path}};
}

INSTANTIATE_TEST_SUITE_P(
    Sandbox, BadDirector,
    testing::Values(BadAnswer{"Html", {{"action", "html"}}, "JSON"},
                    BadAnswer{"TruncatedJson", {{"action", "truncated"}}, "JSON"},
                    BadAnswer{"EmptyAnswer", {{"action", "empty"}}, "empty"},
                    BadAnswer{"Errors", {{"action", "errors"}, {"text", "out of order"}}, "out of order"},
                    BadAnswer{"ErrorsBesideData", {{"action", "errors-partial"}, {"text", "half of it"}}, "half of it"},
                    BadAnswer{"Http429", {{"action", "http-429"}}, "429"},
                    BadAnswer{"NullPage", {{"action", "null"}}, "applicationsForRuntime"},
                    BadAnswer{"NullList", null_at("/applicationsForRuntime/data"), "applicationsForRuntime.data"},
                    BadAnswer{"NullId", null_at("/applicationsForRuntime/data/0/id"), "id"},
                    BadAnswer{"NullName", null_at("/applicationsForRuntime/data/0/name"), "name"},
                    BadAnswer{"NullPageInfo", null_at("/applicationsForRuntime/pageInfo"), "pageInfo"},
                    BadAnswer{"NullTargetUrl",
                              null_at("/applicationsForRuntime/data/0/bundles/data/0/apiDefinitions/data/0/targetURL"),
                              "targetURL"},
                    BadAnswer{"NoSuchRuntime", {{"action", "null"}, {"field", "runtime"}}, "there is no Runtime"},
                    BadAnswer{"Oversized", {{"action", "oversized"}, {"bytes", 74u << 20}}, "limit of 8388608 bytes"}),
    [](const auto& parameter) { return parameter.param.name; });

} // namespace
} // namespace runtime_agent::e2e
