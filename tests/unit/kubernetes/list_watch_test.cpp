#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;

std::string page(const std::string& version, const std::string& continue_token, const std::vector<std::string>& names) {
  Json list{{"kind", "SecretList"}, {"metadata", {{"resourceVersion", version}, {"continue", continue_token}}}};
  list["items"] = Json::array();
  for (const auto& name : names)
    list["items"].push_back({{"metadata", {{"name", name}}}});
  return list.dump();
}

std::string line(const std::string& type, const std::string& version) {
  return Json{{"type", type}, {"object", {{"metadata", {{"resourceVersion", version}}}}}}.dump() + "\n";
}

struct Listing {
  std::vector<std::string> names;
  ObjectReceiver receiver() {
    return [this](Json&& object) { names.push_back(object["metadata"]["name"].get<std::string>()); };
  }
};

struct Watching {
  std::vector<EventType> types;
  EventReceiver receiver() {
    return [this](EventType type, Json&&) { types.push_back(type); };
  }
};

TEST(KubernetesList, FollowsEveryPage) {
  ScriptedCluster cluster;
  cluster.client->answers(200, page("8", "a+b", {"one", "two"}));
  cluster.client->answers(200, page("8", "", {"three"}));
  Listing listing;
  const auto version =
      cluster.api->list(secrets("ns"), {.limit = 2, .label_selector = "app=x,y in (z)", .field_selector = {}},
                        listing.receiver(), cluster.within(seconds(30)));
  ASSERT_TRUE(version) << version.error().text();
  EXPECT_EQ(*version, "8");
  EXPECT_EQ(listing.names, (std::vector<std::string>{"one", "two", "three"}));
  const std::string path = "/api/v1/namespaces/ns/secrets?labelSelector=app%3Dx%2Cy%20in%20%28z%29&limit=2";
  EXPECT_EQ(cluster.client->requests.at(0).path, path);
  EXPECT_EQ(cluster.client->requests.at(1).path, path + "&continue=a%2Bb");
}

TEST(KubernetesList, AnExpiredContinueMeansAFullList) {
  ScriptedCluster cluster;
  cluster.client->answers(200, page("8", "next", {"one"}));
  cluster.client->answers(410, status_body(410, "Expired", "the provided continue parameter is too old"));
  cluster.client->answers(200, page("9", "", {"two", "three"}));
  Listing listing;
  ListOptions options;
  options.on_restart = [&] { listing.names.clear(); };
  const auto version = cluster.api->list(secrets("ns"), options, listing.receiver(), cluster.within(seconds(30)));
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, "9");
  EXPECT_EQ(listing.names, (std::vector<std::string>{"two", "three"}));
  EXPECT_EQ(cluster.client->requests.at(2).path, "/api/v1/namespaces/ns/secrets");
}

TEST(KubernetesList, AFirstPageThatIsGoneIsAFailure) {
  ScriptedCluster cluster;
  cluster.client->answers(410, status_body(410, "Expired", "old"));
  Listing listing;
  const auto version = cluster.api->list(secrets("ns"), {}, listing.receiver(), cluster.within(seconds(30)));
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind, FailureKind::gone);
}

TEST(KubernetesList, APageThatContinuesWithItselfIsAFailure) {
  ScriptedCluster cluster;
  cluster.client->answers(200, page("8", "next", {}));
  cluster.client->answers(200, page("8", "next", {}));
  Listing listing;
  const auto version = cluster.api->list(secrets("ns"), {}, listing.receiver(), cluster.within(seconds(30)));
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().kind, FailureKind::malformed);
}

TEST(KubernetesList, AFailureOnALaterPageIsTheListsFailure) {
  ScriptedCluster cluster;
  cluster.client->answers(200, page("8", "next", {"one"}));
  cluster.client->answers(500, "");
  Listing listing;
  const auto version = cluster.api->list(secrets("ns"), {}, listing.receiver(), cluster.within(seconds(30)));
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().where, "Kubernetes API, list Secret in ns");
}

TEST(KubernetesWatch, AsksForBookmarksFromTheVersionOn) {
  ScriptedCluster cluster;
  cluster.client->streams({line("ADDED", "6"), line("BOOKMARK", "10")});
  Watching watching;
  const auto version = cluster.api->watch(secrets("ns"), {"5", seconds(321), seconds(77), "app=x", "metadata.name=y"},
                                          watching.receiver(), cluster.within(seconds(400)));
  ASSERT_TRUE(version) << version.error().text();
  EXPECT_EQ(*version, "10");
  EXPECT_EQ(watching.types, (std::vector<EventType>{EventType::added, EventType::bookmark}));
  EXPECT_EQ(cluster.client->requests.at(0).path,
            "/api/v1/namespaces/ns/secrets?watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=321&"
            "labelSelector=app%3Dx&fieldSelector=metadata.name%3Dy");
  EXPECT_EQ(cluster.client->last_idle_limit, seconds(77));
}

TEST(KubernetesWatch, AndAListMayAskForMetadataAlone) {
  ScriptedCluster cluster;
  cluster.client->answers(200, page("8", "", {"one"}));
  ASSERT_TRUE(cluster.api->list(
      secrets("ns"), {.label_selector = {}, .field_selector = {}, .metadata_only = true}, [](Json&&) {},
      cluster.within(seconds(30))));
  EXPECT_EQ(cluster.client->requests.at(0).headers.at(0).second,
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json");
}

TEST(KubernetesWatch, EventsMayBeCutAnywhere) {
  const std::string stream = line("ADDED", "6") + "\n" + line("MODIFIED", "7") + line("DELETED", "8");
  for (std::size_t size = 1; size <= stream.size(); ++size) {
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < stream.size(); at += size)
      pieces.push_back(stream.substr(at, size));
    ScriptedCluster cluster;
    cluster.client->streams(pieces);
    Watching watching;
    const auto version =
        cluster.api->watch(secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
                           watching.receiver(), cluster.within(seconds(400)));
    ASSERT_TRUE(version);
    EXPECT_EQ(*version, "8");
    EXPECT_EQ(watching.types.size(), 3u);
  }
}

