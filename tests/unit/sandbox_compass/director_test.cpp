#include <set>

#include <gtest/gtest.h>

#include "tests/sandbox/compass/datasets.hpp"
#include "tests/unit/sandbox_compass/compass_client.hpp"

namespace runtime_agent::sandbox {
namespace {

const char* const page_query =
    "query P($id: ID!, $first: Int = 200, $after: PageCursor) { applicationsForRuntime(runtimeID: $id, first: $first, "
    "after: $after) { data { id name } pageInfo { startCursor endCursor hasNextPage } totalCount } }";

class Director : public testing::Test {
protected:
  nlohmann::json page(const nlohmann::json& first, const nlohmann::json& after = nullptr) {
    return ask(page_query, {{"id", server.runtime_id()}, {"first", first}, {"after", after}})
        .data("applicationsForRuntime");
  }
  std::string page_refusal(const nlohmann::json& first, const nlohmann::json& after = nullptr) {
    return ask(page_query, {{"id", server.runtime_id()}, {"first", first}, {"after", after}}).message();
  }
  Reply ask(const std::string& document, const nlohmann::json& variables = nlohmann::json::object()) {
    return client.post(document, variables, tenant_header(server));
  }

  CompassServer server;
  TestIdentity identity = pair(server);
  CompassClient client{server, server.director_url(), &identity};
};

TEST_F(Director, PagesWithoutLossOrRepetition) {
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(450)));
  std::set<std::string> ids;
  nlohmann::json after;
  int pages = 0;
  bool more = true;
  for (; more && pages < 10; ++pages) {
    const auto answer = page(100, after);
    EXPECT_EQ(answer["totalCount"], 450);
    for (const auto& application : answer["data"])
      ids.insert(application["id"].get<std::string>());
    more = answer["pageInfo"]["hasNextPage"].get<bool>();
    after = answer["pageInfo"]["endCursor"];
  }
  EXPECT_EQ(pages, 5);
  EXPECT_EQ(ids.size(), 450u);
}

TEST_F(Director, Gives200WithoutALimit) {
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(250)));
  const auto answer =
      ask("query ($id: ID!) { applicationsForRuntime(runtimeID: $id) { data { id } } }", {{"id", server.runtime_id()}});
  EXPECT_EQ(answer.data("applicationsForRuntime")["data"].size(), 200u);
}

TEST_F(Director, RefusesPagesOutsideOneTo200) {
  EXPECT_EQ(page_refusal(201), "Invalid data [reason=page size must be between 1 and 200]");
  EXPECT_EQ(page_refusal(0), "Invalid data [reason=page size must be between 1 and 200]");
  EXPECT_EQ(page_refusal(-1), "Invalid data [reason=page size must be between 1 and 200]");
}

TEST_F(Director, GivesTheCodeAndThePathOfARefusal) {
  const auto error = ask(page_query, {{"id", server.runtime_id()}, {"first", 201}}).json()["errors"][0];
  EXPECT_EQ(error["extensions"], (nlohmann::json{{"error", "InvalidData"}, {"error_code", 22}}));
  EXPECT_EQ(error["path"], (nlohmann::json{"applicationsForRuntime"}));
}

TEST_F(Director, RefusesCursorsThatItDidNotGive) {
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(10)));
  EXPECT_EQ(page_refusal(5, "bm9uc2Vuc2U="), "Invalid data [reason=cursor is not correct]");
  EXPECT_EQ(page_refusal(5, "%%%"), "Invalid data [reason=cursor is not correct]");
}

TEST_F(Director, RefusesACursorBeyondWhatIsLeft) {
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(10)));
  const auto cursor = page(5)["pageInfo"]["endCursor"];
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(3)));
  EXPECT_EQ(page_refusal(5, cursor), "Invalid data [reason=cursor is not correct]");
}

TEST_F(Director, PagesBundlesAndDefinitions) {
  compass::GeneratedShape shape;
  shape.bundles = 3;
  shape.apis = 4;
  shape.events = 2;
  ASSERT_TRUE(server.set_dataset(compass::generated_applications(1, shape)));
  const auto answer =
      ask("query ($id: ID!) { applicationsForRuntime(runtimeID: $id) { data { bundles(first: 2) { "
          "totalCount pageInfo { hasNextPage } data { apiDefinitions(first: 3) { totalCount data { id } } "
          "eventDefinitions { totalCount } } } } } }",
          {{"id", server.runtime_id()}});
  const auto bundles = answer.data("applicationsForRuntime")["data"][0]["bundles"];
  EXPECT_EQ(bundles["totalCount"], 3);
  EXPECT_EQ(bundles["pageInfo"]["hasNextPage"], true);
  EXPECT_EQ(bundles["data"][1]["apiDefinitions"]["totalCount"], 4);
  EXPECT_EQ(bundles["data"][1]["apiDefinitions"]["data"].size(), 3u);
  EXPECT_EQ(bundles["data"][1]["eventDefinitions"]["totalCount"], 2);
}

