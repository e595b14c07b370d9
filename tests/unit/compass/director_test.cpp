#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compass/fake_director.hpp"

namespace runtime_agent::compass::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// What comes of one bundle.
Result<Bundle> read_bundle(const json& bundle) {
  FakeDirector director;
  auto app = application("a");
  app["bundles"] = json::array({bundle});
  director.applications = json::array({app});
  auto data = fetch(director);
  if (!data)
    return failed(data.error());
  return (*data)->applications.front().bundles.front();
}

Result<Auth> read_auth(const json& auth) {
  auto with_auth = bundle("b");
  with_auth["defaultInstanceAuth"] = auth;
  const auto read = read_bundle(with_auth);
  if (!read)
    return failed(read.error());
  return *read->default_instance_auth;
}

TEST(Director, SendsTenantAndVariables) {
  FakeDirector director;
  ASSERT_TRUE(fetch(director));
  EXPECT_EQ(http::header(director.asked[0].request.headers, "Tenant"), "tenant");
  EXPECT_EQ(director.asked[0].request.path, "/director/graphql");
  EXPECT_EQ(director.asked[0].variables, (json{{"id", "runtime-1"}}));
  EXPECT_THAT(director.asked[1].request.body, HasSubstr("runtime-1"));
}

TEST(Director, ReadsEveryFieldOfAnApplication) {
  FakeDirector director;
  director.applications = json::array({{{"id", "a"},
                                        {"name", "shop"},
                                        {"providerName", "provider"},
                                        {"description", "the shop"},
                                        {"auths", {{{"id", "x"}}, {{"id", "y"}}}},
                                        {"bundles", json::array()}}});
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  const auto& app = (*data)->applications.front();
  EXPECT_EQ(app.id, "a");
  EXPECT_EQ(app.name, "shop");
  EXPECT_EQ(app.provider_name, "provider");
  EXPECT_EQ(app.description, "the shop");
  EXPECT_THAT(app.auth_ids, testing::ElementsAre("x", "y"));
}

TEST(Director, TakesNullForWhatMayBeNull) {
  FakeDirector director;
  director.applications = json::array({{{"id", "a"},
                                        {"name", "shop"},
                                        {"providerName", nullptr},
                                        {"description", nullptr},
                                        {"auths", nullptr},
                                        {"bundles", nullptr}}});
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ((*data)->applications.front().description, std::nullopt);
  EXPECT_TRUE((*data)->applications.front().bundles.empty());
}

TEST(Director, ReadsEveryFieldOfDefinitions) {
  auto given = bundle("b", 1, 1);
  given["description"] = "text";
  given["instanceAuthRequestInputSchema"] = R"({"type":"object"})";
  auto& api = given["apiDefinitions"][0];
  api["description"] = "an API";
  api["group"] = "g";
  api["version"] = {{"value", "v1"}, {"deprecated", true}, {"deprecatedSince", "v0"}, {"forRemoval", false}};
  const auto read = read_bundle(given);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->description, "text");
  EXPECT_EQ(read->instance_auth_request_input_schema, R"({"type":"object"})");
  const auto& definition = read->api_definitions.front();
  EXPECT_EQ(definition.target_url, "https://backend.example/b-api-0");
  EXPECT_EQ(definition.description, "an API");
  EXPECT_EQ(definition.group, "g");
  EXPECT_EQ(definition.version, (Version{"v1", true, "v0", false}));
  EXPECT_EQ(read->event_definitions.front().version, std::nullopt);
}

TEST(Director, TakesASchemaThatIsAnObjectForItsText) {
  auto given = bundle("b");
  given["instanceAuthRequestInputSchema"] = {{"type", "object"}};
  EXPECT_EQ(read_bundle(given)->instance_auth_request_input_schema, R"({"type":"object"})");
}

TEST(Director, ReadsBasicCredentials) {
  const auto auth =
      read_auth({{"credential", {{"__typename", "BasicCredentialData"}, {"username", "u"}, {"password", ""}}}});
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->credential, Credential(BasicCredential{Secret("u"), Secret("")}));
}

TEST(Director, ReadsOAuthCredentials) {
  const auto auth = read_auth({{"credential",
                                {{"__typename", "OAuthCredentialData"},
                                 {"clientId", "c"},
                                 {"clientSecret", "s"},
                                 {"url", "https://auth.example"}}},
                               {"requestAuth", {{"csrf", {{"tokenEndpointURL", "https://csrf.example"}}}}}});
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->credential, Credential(OAuthCredential{Secret("c"), Secret("s"), "https://auth.example"}));
  EXPECT_EQ(auth->csrf_token_endpoint_url, "https://csrf.example");
}

TEST(Director, KeepsTheTypeOfCredentialsThatItDoesNotKnow) {
  const auto auth = read_auth({{"credential", {{"__typename", "CertificateOAuthCredentialData"}}}});
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->credential, Credential(UnknownCredential{"CertificateOAuthCredentialData"}));
}

TEST(Director, TakesNoCredentialForNone) {
  const auto auth = read_auth({{"credential", nullptr}, {"requestAuth", {{"csrf", nullptr}}}});
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->credential, Credential());
  EXPECT_EQ(auth->csrf_token_endpoint_url, std::nullopt);
}

