#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// The command line, the environment and the log of the real binary. Source: contract §§1.3, 4.
namespace runtime_agent::e2e {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

TEST(CommandLineInSandbox, SaysItsVersion) {
  const auto [code, output] = run_command({"version"});
  EXPECT_EQ(code, 0);
  EXPECT_THAT(output, ContainsRegex("^runtime-agent [0-9]+\\.[0-9]+"));
}

TEST(CommandLineInSandbox, ExplainsEveryVariable) {
  const auto [code, output] = run_command({"--help"});
  EXPECT_EQ(code, 0);
  for (const char* name : {"APP_CONNECTION_CONFIG_MAP",
                           "APP_AGENT_CONFIGURATION_SECRET",
                           "APP_CLUSTER_CERTIFICATES_SECRET",
                           "APP_CA_CERTIFICATES_SECRET",
                           "APP_INTEGRATION_NAMESPACE",
                           "APP_CONTROLLER_SYNC_PERIOD",
                           "APP_MINIMAL_COMPASS_SYNC_TIME",
                           "APP_CERT_VALIDITY_RENEWAL_THRESHOLD",
                           "APP_SKIP_COMPASS_TLS_VERIFY",
                           "APP_SKIP_APPS_TLS_VERIFY",
                           "APP_CENTRAL_GATEWAY_SERVICE_URL",
                           "APP_RUNTIME_EVENTS_URL",
                           "APP_RUNTIME_CONSOLE_URL",
                           "APP_QUERY_LOGGING",
                           "APP_METRICS_LOGGING_TIME_INTERVAL",
                           "APP_HEALTH_PORT",
                           "APP_DIAGNOSTICS_PORT",
                           "APP_LOG_FORMAT",
                           "APP_LOG_LEVEL",
                           "APP_TRACE_FILE",
                           "APP_KUBERNETES_CONCURRENCY",
                           "APP_LEADER_ELECTION",
                           "HTTPS_PROXY",
                           "SSL_CERT_FILE"})
    EXPECT_THAT(output, HasSubstr(name));
}

TEST(CommandLineInSandbox, ExplainsTheExitCodesOfTheAgentAndThoseOfACommand) {
  const std::string agent = run_command({"--help"}).output, command = run_command({"check", "--help"}).output;
  EXPECT_THAT(agent, AllOf(HasSubstr("0  ended by SIGTERM"), HasSubstr("4  an actor was stuck")));
  EXPECT_THAT(command, AllOf(HasSubstr("1  something is wrong"), Not(HasSubstr("SIGTERM"))));
}

TEST(CommandLineInSandbox, RefusesAnUnknownOptionWithAHint) {
  const auto [code, output] = run_command({"--no-such-option"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, AllOf(HasSubstr("--no-such-option"), HasSubstr("--help")));
}

struct BadVariable {
  const char* name;
  const char* value;
  const char* expected;
};

class BadVariables : public testing::TestWithParam<BadVariable> {};

TEST_P(BadVariables, EndTheAgentWithTheirNameTheirValueAndWhatWasExpected) {
  const auto& variable = GetParam();
  const auto [code, output] = run_command({}, {{variable.name, variable.value}});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, AllOf(HasSubstr(variable.name), HasSubstr(variable.value), HasSubstr(variable.expected)));
}

INSTANTIATE_TEST_SUITE_P(Sandbox, BadVariables,
                         testing::Values(BadVariable{"APP_CONTROLLER_SYNC_PERIOD", "20 seconds", "20s"},
                                         BadVariable{"APP_CERT_VALIDITY_RENEWAL_THRESHOLD", "1.5", "below 1"},
                                         BadVariable{"APP_SKIP_COMPASS_TLS_VERIFY", "maybe", "true or false"},
                                         BadVariable{"APP_CA_CERTIFICATES_SECRET", "a/b/c", "NAMESPACE/NAME"},
                                         BadVariable{"APP_HEALTH_PORT", "70000", "65535"}),
                         [](const auto& parameter) { return parameter.param.name; });

TEST(CommandLineInSandbox, EndsWhereTheKubeconfigCannotBeRead) {
  const auto [code, output] = run_command({"--kubeconfig", "/nowhere/kubeconfig"});
  EXPECT_EQ(code, 2);
  EXPECT_THAT(output, HasSubstr("/nowhere/kubeconfig"));
}

// -- the log

class LogOnSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }
};

