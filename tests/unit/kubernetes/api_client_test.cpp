#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/access_review.hpp"
#include "transport/kubernetes/json_view.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;

Json secret(const std::string& name) {
  return Json{{"metadata", {{"name", name}, {"resourceVersion", "5"}}}, {"data", {{"key", "aHVudGVyMg=="}}}};
}

std::string sent_header(const http::Request& request, const std::string& name) {
  for (const auto& [key, value] : request.headers)
    if (key == name)
      return value;
  return {};
}

TEST(KubernetesApi, GetReadsTheObjectWithTheToken) {
  ScriptedCluster cluster;
  cluster.client->answers(200, R"({"kind":"Secret","metadata":{"name":"x"}})");
  const auto object = cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_TRUE(object) << object.error().text();
  EXPECT_EQ((*object)["kind"], "Secret");
  const auto& request = cluster.client->requests.at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/api/v1/namespaces/ns/secrets/x");
  EXPECT_EQ(request.operation, "get secrets");
  EXPECT_EQ(sent_header(request, "Authorization"), "Bearer original");
  EXPECT_EQ(sent_header(request, "Accept"), "application/json");
  EXPECT_EQ(request.max_response_bytes, 8u << 20);
}

TEST(KubernetesApi, CreatePostsWithApiVersionAndKind) {
  ScriptedCluster cluster;
  cluster.client->answers(201, "{}");
  Json application{{"metadata", {{"name", "shop"}}}};
  ASSERT_TRUE(cluster.api->create(applications(), application, cluster.within(seconds(30))));
  const auto& request = cluster.client->requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/apis/applicationconnector.kyma-project.io/v1alpha1/applications");
  const auto body = Json::parse(request.body);
  EXPECT_EQ(body["apiVersion"], "applicationconnector.kyma-project.io/v1alpha1");
  EXPECT_EQ(body["kind"], "Application");
}

TEST(KubernetesApi, ATextIsPostedAsItIsAndItsAnswerShown) {
  // The second is beyond what simdjson's numbers hold.
  for (const std::string number : {"7", "123456789012345678901234567890"}) {
    ScriptedCluster cluster;
    cluster.client->answers(201, R"({"kind":"Secret","metadata":{"uid":"u"},"n":)" + number + "}");
    std::string uid;
    const auto look = [&](const JsonView& answer) { uid = answer.member("metadata").member("uid").text(); };
    const std::string text = R"({"metadata":{"name":"x"}} )";
    ASSERT_TRUE(cluster.api->create_from_text(secrets("ns"), "x", text, look, cluster.within(seconds(30))));
    EXPECT_EQ(uid, "u");
    EXPECT_EQ(cluster.client->requests.at(0).method, "POST");
    EXPECT_EQ(cluster.client->requests.at(0).path, "/api/v1/namespaces/ns/secrets");
    EXPECT_EQ(cluster.client->requests.at(0).body, text);
  }
}

TEST(KubernetesApi, NothingIsShownWhereTheAnswerToATextIsNoObject) {
  for (const std::string body : {"[]", "", "{", R"({"kind":"Status","status":"Success"})"}) {
    ScriptedCluster cluster;
    cluster.client->answers(201, body);
    const auto look = [](const JsonView&) { ADD_FAILURE(); };
    const auto answer = cluster.api->create_from_text(secrets("ns"), "x", "{}", look, cluster.within(seconds(30)));
    ASSERT_FALSE(answer) << body;
    EXPECT_EQ(answer.error().kind, FailureKind::malformed);
    EXPECT_TRUE(answer.error().maybe_processed);
    EXPECT_EQ(answer.error().where, "Kubernetes API, create Secret ns/x");
  }
}

TEST(KubernetesApi, ATextThatMayHaveBeenCarriedOutEndsInAlreadyExists) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  cluster.client->answers(409, status_body(409, "AlreadyExists", "it exists"));
  const auto look = [](const JsonView&) { ADD_FAILURE(); };
  const auto answer = cluster.api->create_from_text(secrets("ns"), "x", "{}", look, cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::already_exists);
  EXPECT_EQ(cluster.client->requests.size(), 2u);
}

