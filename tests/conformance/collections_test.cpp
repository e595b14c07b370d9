// Lists in pages, selectors and watches.
#include "tests/conformance/fixture.hpp"

namespace runtime_agent::conformance {

using testing::ElementsAre;
using testing::HasSubstr;

namespace {

std::vector<std::string> names(const Json& items) {
  std::vector<std::string> list;
  for (const auto& item : items)
    list.push_back(item["metadata"]["name"].get<std::string>());
  return list;
}

Json labelled(Json object, const std::string& key, const std::string& value) {
  object["metadata"]["labels"][key] = value;
  return object;
}

std::string version_of(const Json& object) {
  return object["metadata"]["resourceVersion"].get<std::string>();
}

/// "ADDED name", "DELETED name"
std::vector<std::string> told(const std::vector<Json>& events) {
  std::vector<std::string> list;
  for (const auto& event : events)
    if (event["type"] != "BOOKMARK")
      list.push_back(event["type"].get<std::string>() + " " + event["object"]["metadata"]["name"].get<std::string>());
  return list;
}

} // namespace

TEST_P(KubernetesApi, ListsInPagesThatShowOneVersion) {
  for (const auto* suffix : {"a", "b", "c"})
    create(applications, labelled(application(name(suffix)), "set", name()));
  const auto selected = std::string(applications) + "?labelSelector=set%3D" + name() + "&limit=2";
  const auto first = cluster().get(selected).body;
  EXPECT_THAT(names(first["items"]), ElementsAre(name("a"), name("b")));
  create(applications, labelled(application(name("bb")), "set", name()));
  // The last page of custom resources carries an empty token, that of built-in ones carries none.
  std::vector<std::string> rest;
  for (auto token = first["metadata"].value("continue", ""); !token.empty();) {
    const auto page = cluster().get(selected + "&continue=" + token).body;
    EXPECT_EQ(version_of(page), version_of(first));
    const auto more = names(page["items"]);
    rest.insert(rest.end(), more.begin(), more.end());
    token = page["metadata"].value("continue", "");
  }
  EXPECT_THAT(rest, ElementsAre(name("c")));
}

TEST_P(KubernetesApi, EndsAListOfCustomResourcesWithAnEmptyTokenAndOneOfSecretsWithNone) {
  EXPECT_EQ(cluster().get(applications).body["metadata"].value("continue", "none"), "");
  EXPECT_EQ(cluster().get(secrets).body["metadata"].value("continue", "none"), "none");
}

TEST_P(KubernetesApi, RefusesAContinueTokenThatItDidNotMake) {
  expect_status(cluster().get(std::string(applications) + "?limit=1&continue=abc"), 400, "BadRequest");
}

TEST_P(KubernetesApi, ListsCustomResourcesWithTheirKindAndSecretsWithout) {
  create(applications, labelled(application(name()), "set", name()));
  create(secrets, labelled(secret(name()), "set", name()));
  const auto custom = cluster().get(std::string(applications) + "?labelSelector=set%3D" + name()).body;
  EXPECT_EQ(custom["kind"], "ApplicationList");
  EXPECT_EQ(custom["items"][0]["kind"], "Application");
  const auto typed = cluster().get(std::string(secrets) + "?labelSelector=set%3D" + name()).body;
  EXPECT_EQ(typed["kind"], "SecretList");
  EXPECT_FALSE(typed["items"][0].contains("kind"));
  EXPECT_FALSE(typed["items"][0].contains("apiVersion"));
}

TEST_P(KubernetesApi, SelectsByLabels) {
  create(secrets, labelled(labelled(secret(name("a")), "set", name()), "tier", "x"));
  create(secrets, labelled(labelled(secret(name("b")), "set", name()), "tier", "y"));
  create(secrets, labelled(secret(name("c")), "set", name()));
  const auto select = [&](const std::string& more) {
    return names(cluster().get(std::string(secrets) + "?labelSelector=set%3D" + name() + more).body["items"]);
  };
  EXPECT_THAT(select("%2Ctier%3Dx"), ElementsAre(name("a")));
  EXPECT_THAT(select("%2Ctier%21%3Dx"), ElementsAre(name("b"), name("c")));
  EXPECT_THAT(select("%2Ctier"), ElementsAre(name("a"), name("b")));
  EXPECT_THAT(select("%2C%21tier"), ElementsAre(name("c")));
  EXPECT_THAT(select("%2Ctier%20in%20(x%2Cy)"), ElementsAre(name("a"), name("b")));
}

TEST_P(KubernetesApi, SelectsByNameField) {
  create(secrets, secret(name("a")));
  create(secrets, secret(name("b")));
  EXPECT_THAT(names(cluster().get(std::string(secrets) + "?fieldSelector=metadata.name%3D" + name("b")).body["items"]),
              ElementsAre(name("b")));
}

TEST_P(KubernetesApi, RefusesFieldsThatCannotBeSelected) {
  const auto response = cluster().get(std::string(applications) + "?fieldSelector=spec.description%3Dx");
  expect_status(response, 400, "BadRequest");
  EXPECT_EQ(message(response), "field label not supported: spec.description");
}

TEST_P(KubernetesApi, SaysTimeoutForAVersionThatDoesNotExistYet) {
  const auto response = cluster().get(std::string(applications) + "?resourceVersion=999999999");
  expect_status(response, 504, "Timeout");
  EXPECT_EQ(response.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}

TEST_P(KubernetesApi, DeletesACollectionBySelector) {
  create(secrets, labelled(secret(name("a")), "set", name()));
  create(secrets, secret(name("b")));
  EXPECT_EQ(cluster().remove(std::string(secrets) + "?labelSelector=set%3D" + name()).status, 200);
  EXPECT_EQ(cluster().get(at(secrets, name("a"))).status, 404);
  EXPECT_EQ(cluster().get(at(secrets, name("b"))).status, 200);
}

TEST_P(KubernetesApi, WatchesFromTheVersionOfAList) {
  const auto since = version_of(cluster().get(std::string(secrets) + "?limit=1").body);
  auto object = create(secrets, secret(name()));
  object["data"] = {{"a", "YQ=="}};
  cluster().put(at(secrets, name()), object);
  cluster().remove(at(secrets, name()));
  const auto events = cluster().watch(std::string(secrets) + "?watch=true&timeoutSeconds=10&resourceVersion=" + since +
                                          "&fieldSelector=metadata.name%3D" + name(),
                                      3);
  EXPECT_THAT(told(events), ElementsAre("ADDED " + name(), "MODIFIED " + name(), "DELETED " + name()));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0]["object"]["kind"], "Secret");
  EXPECT_GT(version_of(events[2]["object"]), version_of(events[1]["object"]));
}

