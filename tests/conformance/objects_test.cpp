// Reading and writing single objects.
#include "tests/conformance/fixture.hpp"

namespace runtime_agent::conformance {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_P(KubernetesApi, GivesACreatedObjectIdentityVersionAndTime) {
  const auto made = create(applications, application(name(), {{"description", "x"}}));
  EXPECT_EQ(made["metadata"]["uid"].get<std::string>().size(), 36U);
  EXPECT_FALSE(made["metadata"]["resourceVersion"].get<std::string>().empty());
  EXPECT_EQ(made["metadata"]["generation"], 1);
  EXPECT_TRUE(made["metadata"]["creationTimestamp"].get<std::string>().ends_with("Z"));
}

TEST_P(KubernetesApi, ReadsBackWhatWasCreated) {
  const auto made = create(secrets, secret(name(), {{"key", "dmFsdWU="}}));
  EXPECT_EQ(cluster().get(at(secrets, name())).body, made);
}

TEST_P(KubernetesApi, SaysNotFoundByResourceAndName) {
  const auto response = cluster().get(at(applications, name()));
  expect_status(response, 404, "NotFound");
  EXPECT_EQ(message(response), "applications.applicationconnector.kyma-project.io \"" + name() + "\" not found");
  EXPECT_EQ(response.body["details"]["kind"], "applications");
}

TEST_P(KubernetesApi, SaysNotFoundWithoutAStatusForAGroupThatNobodyServes) {
  const auto response = cluster().get("/apis/nobody.example.com/v1/things");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.text, "404 page not found\n");
}

TEST_P(KubernetesApi, RefusesASecondCreationAsAlreadyExists) {
  create(secrets, secret(name()));
  const auto response = cluster().post(secrets, secret(name()));
  expect_status(response, 409, "AlreadyExists");
  EXPECT_EQ(message(response), "secrets \"" + name() + "\" already exists");
}

TEST_P(KubernetesApi, MakesANameFromGenerateName) {
  auto object = application("");
  object["metadata"] = {{"generateName", name("g") + "-"}};
  const auto response = cluster().post(applications, object);
  ASSERT_EQ(response.status, 201);
  const auto made = response.body["metadata"]["name"].get<std::string>();
  at(applications, made);
  EXPECT_TRUE(made.starts_with(name("g") + "-"));
  EXPECT_EQ(made.size(), name("g").size() + 6);
}

TEST_P(KubernetesApi, RefusesToCreateInAMissingNamespace) {
  const auto response = cluster().post("/api/v1/namespaces/" + name() + "/secrets", secret("x"));
  expect_status(response, 404, "NotFound");
  EXPECT_EQ(message(response), "namespaces \"" + name() + "\" not found");
  EXPECT_EQ(response.body["details"]["kind"], "namespaces");
}

TEST_P(KubernetesApi, ListsNothingInAMissingNamespace) {
  const auto response = cluster().get("/api/v1/namespaces/" + name() + "/secrets");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body["items"].empty());
}

TEST_P(KubernetesApi, RefusesAResourceVersionOnCreation) {
  auto object = secret(name());
  object["metadata"]["resourceVersion"] = "5";
  const auto response = cluster().post(secrets, object);
  expect_status(response, 500, "");
  EXPECT_EQ(message(response), "resourceVersion should not be set on objects to be created");
}

TEST_P(KubernetesApi, KeepsTheVersionWhenAnUpdateChangesNothing) {
  const auto made = create(applications, application(name(), {{"description", "x"}}));
  const auto response = cluster().put(at(applications, name()), made);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

TEST_P(KubernetesApi, MovesTheGenerationWithTheSpecOnly) {
  auto object = create(applications, application(name()));
  object["metadata"]["labels"] = {{"a", "b"}};
  object = cluster().put(at(applications, name()), object).body;
  EXPECT_EQ(object["metadata"]["generation"], 1);
  object["spec"]["description"] = "new";
  object = cluster().put(at(applications, name()), object).body;
  EXPECT_EQ(object["metadata"]["generation"], 2);
}

TEST_P(KubernetesApi, MovesTheGenerationWithTheStatusWhereThereIsNoSubresource) {
  auto object = create(connections, {{"apiVersion", "compass.kyma-project.io/v1alpha1"},
                                     {"kind", "CompassConnection"},
                                     {"metadata", {{"name", name()}}},
                                     {"spec", {{"managementInfo", {{"connectorUrl", ""}, {"directorUrl", ""}}}}}});
  object["status"] = {{"connectionState", "Connected"}, {"connectionStatus", {{"certificateStatus", Json::object()}}}};
  const auto written = cluster().put(at(connections, name()), object);
  EXPECT_EQ(written.body["metadata"]["generation"], 2) << written.text;
  EXPECT_EQ(written.body["status"]["connectionState"], "Connected");
}

TEST_P(KubernetesApi, RefusesAStaleUpdateAsConflict) {
  auto object = create(applications, application(name()));
  const auto stale = object;
  object["spec"]["description"] = "new";
  ASSERT_EQ(cluster().put(at(applications, name()), object).status, 200);
  const auto response = cluster().put(at(applications, name()), stale);
  expect_status(response, 409, "Conflict");
  EXPECT_THAT(message(response),
              HasSubstr("the object has been modified; please apply your changes to the latest version"));
}

TEST_P(KubernetesApi, RefusesAnUpdateOfACustomResourceWithoutVersion) {
  auto object = create(applications, application(name()));
  object["metadata"].erase("resourceVersion");
  const auto response = cluster().put(at(applications, name()), object);
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("metadata.resourceVersion"));
}

