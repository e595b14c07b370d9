#include "tests/vectors/comparison.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/encoding.hpp"

// The comparison itself must see what it is for.
namespace runtime_agent::vectors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json golden_application() {
  return {{"metadata", {{"name", "mp-a"}}}, {"spec", {{"description", "d"}, {"services", Json::array()}}}};
}

LiveObjects live_application() {
  LiveObjects live;
  Json object = golden_application();
  object["metadata"]["uid"] = "1";
  object["metadata"]["resourceVersion"] = "7";
  object["status"] = Json::object();
  live.applications.push_back(object);
  return live;
}

Json step(const LiveObjects& live) {
  const Json all = normalised(live);
  return {{"applications", all["applications"]}, {"secrets", all["secrets"]}};
}

TEST(VectorComparison, SeesNoDifferenceInWhatTheServerAdds) {
  EXPECT_THAT(
      differences({{"applications", {golden_application()}}, {"secrets", Json::array()}}, step(live_application())),
      IsEmpty());
}

TEST(VectorComparison, NamesTheFieldThatDiffers) {
  auto live = live_application();
  live.applications[0]["spec"]["description"] = "other";
  EXPECT_THAT(differences({{"applications", {golden_application()}}}, step(live)),
              ElementsAre(R"(/applications/:mp-a/spec/description: expected "d", is "other")"));
}

TEST(VectorComparison, SeesNoDifferenceInAnOrder) {
  const auto with_lists = [](const Json& services, const Json& ids) {
    Json object = golden_application();
    object["spec"]["services"] = services;
    object["spec"]["compassMetadata"]["authentication"]["clientIds"] = ids;
    return Json{{"applications", Json::array({object})}};
  };
  const Json api = {{"type", "API"}, {"id", "1"}};
  const Json event = {{"type", "Events"}, {"id", "1"}};
  const auto service = [](const char* id, const std::vector<Json>& entries) {
    return Json{{"id", id}, {"entries", entries}};
  };
  const Json one = with_lists({service("a", {api, event}), service("b", {event})}, {"x", "y"});
  EXPECT_THAT(differences(one, with_lists({service("b", {event}), service("a", {event, api})}, {"y", "x"})), IsEmpty());
  EXPECT_THAT(differences(one, with_lists({service("b", {api}), service("a", {event, api})}, {"y", "x"})),
              testing::Not(IsEmpty()));
}

TEST(VectorComparison, NamesAnObjectTooMany) {
  EXPECT_THAT(differences({{"applications", Json::array()}}, step(live_application())),
              ElementsAre(HasSubstr("/applications/:mp-a: expected nothing")));
}

TEST(VectorComparison, ReadsSecretsAndTheirOwners) {
  auto live = live_application();
  const Json owner = {{"kind", "Application"}, {"name", "mp-a"}, {"uid", "1"}};
  Json stale = owner;
  stale["uid"] = "0";
  live.secrets.push_back({{"metadata", {{"name", "s"}, {"ownerReferences", {owner, stale}}}},
                          {"data", {{"headers", base64_encode(R"({"b": [], "a" : ["1"]})")}, {"username", "dQ=="}}},
                          {"type", "Opaque"}});
  live.secrets.push_back({{"metadata", {{"name", "compass-agent-configuration"}}}, {"data", Json::object()}});
  const Json secrets = normalised(live)["secrets"];
  ASSERT_EQ(secrets.size(), 1u);
  EXPECT_EQ(secrets[0]["data"]["username"], "u");
  EXPECT_EQ(secrets[0]["data"]["headers"]["a"][0], "1");
  EXPECT_EQ(secrets[0]["metadata"]["ownerReferences"][0]["uid"], "<uid of mp-a>");
  EXPECT_EQ(secrets[0]["metadata"]["ownerReferences"][1]["uid"], "<STALE uid>");
}

TEST(VectorComparison, EvensOutTheConnection) {
  const Json live = {{"metadata", {{"name", "compass-connection"}, {"annotations", {{"own", "x"}}}}},
                     {"spec",
                      {{"managementInfo",
                        {{"connectorUrl", "https://127.0.0.1:4711/connector/graphql"},
                         {"directorUrl", "https://127.0.0.1:4712/director/graphql"}}},
                       {"resyncNow", false}}},
                     {"status",
                      {{"connectionState", "Synchronized"},
                       {"conditions", Json::array({1})},
                       {"connectionStatus",
                        {{"lastSync", "2026-01-01T00:00:00Z"},
                         {"renewed", nullptr},
                         {"certificateStatus", Json::object()},
                         {"error", "text"}}}}}};
  const Json out = evened_out({{"connection", normalised_connection(live)}})["connection"];
  EXPECT_EQ(out["metadata"].dump(), R"({"name":"compass-connection"})");
  EXPECT_EQ(out["spec"]["managementInfo"]["connectorUrl"], "https://127.0.0.1:<connector-port>/connector/graphql");
  EXPECT_FALSE(out["spec"].contains("resyncNow"));
  EXPECT_FALSE(out["status"].contains("conditions"));
  EXPECT_EQ(out["status"]["connectionStatus"].dump(),
            R"({"lastSync":"<time>","certificateStatus":{},"error":"<error>"})");
}

TEST(VectorComparison, ATimeOfAnotherFormIsADifference) {
  const Json live = {{"metadata", {{"name", "x"}}},
                     {"status", {{"connectionStatus", {{"lastSync", "2026-01-01T00:00:00.5Z"}}}}}};
  EXPECT_EQ(normalised_connection(live)["status"]["connectionStatus"]["lastSync"], "2026-01-01T00:00:00.5Z");
}

TEST(VectorComparison, EvensOutTheOrderOfASubjectsAttributes) {
  const auto with_subject = [](const std::string& subject) {
    return Json{{"certificates", {{{"data", {{"crt", {{"first", subject}}}}}, {"metadata", {{"name", "c"}}}}}}};
  };
  EXPECT_THAT(differences(with_subject("subject=CN=x,OU=a,O=b"), with_subject("subject=CN=x,O=b,OU=a")), IsEmpty());
  EXPECT_EQ(differences(with_subject("subject=CN=x,O=b"), with_subject("subject=CN=y,O=b")).size(), 1u);
}

} // namespace
} // namespace runtime_agent::vectors
