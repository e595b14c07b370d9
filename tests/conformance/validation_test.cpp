// What the server refuses, drops and fills in.
#include "tests/conformance/fixture.hpp"

namespace runtime_agent::conformance {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST_P(KubernetesApi, RefusesANameThatIsNoSubdomain) {
  const auto response = cluster().post(applications, application("Bad_Name"));
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("metadata.name"));
  EXPECT_THAT(message(response), HasSubstr("a lowercase RFC 1123 subdomain must consist of"));
}

TEST_P(KubernetesApi, TakesANameOf253CharactersAndNoLonger) {
  const auto longest = name() + std::string(253 - name().size(), 'x');
  create(applications, application(longest));
  expect_status(cluster().post(applications, application(longest + "x")), 422, "Invalid");
}

TEST_P(KubernetesApi, RefusesLabelsThatAreInvalidOrTooLong) {
  auto object = secret(name());
  object["metadata"]["labels"] = {{"app", std::string(64, 'x')}};
  expect_status(cluster().post(secrets, object), 422, "Invalid");
  object["metadata"]["labels"] = {{"app", "-x"}};
  expect_status(cluster().post(secrets, object), 422, "Invalid");
  object["metadata"]["labels"] = {{"-app", "x"}};
  const auto response = cluster().post(secrets, object);
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("metadata.labels"));
}

TEST_P(KubernetesApi, TakesLabelValuesOf63CharactersAndEmptyOnes) {
  auto object = secret(name());
  object["metadata"]["labels"] = {{"app", std::string(63, 'x')}, {"empty", ""}};
  EXPECT_EQ(create(secrets, object)["metadata"]["labels"], object["metadata"]["labels"]);
}

TEST_P(KubernetesApi, RefusesAnOwnerReferenceWithoutUid) {
  auto object = secret(name());
  object["metadata"]["ownerReferences"] = Json::array({{{"apiVersion", "v1"}, {"kind", "X"}, {"name", "x"}}});
  const auto response = cluster().post(secrets, object);
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("metadata.ownerReferences.uid"));
}

TEST_P(KubernetesApi, RefusesSecretDataThatIsNoBase64) {
  const auto response = cluster().post(secrets, secret(name(), {{"a", "***"}}));
  expect_status(response, 400, "BadRequest");
  EXPECT_EQ(message(response),
            "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 0");
}

TEST_P(KubernetesApi, RefusesSecretKeysOutsideOfTheirCharacters) {
  const auto response = cluster().post(secrets, secret(name(), {{"a b", "YQ=="}}));
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("data[a b]"));
}

TEST_P(KubernetesApi, MovesStringDataIntoData) {
  auto object = secret(name(), {{"a", "YQ=="}});
  object["stringData"] = {{"b", "plain"}, {"a", "other"}};
  const auto made = create(secrets, object);
  EXPECT_EQ(made["data"], (Json{{"a", "b3RoZXI="}, {"b", "cGxhaW4="}}));
  EXPECT_FALSE(made.contains("stringData"));
  EXPECT_EQ(made["type"], "Opaque");
}

TEST_P(KubernetesApi, KeepsTheTypeOfASecret) {
  auto object = create(secrets, secret(name()));
  object["type"] = "example.com/other";
  const auto response = cluster().put(at(secrets, name()), object);
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), ElementsAre("type"));
}

TEST_P(KubernetesApi, DropsUnknownFieldsWithAWarning) {
  auto object = application(name(), {{"description", "x"}, {"unknown", {{"a", 1}}}});
  at(applications, name());
  const auto response = cluster().post(applications, object);
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body["spec"], (Json{{"description", "x"}, {"encodeUrl", true}}));
  const auto warning = response.headers.find("Warning");
  ASSERT_NE(warning, response.headers.end());
  EXPECT_EQ(warning->second, "299 - \"unknown field \\\"spec.unknown\\\"\"");
}