TEST(KubernetesApi, UpdatePutsAtTheObjectsOwnName) {
  ScriptedCluster cluster;
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->update(secrets("ns"), secret("x"), cluster.within(seconds(30))));
  EXPECT_EQ(cluster.client->requests.at(0).method, "PUT");
  EXPECT_EQ(cluster.client->requests.at(0).path, "/api/v1/namespaces/ns/secrets/x");
}

TEST(KubernetesApi, DeleteCarriesItsPreconditions) {
  ScriptedCluster cluster;
  cluster.client->answers(200, status_body(200, "", ""));
  ASSERT_TRUE(cluster.api->remove(secrets("ns"), "x", {"uid-1", "7"}, cluster.within(seconds(30))));
  EXPECT_EQ(cluster.client->requests.at(0).method, "DELETE");
  const auto body = Json::parse(cluster.client->requests.at(0).body);
  EXPECT_EQ(body["kind"], "DeleteOptions");
  EXPECT_EQ(body["preconditions"], (Json{{"uid", "uid-1"}, {"resourceVersion", "7"}}));
}

TEST(KubernetesApi, DeleteWithoutPreconditionsHasNoBody) {
  ScriptedCluster cluster;
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->remove(secrets("ns"), "x", {}, cluster.within(seconds(30))));
  EXPECT_EQ(cluster.client->requests.at(0).body, "");
}

TEST(KubernetesApi, AnEmptyNameNeverReachesTheCollection) {
  ScriptedCluster cluster;
  const auto removed = cluster.api->remove(secrets("ns"), "", {}, cluster.within(seconds(30)));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().kind, FailureKind::internal);
  EXPECT_FALSE(cluster.api->get(secrets("ns"), "", cluster.within(seconds(30))));
  EXPECT_FALSE(cluster.api->update(secrets("ns"), Json::object(), cluster.within(seconds(30))));
  EXPECT_TRUE(cluster.client->requests.empty());
}

TEST(KubernetesApi, BadUtf8IsReplacedBeforeItIsSent) {
  ScriptedCluster cluster;
  cluster.client->answers(201, "{}");
  const Json object{{"metadata", {{"name", "x"}}}, {"spec", {{"description", "a\xff"}}}};
  ASSERT_TRUE(cluster.api->create(applications(), object, cluster.within(seconds(30))));
  EXPECT_EQ(Json::parse(cluster.client->requests.at(0).body)["spec"]["description"], "a\xef\xbf\xbd");
}

TEST(KubernetesApi, APathPrefixOfTheServerIsKept) {
  auto config = plain_config();
  config.server = "https://rancher.example/k8s/clusters/c-1";
  ScriptedCluster cluster(config);
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.endpoints.at(0).server, "https://rancher.example");
  EXPECT_EQ(cluster.client->requests.at(0).path, "/k8s/clusters/c-1/api/v1/namespaces/ns/secrets/x");
}

TEST(KubernetesApi, WatchesHaveConnectionsOfTheirOwn) {
  ApiOptions options;
  options.max_connections = 4;
  options.max_watches = 3;
  ScriptedCluster cluster(plain_config(), options);
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  ASSERT_EQ(cluster.endpoints.size(), 2u);
  EXPECT_EQ(cluster.endpoints[0].max_connections, 4u);
  EXPECT_EQ(cluster.endpoints[1].max_connections, 3u);
}

TEST(KubernetesApi, TooManyRequestsIsTriedAgainAfterTheGivenSeconds) {
  ScriptedCluster cluster;
  cluster.client->answers(429, status_body(429, "TooManyRequests", "slow"), {{"Retry-After", "2"}});
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.clock.waits(), std::vector<long>{2000});
}

TEST(KubernetesApi, UnavailableIsTriedAgainAtTheGivenDate) {
  ScriptedCluster cluster;
  // The fake clock stands at 12:00:00.
  cluster.client->answers(503, "", {{"Retry-After", "Wed, 01 Jul 2026 12:00:05 GMT"}});
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.clock.waits(), std::vector<long>{5000});
}

TEST(KubernetesApi, RetryAfterSecondsOfTheDetailsAreHonoured) {
  ScriptedCluster cluster;
  cluster.client->answers(504, status_body(504, "Timeout", "slow", R"({"retryAfterSeconds":3})"));
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.clock.waits(), std::vector<long>{3000});
}