TEST_F(LogOnSandbox, IsJsonLinesAndEachLineOfACycleNamesItsTrace) {
  give_applications(1);
  synchronise();
  add_fault({{"service", "director"}, {"field", "applicationsForRuntime"}, {"action", "http-500"}});
  ASSERT_TRUE(comes_true([this] { return compass().faults()[0].applied > 0; }));
  ASSERT_TRUE(another_cycle());
  end_agent();
  std::string failed_request;
  for (const std::string& line : world().agent().lines()) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    for (const char* key : {"time", "level", "msg"})
      EXPECT_TRUE(json.contains(key) && json[key].is_string()) << line;
    if (json.contains("x-request-id")) {
      EXPECT_TRUE(json.contains("trace")) << line;
      EXPECT_EQ(json["x-request-id"], compass().runtime_id() + "_" + json.value("trace", "")) << line;
    }
    if (json.value("error", "").find("500") != std::string::npos)
      failed_request = json.value("x-request-id", "");
  }
  const auto requests = compass().requests();
  EXPECT_TRUE(std::any_of(requests.begin(), requests.end(), [&](const auto& request) {
    return request.fault == "http-500" && request.request_id == failed_request;
  })) << failed_request;
}

TEST_F(LogOnSandbox, HoldsNoSecretEvenWhereEverythingIsLogged) {
  give({{"runtime", {{"labels", nlohmann::json::object()}}},
        {"applications",
         {{{"id", "1"},
           {"name", "shop"},
           {"description", "a shop"},
           {"auths", nlohmann::json::array()},
           {"bundles",
            {{{"id", "b1"},
              {"name", "basic"},
              {"defaultInstanceAuth",
               {{"credential", {{"username", "canary-username"}, {"password", "canary-password"}}},
                {"additionalHeaders", {{"X-Key", {"canary-header"}}}},
                {"additionalQueryParams", {{"key", {"canary-parameter"}}}}}},
              {"apiDefinitions", nlohmann::json::array()},
              {"eventDefinitions", nlohmann::json::array()}},
             {{"id", "b2"},
              {"name", "oauth"},
              {"defaultInstanceAuth",
               {{"credential",
                 {{"clientId", "canary-client"}, {"clientSecret", "canary-client-secret"}, {"url", "https://a/b"}}}}},
              {"apiDefinitions", nlohmann::json::array()},
              {"eventDefinitions", nlohmann::json::array()}}}}}}}});
  Variables variables = world().quick_environment();
  variables["APP_LOG_LEVEL"] = "debug";
  variables["APP_QUERY_LOGGING"] = "true";
  // Answers and requests with secrets in them that fail, so that they are logged.
  add_fault({{"service", "connector-token"}, {"field", "configuration"}, {"action", "errors-partial"}});
  for (const char* action : {"errors-partial", "truncated"})
    add_fault({{"service", "director"}, {"field", "applicationsForRuntime"}, {"action", action}});
  world().configure();
  world().start(variables);
  ASSERT_TRUE(comes_true([this] { return compass().faults()[0].applied > 0; }));
  ASSERT_TRUE(reaches("ConnectionFailed"));
  world().configure();
  ASSERT_TRUE(comes_true([this] { return compass().faults()[2].applied > 0; }));
  ASSERT_TRUE(reaches("Synchronized"));
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));

  std::vector<std::string> secrets{"canary-"};
  for (const auto& token : compass().tokens())
    secrets.push_back(token.value);
  const auto stored = world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
  const std::string key = (*stored)["data"]["key"];
  secrets.push_back(key.substr(key.size() / 2, 60)); // as it stands in the cluster
  std::ifstream pem(variables["RUNTIME_AGENT_TEST_KEYS"] + "/0.pem");
  for (std::string line; std::getline(pem, line);)
    if (line.size() > 40 && line.find("PRIVATE") == std::string::npos)
      secrets.push_back(line);
  const std::string log = world().agent().output(), connection = world().connection()->dump();
  EXPECT_THAT(log, HasSubstr("a GraphQL call failed")); // there was something to leave out
  for (const std::string& secret : secrets) {
    EXPECT_THAT(log, Not(HasSubstr(secret)));
    EXPECT_THAT(connection, Not(HasSubstr(secret)));
  }
}

} // namespace
} // namespace runtime_agent::e2e