TEST_P(KubernetesApi, RefusesUnknownFieldsWhereStrictnessIsAskedFor) {
  const auto response =
      cluster().post(std::string(applications) + "?fieldValidation=Strict", application(name(), {{"unknown", 1}}));
  expect_status(response, 400, "BadRequest");
  EXPECT_THAT(message(response), HasSubstr("strict decoding error: unknown field \"spec.unknown\""));
}

TEST_P(KubernetesApi, FillsInTheDefaultOfEncodeUrl) {
  EXPECT_EQ(create(applications, application(name()))["spec"], (Json{{"encodeUrl", true}}));
}

TEST_P(KubernetesApi, KeepsEncodeUrlFalse) {
  EXPECT_EQ(create(applications, application(name(), {{"encodeUrl", false}}))["spec"]["encodeUrl"], false);
}

TEST_P(KubernetesApi, DropsNullsExceptWhereTheyAreAllowed) {
  const auto made = create(
      applications, application(name(), {{"description", nullptr}, {"encodeUrl", nullptr}, {"labels", nullptr}}));
  EXPECT_EQ(made["spec"], (Json{{"encodeUrl", true}, {"labels", nullptr}}));
}

TEST_P(KubernetesApi, ValidatesTypesEnumerationsPatternsAndRequiredFields) {
  const auto response = cluster().post(
      applications,
      application(name(), {{"skipVerify", "yes"},
                           {"description", 5},
                           {"accessLabel", "!!"},
                           {"labels", {{"a", 5}}},
                           {"services", {{{"id", "x"}, {"name", "x"}, {"entries", {{{"type", "Other"}}}}}}}}));
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response),
              UnorderedElementsAre("spec.skipVerify", "spec.description", "spec.accessLabel", "spec.labels.a",
                                   "spec.services[0].entries[0].type", "spec.services[0].displayName",
                                   "spec.services[0].providerDisplayName", "spec.services[0].description"));
}

TEST_P(KubernetesApi, RequiresManagementInfoOfACompassConnection) {
  const auto response = cluster().post(
      connections, {{"apiVersion", "compass.kyma-project.io/v1alpha1"},
                    {"kind", "CompassConnection"},
                    {"metadata", {{"name", name()}}},
                    {"spec", Json::object()},
                    {"status", {{"connectionState", "x"}, {"connectionStatus", {{"lastSync", "yesterday"}}}}}});
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(causes(response), UnorderedElementsAre("spec.managementInfo", "status.connectionStatus.lastSync",
                                                     "status.connectionStatus.certificateStatus"));
}

TEST_P(KubernetesApi, RefusesAnotherApiVersion) {
  auto object = application(name());
  object["apiVersion"] = "v1";
  expect_status(cluster().post(applications, object), 400, "BadRequest");
}

TEST_P(KubernetesApi, RefusesABodyThatIsNoJson) {
  const auto response = cluster().request("POST", secrets, Json("text"));
  expect_status(response, 400, "BadRequest");
}

TEST_P(KubernetesApi, RefusesASecretOverOneMegabyte) {
  auto object = secret(name());
  object["stringData"] = {{"a", std::string(1048577, 'x')}};
  const auto response = cluster().post(secrets, object);
  expect_status(response, 422, "Invalid");
  EXPECT_THAT(message(response), HasSubstr("Too long: may not be more than 1048576 bytes"));
}

TEST_P(KubernetesApi, RefusesAnObjectThatTheStorageCannotHold) {
  const auto response = cluster().post(applications, application(name(), {{"description", std::string(1600000, 'x')}}));
  expect_status(response, 500, "");
  EXPECT_EQ(message(response), "etcdserver: request is too large");
}

TEST_P(KubernetesApi, RefusesABodyOverThreeMegabytes) {
  const auto response = cluster().post(applications, application(name(), {{"description", std::string(3200000, 'x')}}));
  expect_status(response, 413, "RequestEntityTooLarge");
}

} // namespace runtime_agent::conformance