TEST_P(KubernetesApi, WatchesWithoutAVersionFromThePresentState) {
  create(applications, labelled(application(name()), "set", name()));
  const auto events =
      cluster().watch(std::string(applications) + "?watch=true&timeoutSeconds=10&labelSelector=set%3D" + name(), 1);
  EXPECT_THAT(told(events), ElementsAre("ADDED " + name()));
}

TEST_P(KubernetesApi, TellsAWatchBySelectorThatAnObjectCameAndLeft) {
  auto object = create(applications, application(name()));
  const auto since = version_of(object);
  object = cluster().put(at(applications, name()), labelled(object, "set", name())).body;
  object["metadata"].erase("labels");
  cluster().put(at(applications, name()), object);
  const auto events = cluster().watch(std::string(applications) + "?watch=true&timeoutSeconds=10&labelSelector=set%3D" +
                                          name() + "&resourceVersion=" + since,
                                      2);
  EXPECT_THAT(told(events), ElementsAre("ADDED " + name(), "DELETED " + name()));
}

TEST_P(KubernetesApi, EndsAWatchAfterItsTimeWithABookmark) {
  const auto since = version_of(cluster().get(std::string(applications) + "?limit=1").body);
  const auto events = cluster().watch(std::string(applications) +
                                      "?watch=true&timeoutSeconds=3&allowWatchBookmarks=true&resourceVersion=" + since);
  for (const auto& event : events) {
    EXPECT_EQ(event["type"], "BOOKMARK") << event;
    EXPECT_EQ(event["object"]["kind"], "Application");
    EXPECT_FALSE(version_of(event["object"]).empty());
  }
}

TEST_P(KubernetesApi, MarksTheEndOfTheInitialList) {
  const auto events =
      cluster().watch(std::string(applications) +
                          "?watch=true&timeoutSeconds=10&allowWatchBookmarks=true&sendInitialEvents=true&"
                          "resourceVersionMatch=NotOlderThan&labelSelector=set%3D" +
                          name(),
                      1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "BOOKMARK");
  EXPECT_EQ(events[0]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

TEST_P(KubernetesApi, ListsAndWatchesMetadataAloneWhereThatIsAskedFor) {
  const auto object = create(secrets, secret(name(), {{"key", "c2VjcmV0"}}));
  const auto one = "fieldSelector=metadata.name%3D" + name();
  cluster().accept("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json");
  const auto list = cluster().get(std::string(secrets) + "?" + one).body;
  EXPECT_EQ(list["kind"], "PartialObjectMetadataList");
  EXPECT_FALSE(version_of(list).empty());
  ASSERT_THAT(names(list["items"]), ElementsAre(name()));
  EXPECT_EQ(version_of(list["items"][0]), version_of(object));
  EXPECT_FALSE(list["items"][0].contains("data"));
  cluster().accept("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json");
  const auto events = cluster().watch(std::string(secrets) + "?watch=true&timeoutSeconds=10&" + one, 1);
  ASSERT_THAT(told(events), ElementsAre("ADDED " + name()));
  EXPECT_EQ(events[0]["object"]["kind"], "PartialObjectMetadata");
  EXPECT_EQ(version_of(events[0]["object"]), version_of(object));
  EXPECT_FALSE(events[0]["object"].contains("data"));
  cluster().accept("application/json");
}

} // namespace runtime_agent::conformance