TEST_F(Director, TellsCredentialsApartByTheirType) {
  ASSERT_TRUE(server.set_dataset(compass::demonstration()));
  const auto answer =
      ask("query ($id: ID!) { applicationsForRuntime(runtimeID: $id) { data { bundles { data { defaultInstanceAuth { "
          "credential { __typename ... on BasicCredentialData { username } ... on OAuthCredentialData { url } } } } } "
          "} } }",
          {{"id", server.runtime_id()}});
  std::set<std::string> kinds;
  const auto applications = answer.data("applicationsForRuntime")["data"];
  for (const auto& application : applications)
    for (const auto& bundle : application["bundles"]["data"])
      if (const auto& auth = bundle["defaultInstanceAuth"]; !auth.is_null() && !auth["credential"].is_null())
        kinds.insert(auth["credential"]["__typename"].get<std::string>());
  EXPECT_TRUE(kinds.count("BasicCredentialData") == 1 && kinds.count("OAuthCredentialData") == 1) << answer.body;
}

TEST_F(Director, KeepsALabel) {
  const auto reply = ask("mutation ($id: ID!, $v: Any!) { setRuntimeLabel(runtimeID: $id, key: \"k\", value: $v) { key "
                         "value } }",
                         {{"id", server.runtime_id()}, {"v", "https://a.example.com"}});
  EXPECT_EQ(reply.data("setRuntimeLabel"), (nlohmann::json{{"key", "k"}, {"value", "https://a.example.com"}}));
  EXPECT_EQ(server.runtime_labels(), (nlohmann::json{{"k", "https://a.example.com"}}));
}

TEST_F(Director, HasNullLabelsWhereTheDatasetSaysSo) {
  ASSERT_TRUE(server.set_dataset({{"applications", nlohmann::json::array()}, {"labelsNull", true}}));
  const auto reply = ask("query ($id: ID!) { runtime(id: $id) { labels } }", {{"id", server.runtime_id()}});
  EXPECT_EQ(reply.json()["data"], (nlohmann::json{{"runtime", {{"labels", nullptr}}}}));
}

TEST_F(Director, AsksForTheTenant) {
  const auto reply = client.post(page_query, {{"id", server.runtime_id()}});
  EXPECT_EQ(reply.json()["errors"][0]["extensions"]["error_code"], 24);
}

TEST_F(Director, RefusesAnotherTenant) {
  const auto reply = client.post(page_query, {{"id", server.runtime_id()}}, {{"Tenant", "other"}});
  EXPECT_EQ(reply.json()["errors"][0]["extensions"]["error_code"], 25);
}

TEST_F(Director, RefusesQuestionsAboutAnotherRuntime) {
  server.register_runtime("another", server.tenant());
  EXPECT_EQ(ask(page_query, {{"id", "another"}}).json()["errors"][0]["extensions"]["error_code"], 26);
}

TEST_F(Director, SaysThatANameIsMissing) {
  ASSERT_TRUE(server.set_dataset({{"applications", {{{"id", "1"}, {"name", nullptr}}}}}));
  const auto reply = ask(page_query, {{"id", server.runtime_id()}});
  EXPECT_EQ(reply.message(), "must not be null");
  EXPECT_EQ(reply.json()["errors"][0]["path"], (nlohmann::json{"applicationsForRuntime", "data", 0, "name"}));
  EXPECT_TRUE(reply.json()["data"].is_null());
}

TEST_F(Director, AnswersAMalformedDocumentWith422) {
  const auto reply = ask("{ foo }");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.message(), R"(Cannot query field "foo" on type "Query".)");
}

TEST_F(Director, AnswersABodyThatIsNoJsonWith400) {
  EXPECT_EQ(client.post_text("{", tenant_header(server)).status, 400);
}

TEST_F(Director, RefusesADatasetOfTheWrongShape) {
  EXPECT_FALSE(server.set_dataset({{"applications", {{{"id", "1"}}}}}));
  EXPECT_FALSE(server.set_dataset(nlohmann::json::array()));
}

TEST_F(Director, LogsWhatWasAsked) {
  server.clear_requests();
  client.post(page_query, {{"id", server.runtime_id()}},
              {{"Tenant", server.tenant()}, {"x-request-id", "r_1"}, {"traceparent", "00-1-2-01"}});
  ASSERT_EQ(server.requests().size(), 1u);
  const auto record = server.requests().front();
  EXPECT_EQ(record.service + " " + record.field, "director applicationsForRuntime");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.request_id, "r_1");
  EXPECT_EQ(record.traceparent, "00-1-2-01");
  EXPECT_EQ(record.tenant, server.tenant());
  EXPECT_EQ(record.certificate_serial, server.certificates().front().serial);
  EXPECT_EQ(server.request_count("director", "applicationsForRuntime"), 1u);
}

} // namespace
} // namespace runtime_agent::sandbox