TEST(KubernetesApi, ARetryAfterBeyondTheDeadlineIsHandedBackAtOnce) {
  ScriptedCluster cluster;
  cluster.client->answers(429, "", {{"Retry-After", "20"}});
  const auto answer = cluster.api->update(secrets("ns"), secret("x"), cluster.within(seconds(10)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::rate_limited);
  EXPECT_EQ(answer.error().retry_after, seconds(20));
  EXPECT_TRUE(cluster.clock.waits().empty());
}

TEST(KubernetesApi, WithoutRetryAfterAnUnavailableServerIsTheCallersToPace) {
  ScriptedCluster cluster;
  cluster.client->answers(503, "");
  const auto answer = cluster.api->update(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::unavailable);
}

TEST(KubernetesApi, RetriesHaveACeiling) {
  ScriptedCluster cluster;
  for (int i = 0; i < 11; ++i)
    cluster.client->answers(429, "", {{"Retry-After", "1"}});
  EXPECT_FALSE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(3600))));
  EXPECT_EQ(cluster.client->requests.size(), 11u);
}

TEST(KubernetesApi, ACancelEndsTheWaitForRetryAfter) {
  ScriptedCluster cluster;
  auto context = cluster.within(seconds(30));
  cluster.client->then([&](const http::Request&, const http::DataReceiver*) -> Result<http::Response> {
    context.cancel.cancel();
    return http::Response{429, {{"Retry-After", "5"}}, {}};
  });
  const auto answer = cluster.api->get(secrets("ns"), "x", context);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::cancelled);
}

TEST(KubernetesApi, ACreateThatMayHaveBeenCarriedOutEndsInAlreadyExists) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  cluster.client->answers(409, status_body(409, "AlreadyExists", "secrets \"x\" already exists"));
  const auto answer = cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::already_exists);
}

TEST(KubernetesApi, ACreateThatWasLostOnTheWaySucceedsInItsRetry) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  cluster.client->answers(201, "{}");
  EXPECT_TRUE(cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30))));
}

TEST(KubernetesApi, ACreateThatTheServerGaveUpOnEndsInAlreadyExists) {
  ScriptedCluster cluster;
  cluster.client->answers(504, status_body(504, "Timeout", "request did not complete within the timeout"));
  cluster.client->answers(409, status_body(409, "AlreadyExists", "secrets \"x\" already exists"));
  const auto answer = cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::already_exists);
}

TEST(KubernetesApi, ALostGetIsSentAgainOnce) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
}

TEST(KubernetesApi, ACreateIsRetriedOnceOnly) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  cluster.client->fails(FailureKind::network, true);
  const auto answer = cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().maybe_processed);
  EXPECT_EQ(cluster.client->requests.size(), 2u);
}

TEST(KubernetesApi, AnUpdateThatMayHaveBeenCarriedOutIsNotRepeated) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  const auto answer = cluster.api->update(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().maybe_processed);
  EXPECT_EQ(answer.error().where, "Kubernetes API, update Secret ns/x");
}

TEST(KubernetesApi, OnlyADeleteWithAUidIsRepeated) {
  ScriptedCluster cluster;
  cluster.client->fails(FailureKind::network, true);
  EXPECT_FALSE(cluster.api->remove(secrets("ns"), "x", {}, cluster.within(seconds(30))));
  cluster.client->fails(FailureKind::network, true);
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->remove(secrets("ns"), "x", {"uid-1", ""}, cluster.within(seconds(30))));
}