TEST_P(KubernetesApi, TakesAnUpdateOfASecretWithoutVersion) {
  create(secrets, secret(name(), {{"a", "YQ=="}}));
  const auto response = cluster().put(at(secrets, name()), secret(name(), {{"b", "Yg=="}}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["data"], (Json{{"b", "Yg=="}}));
}

TEST_P(KubernetesApi, RefusesAnUpdateOfAnotherUidAsConflict) {
  auto object = create(secrets, secret(name()));
  object["metadata"]["uid"] = "11111111-1111-4111-8111-111111111111";
  const auto response = cluster().put(at(secrets, name()), object);
  expect_status(response, 409, "Conflict");
  EXPECT_THAT(message(response), HasSubstr("Precondition failed: UID in precondition"));
}

TEST_P(KubernetesApi, RefusesAnUpdateOfWhatIsNotThere) {
  expect_status(cluster().put(at(secrets, name()), secret(name())), 404, "NotFound");
}

TEST_P(KubernetesApi, RefusesAnUpdateUnderAnotherName) {
  const auto made = create(secrets, secret(name()));
  expect_status(cluster().put(at(secrets, name("b")), made), 400, "BadRequest");
}

TEST_P(KubernetesApi, KeepsIdentityOverAnUpdateThatLeavesItOut) {
  const auto made = create(applications, application(name()));
  auto object = application(name(), {{"description", "new"}});
  object["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"];
  const auto written = cluster().put(at(applications, name()), object).body;
  EXPECT_EQ(written["metadata"]["uid"], made["metadata"]["uid"]);
  EXPECT_EQ(written["metadata"]["creationTimestamp"], made["metadata"]["creationTimestamp"]);
}

TEST_P(KubernetesApi, AnswersADeletionWithSuccess) {
  create(secrets, secret(name()));
  const auto response = cluster().remove(at(secrets, name()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["status"], "Success");
  EXPECT_EQ(response.body["details"]["name"], name());
  expect_status(cluster().get(at(secrets, name())), 404, "NotFound");
}

TEST_P(KubernetesApi, RefusesADeletionWithAnotherUid) {
  create(secrets, secret(name()));
  const auto response = cluster().remove(at(secrets, name()), Json{{"preconditions", {{"uid", "x"}}}});
  expect_status(response, 409, "Conflict");
  EXPECT_THAT(message(response), HasSubstr("the UID in the precondition (x) does not match the UID in record"));
  EXPECT_EQ(cluster().get(at(secrets, name())).status, 200);
}

TEST_P(KubernetesApi, RefusesADeletionWithAnotherVersion) {
  create(secrets, secret(name()));
  expect_status(cluster().remove(at(secrets, name()), Json{{"preconditions", {{"resourceVersion", "1"}}}}), 409,
                "Conflict");
}

TEST_P(KubernetesApi, KeepsAnObjectWithFinalizersUntilTheLastIsGone) {
  auto object = application(name());
  object["metadata"]["finalizers"] = {"example.com/one"};
  create(applications, object);
  const auto held = cluster().remove(at(applications, name()));
  EXPECT_EQ(held.status, 200);
  EXPECT_TRUE(held.body["metadata"].contains("deletionTimestamp")) << held.text;
  auto now = cluster().get(at(applications, name())).body;
  EXPECT_EQ(now["metadata"]["generation"], 2);
  now["metadata"].erase("finalizers");
  EXPECT_EQ(cluster().put(at(applications, name()), now).status, 200);
  EXPECT_EQ(cluster().get(at(applications, name())).status, 404);
}

TEST_P(KubernetesApi, TakesNoNewFinalizerWhileAnObjectIsBeingDeleted) {
  auto object = application(name());
  object["metadata"]["finalizers"] = {"example.com/one"};
  create(applications, object);
  auto held = cluster().remove(at(applications, name())).body;
  held["metadata"]["finalizers"].push_back("example.com/two");
  const auto response = cluster().put(at(applications, name()), held);
  expect_status(response, 422, "Invalid");
  EXPECT_EQ(causes(response).at(0), "metadata.finalizers");
}

TEST_P(KubernetesApi, KeepsALeaseWithItsMicroseconds) {
  const Json lease = {
      {"apiVersion", "coordination.k8s.io/v1"},
      {"kind", "Lease"},
      {"metadata", {{"name", name()}}},
      {"spec", {{"holderIdentity", "me"}, {"leaseDurationSeconds", 15}, {"renewTime", "2026-01-01T00:00:00.000000Z"}}}};
  const auto made = create(leases, lease);
  EXPECT_EQ(made["spec"], lease["spec"]);
}

TEST_P(KubernetesApi, RefusesALeaseTimeWithoutMicroseconds) {
  const Json lease = {{"apiVersion", "coordination.k8s.io/v1"},
                      {"kind", "Lease"},
                      {"metadata", {{"name", name()}}},
                      {"spec", {{"renewTime", "2026-01-01T00:00:00Z"}}}};
  expect_status(cluster().post(leases, lease), 400, "BadRequest");
}

TEST_P(KubernetesApi, MergesAMergePatch) {
  create(applications, application(name(), {{"description", "x"}, {"displayName", "y"}}));
  const auto response = cluster().request("PATCH", at(applications, name()), Json{{"spec", {{"description", nullptr}}}},
                                          "application/merge-patch+json");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["spec"], (Json{{"displayName", "y"}, {"encodeUrl", true}}));
}

TEST_P(KubernetesApi, RefusesAStrategicMergePatchOfACustomResource) {
  create(applications, application(name()));
  const auto response =
      cluster().request("PATCH", at(applications, name()), Json::object(), "application/strategic-merge-patch+json");
  expect_status(response, 415, "UnsupportedMediaType");
}

TEST_P(KubernetesApi, KnowsTheCallerByItsToken) {
  const auto response = cluster().raw("GET", secrets, "", "", "nobody's token");
  expect_status(response, 401, "Unauthorized");
  EXPECT_EQ(message(response), "Unauthorized");
}

TEST_P(KubernetesApi, ForbidsByUserVerbResourceAndNamespace) {
  const auto list = cluster().raw("GET", secrets, "", "", std::nullopt);
  expect_status(list, 403, "Forbidden");
  EXPECT_EQ(message(list),
            "secrets is forbidden: User \"system:anonymous\" cannot list resource \"secrets\" in API group \"\" "
            "in the namespace \"compass-system\"");
  const auto get = cluster().raw("GET", std::string(applications) + "/x", "", "", std::nullopt);
  expect_status(get, 403, "Forbidden");
  EXPECT_EQ(
      message(get),
      "applications.applicationconnector.kyma-project.io \"x\" is forbidden: User \"system:anonymous\" cannot get "
      "resource \"applications\" in API group \"applicationconnector.kyma-project.io\" at the cluster scope");
}

TEST_P(KubernetesApi, ReviewsTheCallersOwnAccess) {
  const auto response =
      cluster().post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                     {{"apiVersion", "authorization.k8s.io/v1"},
                      {"kind", "SelfSubjectAccessReview"},
                      {"spec", {{"resourceAttributes", {{"verb", "watch"}, {"resource", "secrets"}}}}}});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body["status"]["allowed"], true);
}

TEST_P(KubernetesApi, AllowsNoMethodThatTheResourceHasNot) {
  expect_status(cluster().put(secrets, Json::object()), 405, "MethodNotAllowed");
}

TEST_P(KubernetesApi, HasTheCustomResourceDefinitions) {
  const auto response = cluster().get(
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/applications.applicationconnector.kyma-project.io");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body["spec"]["names"]["kind"], "Application");
  EXPECT_EQ(response.body["status"]["acceptedNames"]["plural"], "applications");
}

} // namespace runtime_agent::conformance