struct ParametersCase {
  const char* given;
  const char* expected; ///< null: none
  bool empty;
};

class Parameters : public testing::TestWithParam<ParametersCase> {};

TEST_P(Parameters, AreCompactWithSortedKeysHoweverTheyCome) {
  const auto& [given, expected, empty] = GetParam();
  const auto auth =
      read_auth({{"additionalHeaders", json::parse(given)}, {"additionalQueryParams", json::parse(given)}});
  ASSERT_TRUE(auth) << auth.error().text();
  EXPECT_EQ(auth->headers_empty, empty);
  EXPECT_EQ(auth->query_parameters_empty, empty);
  for (const auto& parameters : {auth->additional_headers, auth->additional_query_parameters}) {
    ASSERT_EQ(parameters.has_value(), expected != nullptr);
    EXPECT_EQ(parameters ? parameters->reveal() : "", expected != nullptr ? expected : "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Parameters,
    testing::Values(ParametersCase{"null", nullptr, true}, ParametersCase{"{}", "{}", true},
                    ParametersCase{R"("{}")", "{}", true}, ParametersCase{R"("")", nullptr, true},
                    ParametersCase{R"("null")", nullptr, true},
                    ParametersCase{R"({"B":["2","1"],"A":["x"]})", R"({"A":["x"],"B":["2","1"]})", false},
                    ParametersCase{R"("{ \"B\": [\"2\"],\n \"A\": [\"x\"] }")", R"({"A":["x"],"B":["2"]})", false},
                    ParametersCase{R"({"A":["\"\\\n\u0001ü<&>"]})", R"({"A":["\"\\\u000a\u0001ü<&>"]})", false}));

TEST(Director, RefusesParametersThatAreNoObject) {
  for (const char* given : {"[]", "7", R"("nonsense")", R"("[]")", R"("{\"A\":")"}) {
    const auto auth = read_auth({{"additionalHeaders", json::parse(given)}});
    ASSERT_FALSE(auth) << given;
    EXPECT_EQ(auth.error().kind, FailureKind::malformed);
    EXPECT_THAT(auth.error().what, HasSubstr("bundles.data[0].defaultInstanceAuth.additionalHeaders"));
  }
}

// --- labels ---

TEST(Director, ReadsLabelsOfEveryType) {
  FakeDirector director;
  director.labels = {{"a", "text"}, {"b", {"x", "y"}}, {"c", true}, {"isNormalized", "true"}};
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ(*(*data)->labels.find("a"), "text");
  EXPECT_EQ(*(*data)->labels.find("b"), R"(["x","y"])");
  EXPECT_EQ(*(*data)->labels.find("c"), "true");
  EXPECT_EQ((*data)->labels.find("d"), nullptr);
  EXPECT_TRUE((*data)->labels.is_normalized);
}

TEST(Director, TakesOnlyTheStringTrueForNormalized) {
  for (const json& value : {json(true), json("True"), json("false"), json(nullptr)}) {
    FakeDirector director;
    director.labels = {{"isNormalized", value}};
    EXPECT_FALSE((*fetch(director))->labels.is_normalized) << value;
  }
}

TEST(Director, TakesNullLabelsForNone) {
  FakeDirector director;
  director.labels = nullptr;
  const auto data = fetch(director);
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_TRUE((*data)->labels.values.empty());
}

TEST(Director, SetsALabelByVariables) {
  FakeDirector director;
  ASSERT_TRUE(
      make_director_client(director.settings())->set_runtime_label(access, "k\"ey", "https://events.example", {}));
  EXPECT_EQ(director.asked[0].variables,
            (json{{"runtimeID", "runtime-1"}, {"key", "k\"ey"}, {"value", "https://events.example"}}));
}

// --- refusals ---

TEST(Director, ReportsAnUnknownRuntime) {
  FakeDirector director;
  director.spoil = [](int, const Asked&, json& answer) { answer["data"]["runtime"] = nullptr; };
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::not_found);
  EXPECT_THAT(failure.text(), HasSubstr("runtime-1"));
}

class NonNullField : public testing::TestWithParam<const char*> {};

TEST_P(NonNullField, IsNamedWhereItIsNull) {
  FakeDirector director;
  auto app = application("a");
  app["auths"] = json::array({{{"id", "x"}}});
  app["bundles"] = json::array({bundle("b", 1, 1)});
  director.applications = json::array({app});
  const json::json_pointer field(GetParam());
  director.spoil = [&](int number, const Asked&, json& answer) {
    if (number == 2)
      answer["data"]["applicationsForRuntime"][field] = nullptr;
  };
  std::string path = "applicationsForRuntime";
  for (auto at = field; !at.empty(); at.pop_back()) {
    const auto& step = at.back();
    path.insert(22, std::isdigit(step.front()) != 0 ? "[" + step + "]" : "." + step);
  }
  const auto failure = failure_of(director);
  EXPECT_EQ(failure.kind, FailureKind::malformed);
  EXPECT_THAT(failure.what, HasSubstr(path));
}

INSTANTIATE_TEST_SUITE_P(Cases, NonNullField,
                         testing::Values("/data", "/totalCount", "/pageInfo", "/pageInfo/hasNextPage", "/data/0",
                                         "/data/0/id", "/data/0/name", "/data/0/auths/0", "/data/0/auths/0/id",
                                         "/data/0/bundles/data", "/data/0/bundles/data/0", "/data/0/bundles/data/0/id",
                                         "/data/0/bundles/data/0/name", "/data/0/bundles/totalCount",
                                         "/data/0/bundles/data/0/apiDefinitions/data/0/targetURL",
                                         "/data/0/bundles/data/0/apiDefinitions/pageInfo",
                                         "/data/0/bundles/data/0/eventDefinitions/data/0/name"));

TEST(Director, RefusesFieldsOfAnotherType) {
  for (const char* field : {"/data/0/id", "/data", "/totalCount", "/pageInfo/hasNextPage", "/data/0/bundles"}) {
    FakeDirector director;
    director.applications = json::array({application("a")});
    director.spoil = [&](int number, const Asked&, json& answer) {
      if (number == 2)
        answer["data"]["applicationsForRuntime"][json::json_pointer(field)] = -1;
    };
    EXPECT_EQ(failure_of(director).kind, FailureKind::malformed) << field;
  }
}

TEST(Director, RefusesABlankId) {
  FakeDirector director;
  director.applications = json::array({application("")});
  EXPECT_EQ(failure_of(director).kind, FailureKind::malformed);
}

TEST(Director, RefusesAnswersWithErrorsBesideData) {
  FakeDirector director;
  director.spoil = [](int, const Asked&, json& answer) {
    answer["errors"] = json::array({{{"message", "no"}, {"extensions", {{"error_code", 26}}}}});
  };
  EXPECT_EQ(failure_of(director).kind, FailureKind::unauthorized);
}

TEST(Director, CarriesRetryAfterOfRateLimiting) {
  ClientSettings settings;
  settings.make_http = [](const http::ClientOptions&) {
    return std::make_shared<http::test::FakeClient>(429, "", http::Headers{{"Retry-After", "40"}});
  };
  const auto data = make_director_client(settings)->fetch(access, {});
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().kind, FailureKind::rate_limited);
  EXPECT_EQ(data.error().retry_after, 40s);
}

TEST(Director, RefusesPlainHttpWhereTlsIsVerified) {
  FakeDirector director;
  auto plain = access;
  plain.url = "http://compass.example/graphql";
  auto settings = director.settings();
  EXPECT_EQ(make_director_client(settings)->fetch(plain, {}).error().kind, FailureKind::configuration);
  settings.verify_tls = false;
  EXPECT_TRUE(make_director_client(settings)->fetch(plain, {}));
}

TEST(Director, RefusesAnUrlThatIsNone) {
  FakeDirector director;
  auto wrong = access;
  wrong.url = "compass";
  const auto data = make_director_client(director.settings())->fetch(wrong, {});
  EXPECT_EQ(data.error().kind, FailureKind::configuration);
  EXPECT_TRUE(director.asked.empty());
}

// --- HTTP clients ---

TEST(CompassClients, GiveOneIdentityOneClient) {
  FakeDirector director;
  const auto client = make_director_client(director.settings());
  auto first = access;
  first.identity = std::make_shared<x509::Identity>();
  auto second = access;
  second.identity = std::make_shared<x509::Identity>();
  for (const auto& who : {first, first, second, first})
    ASSERT_TRUE(client->fetch(who, {}));
  ASSERT_EQ(director.made.size(), 2u);
  EXPECT_EQ(director.made[0].identity, first.identity);
  EXPECT_EQ(director.made[1].identity, second.identity);
}

TEST(CompassClients, AreBounded) {
  FakeDirector director;
  const auto client = make_director_client(director.settings());
  for (int i = 0; i < 10; ++i) {
    auto who = access;
    who.identity = std::make_shared<x509::Identity>();
    ASSERT_TRUE(client->fetch(who, {}));
  }
  int alive = 0;
  for (const auto& made : director.clients)
    alive += made.use_count() > 1 ? 1 : 0;
  EXPECT_EQ(alive, 4);
}

TEST(CompassClients, PassSettingsOn) {
  FakeDirector director;
  auto settings = director.settings();
  settings.verify_tls = false;
  settings.user_agent = "runtime-agent/1";
  ASSERT_TRUE(make_director_client(settings)->fetch(access, {}));
  EXPECT_EQ(director.made[0].trust.mode, http::Trust::Mode::unchecked);
  EXPECT_EQ(director.made[0].user_agent, "runtime-agent/1");
  EXPECT_EQ(director.made[0].target, "director");
}

TEST(CompassClients, DropIdleConnectionsOfAllClients) {
  FakeDirector director;
  const auto client = make_director_client(director.settings());
  ASSERT_TRUE(client->fetch(access, {}));
  client->drop_idle_connections();
  EXPECT_EQ(director.clients[0]->drops, 1);
}

} // namespace
} // namespace runtime_agent::compass::test