TEST(KubernetesApi, AHostileAnswerIsAFailureWithoutItsContent) {
  ScriptedCluster cluster;
  cluster.client->answers(200, "{\"data\":{\"password\":\"hunter2\"},\"x\":" + std::string(100'000, '['));
  const auto answer = cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::malformed);
  EXPECT_EQ(answer.error().text().find("hunter2"), std::string::npos);
  EXPECT_FALSE(answer.error().maybe_processed);
}

TEST(KubernetesApi, AWriteWithAnUnreadableAnswerMayHaveBeenCarriedOut) {
  ScriptedCluster cluster;
  cluster.client->answers(201, "[]");
  const auto answer = cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().maybe_processed);
}

TEST(KubernetesApi, AStatusIsNotTakenForTheObjectThatWasAskedFor) {
  ScriptedCluster cluster;
  cluster.client->answers(200, R"({"kind": "Status", "apiVersion": "v1", "status": "Success"})");
  const auto answer = cluster.api->create(secrets("ns"), secret("x"), cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::malformed);
  EXPECT_TRUE(answer.error().maybe_processed);
}

TEST(ReadModifyWrite, WritesWhatWasReadWithTheChange) {
  ScriptedCluster cluster;
  cluster.client->answers(200, R"({"metadata":{"name":"x","resourceVersion":"9"},"unknown":{"z":1,"a":2}})");
  cluster.client->answers(200, R"({"written":true})");
  const auto written = read_modify_write(
      *cluster.api, secrets("ns"), "x",
      [](Json& object) {
        object["data"]["key"] = "dmFsdWU=";
        return true;
      },
      cluster.within(seconds(30)));
  ASSERT_TRUE(written);
  const auto sent = Json::parse(cluster.client->requests.at(1).body);
  EXPECT_EQ(sent["metadata"]["resourceVersion"], "9");
  EXPECT_EQ(sent["unknown"].dump(), R"({"z":1,"a":2})");
}

TEST(ReadModifyWrite, WritesNothingWhereNothingChanges) {
  ScriptedCluster cluster;
  cluster.client->answers(200, R"({"metadata":{"name":"x"}})");
  const auto read = read_modify_write(
      *cluster.api, secrets("ns"), "x", [](Json&) { return false; }, cluster.within(seconds(30)));
  ASSERT_TRUE(read);
  EXPECT_EQ(cluster.client->requests.size(), 1u);
}

TEST(ReadModifyWrite, AConflictReadsAgain) {
  ScriptedCluster cluster;
  cluster.client->answers(200, R"({"metadata":{"name":"x","resourceVersion":"1"}})");
  cluster.client->answers(409, status_body(409, "Conflict", "modified"));
  cluster.client->answers(200, R"({"metadata":{"name":"x","resourceVersion":"2"}})");
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(read_modify_write(
      *cluster.api, secrets("ns"), "x", [](Json&) { return true; }, cluster.within(seconds(30))));
  EXPECT_EQ(Json::parse(cluster.client->requests.at(3).body)["metadata"]["resourceVersion"], "2");
}

TEST(ReadModifyWrite, FiveConflictsAreAFailure) {
  ScriptedCluster cluster;
  for (int i = 0; i < 5; ++i) {
    cluster.client->answers(200, R"({"metadata":{"name":"x"}})");
    cluster.client->answers(409, status_body(409, "Conflict", "modified"));
  }
  const auto written = read_modify_write(
      *cluster.api, secrets("ns"), "x", [](Json&) { return true; }, cluster.within(seconds(30)));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, FailureKind::conflict);
  EXPECT_EQ(cluster.client->requests.size(), 10u);
}

TEST(ReadModifyWrite, AnyOtherFailureEndsIt) {
  ScriptedCluster cluster;
  cluster.client->answers(404, status_body(404, "NotFound", "none"));
  const auto written = read_modify_write(
      *cluster.api, secrets("ns"), "x", [](Json&) { return true; }, cluster.within(seconds(30)));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, FailureKind::not_found);
}

TEST(AccessReview, AsksForOneVerbOnOneObject) {
  ScriptedCluster cluster;
  cluster.client->answers(201, R"({"status":{"allowed":true}})");
  const auto answer = allowed(*cluster.api, "watch", secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(*answer);
  const auto& request = cluster.client->requests.at(0);
  EXPECT_EQ(request.path, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  EXPECT_EQ(Json::parse(request.body)["spec"]["resourceAttributes"],
            Json::parse(R"({"verb":"watch","resource":"secrets","version":"v1","namespace":"ns","name":"x"})"));
}

TEST(AccessReview, ADeniedReviewIsAnAnswer) {
  ScriptedCluster cluster;
  cluster.client->answers(201, R"({"status":{"allowed":false,"reason":"no"}})");
  const auto answer = allowed(*cluster.api, "watch", applications(), "", cluster.within(seconds(30)));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(*answer);
}

TEST(AccessReview, AForbiddenReviewIsAFailure) {
  ScriptedCluster cluster;
  cluster.client->answers(403, status_body(403, "Forbidden",
                                           "selfsubjectaccessreviews.authorization.k8s.io is forbidden: "
                                           "User \"u\" cannot create resource \"r\""));
  const auto answer = allowed(*cluster.api, "watch", applications(), "", cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::forbidden);
}

} // namespace
} // namespace runtime_agent::kubernetes