Result<std::string> watch_of(const std::vector<std::string>& pieces, ApiOptions options = {}) {
  ScriptedCluster cluster(plain_config(), options);
  cluster.client->streams(pieces);
  Watching watching;
  return cluster.api->watch(secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
                            watching.receiver(), cluster.within(seconds(400)));
}

TEST(KubernetesWatch, PausesAfterAnEventAndNotAfterWhatHadComeMeanwhile) {
  ScriptedCluster cluster;
  cluster.client->then([&](const http::Request&, const http::DataReceiver* receive) -> Result<http::Response> {
    for (int burst = 0; burst < 2; ++burst) {
      cluster.clock.advance(milliseconds(300));
      for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE((*receive)(line("ADDED", std::to_string(6 + i))));
    }
    http::Response response;
    response.status = 200;
    return response;
  });
  Watching watching;
  WatchOptions options;
  options.resource_version = "5";
  ASSERT_TRUE(cluster.api->watch(secrets("ns"), options, watching.receiver(), cluster.within(seconds(400))));
  EXPECT_EQ(watching.types.size(), 2000u);
  EXPECT_EQ(cluster.clock.waits(), (std::vector<long>{10, 10}));
}

TEST(KubernetesWatch, AnEventThatIsKnownGoesNoFurther) {
  ScriptedCluster cluster;
  cluster.client->streams({line("ADDED", "6"), line("MODIFIED", "7"), line("DELETED", "8"), line("BOOKMARK", "9")});
  Watching watching;
  std::vector<EventType> asked;
  WatchOptions options;
  options.resource_version = "5";
  options.known = [&](EventType type, const ObjectHead& head) {
    asked.push_back(type);
    return head.resource_version == "7" || head.resource_version == "9";
  };
  const auto version = cluster.api->watch(secrets("ns"), options, watching.receiver(), cluster.within(seconds(400)));
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, "9");
  EXPECT_EQ(asked, (std::vector{EventType::added, EventType::modified, EventType::deleted, EventType::bookmark}));
  EXPECT_EQ(watching.types, (std::vector{EventType::added, EventType::deleted}));
}

TEST(KubernetesWatch, WhatIsNoEventIsNotAskedAbout) {
  for (const std::string& text : {std::string("oops\n"), line("OTHER", "6"), line("ADDED", ""),
                                  R"({"type":"ERROR","object":)" + status_body(410, "Expired", "too old") + "}\n"}) {
    ScriptedCluster cluster;
    cluster.client->streams({text});
    Watching watching;
    WatchOptions options;
    options.known = [](EventType, const ObjectHead&) { return true; };
    EXPECT_FALSE(cluster.api->watch(secrets("ns"), options, watching.receiver(), cluster.within(seconds(400)))) << text;
  }
}

TEST(KubernetesWatch, AnEndWithoutEventsKeepsTheVersion) {
  EXPECT_EQ(watch_of({}).value(), "5");
}

TEST(KubernetesWatch, AnErrorEventOfAnExpiredVersionIsGone) {
  const auto ended =
      watch_of({R"({"type":"ERROR","object":)" + status_body(410, "Expired", "too old") + "}\n", line("ADDED", "6")});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::gone);
  EXPECT_EQ(ended.error().where, "Kubernetes API, watch Secret in ns");
}

TEST(KubernetesWatch, AStatusOfAnExpiredVersionIsGone) {
  ScriptedCluster cluster;
  cluster.client->answers(410, status_body(410, "Expired", "too old"));
  Watching watching;
  const auto ended =
      cluster.api->watch(secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
                         watching.receiver(), cluster.within(seconds(400)));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::gone);
}

TEST(KubernetesWatch, AnEndInTheMiddleOfAnEventIsANetworkFailure) {
  const auto ended = watch_of({line("ADDED", "6"), R"({"type":"MODI)"});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::network);
}

TEST(KubernetesWatch, AnEventHasABound) {
  ApiOptions options;
  options.max_object_bytes = 1000;
  const auto ended = watch_of({std::string(600, 'x'), std::string(600, 'x')}, options);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::too_large);
}

TEST(KubernetesWatch, WhatIsNoEventIsMalformed) {
  for (const std::string text :
       {"[]\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":{}}\n",
        "{\"type\":\"OTHER\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n", "x\n"}) {
    const auto ended = watch_of({text});
    ASSERT_FALSE(ended) << text;
    EXPECT_EQ(ended.error().kind, FailureKind::malformed) << text;
  }
}

TEST(KubernetesWatch, ALostStreamIsNotReplayed) {
  ScriptedCluster cluster;
  cluster.client->then([](const http::Request&, const http::DataReceiver* receive) -> Result<http::Response> {
    (*receive)(line("ADDED", "6"));
    Failure failure;
    failure.kind = FailureKind::network;
    failure.maybe_processed = true;
    return failed(failure);
  });
  Watching watching;
  EXPECT_FALSE(cluster.api->watch(secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
                                  watching.receiver(), cluster.within(seconds(400))));
  EXPECT_EQ(cluster.client->requests.size(), 1u);
}

} // namespace
} // namespace runtime_agent::kubernetes
