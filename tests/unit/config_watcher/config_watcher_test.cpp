#include <gtest/gtest.h>

#include "actors/config_watcher/config_watcher.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "tests/unit/support/test_system.hpp"

namespace runtime_agent::config_watcher {
namespace {

using namespace std::chrono_literals;
using kubernetes::Json;
using tests::FakeApi;
using tests::FakePeer;
using tests::TestSystem;

constexpr const char* configuration_watch = "watch the configuration object";
constexpr const char* connection_watch = "watch the CompassConnection";
const Source source{ObjectKind::config_map, "compass-system", "compass-agent-configuration"};

class ConfigWatcherTest : public testing::Test {
protected:
  ConfigWatcherTest() {
    peers.connection_manager = connection_manager.handle();
    peers.director_fetcher = director_fetcher.handle();
    peers.status_writer = status_writer.handle();
    start();
  }
  void start() {
    Settings settings;
    settings.source = source;
    settings.process_id = "process-1";
    watcher = system.spawn<ConfigWatcher>(peers, settings, api);
    system.run();
  }
  static Json configuration(const std::string& token) {
    return {{"metadata", {{"name", source.name}, {"namespace", source.namespace_}}},
            {"data", {{"CONNECTOR_URL", "https://connector"}, {"RUNTIME_ID", "r"}, {"TENANT", "t"}, {"TOKEN", token}}}};
  }
  static ObjectSeen seen(Json object) {
    ObjectSeen seen;
    seen.object = std::make_shared<const Json>(std::move(object));
    return seen;
  }
  void emit(const char* watch, ObjectSeen what) {
    system.io().emit(watch, std::move(what));
    system.run();
  }

  TestSystem system;
  FakePeer<ConnectionManagerActor> connection_manager{system};
  FakePeer<DirectorFetcherActor> director_fetcher{system};
  FakePeer<StatusWriterActor> status_writer{system};
  Peers peers;
  std::shared_ptr<FakeApi> api = std::make_shared<FakeApi>();
  ConfigWatcherActor watcher;
};

TEST_F(ConfigWatcherTest, TellsTheConfigurationAndItsChangesOnceEach) {
  emit(configuration_watch, seen(configuration("one")));
  emit(configuration_watch, seen(configuration("one"))); // another field changed
  emit(configuration_watch, seen(configuration("two")));
  const auto told = connection_manager.received<ConfigurationObserved>();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0].configuration->token.reveal(), "one");
  EXPECT_EQ(told[1].configuration->token.reveal(), "two");
}

TEST_F(ConfigWatcherTest, SaysWhichObjectIsMissingAndGoesOnWatching) {
  emit(configuration_watch, ObjectSeen{});
  ASSERT_TRUE(connection_manager.last<ConfigurationObserved>());
  EXPECT_EQ(connection_manager.last<ConfigurationObserved>()->problem->where,
            "ConfigMap compass-system/compass-agent-configuration");
  emit(configuration_watch, seen(configuration("one")));
  EXPECT_TRUE(connection_manager.last<ConfigurationObserved>()->configuration);
}

TEST_F(ConfigWatcherTest, KeepsTheFactWhileTheApiServerFails) {
  emit(configuration_watch, seen(configuration("one")));
  ObjectSeen failing;
  failing.failure = FakeApi::failure(FailureKind::unavailable, "API server");
  emit(configuration_watch, failing);
  EXPECT_EQ(connection_manager.received<ConfigurationObserved>().size(), 1u);
}

TEST_F(ConfigWatcherTest, ReadsEveryTwoSecondsWhileATokenIsNeededWhereWatchingIsForbidden) {
  ObjectSeen forbidden;
  forbidden.failure = FakeApi::failure(FailureKind::forbidden, "ConfigMap");
  emit(configuration_watch, forbidden);
  EXPECT_EQ(connection_manager.last<ConfigurationObserved>()->problem->kind, FailureKind::configuration);
  api->put(source.resource(), configuration("one"));
  system.advance(2s);
  ASSERT_TRUE(connection_manager.last<ConfigurationObserved>()->configuration);
  // Connected: no token is needed, so once a minute will do.
  emit(connection_watch, seen(Json::parse(R"({"metadata": {}, "status": {"connectionState": "Synchronized"}})")));
  system.advance(10s);
  api->clear_calls();
  system.advance(10min);
  EXPECT_EQ(api->count("get"), 10u);
  // Deleted: a token is needed at once.
  ObjectSeen deleted;
  deleted.deleted_uid = "uid-1";
  api->put(source.resource(), configuration("two"));
  emit(connection_watch, deleted);
  EXPECT_EQ(connection_manager.last<ConfigurationObserved>()->configuration->token.reveal(), "two");
}

TEST_F(ConfigWatcherTest, AsksForAReconnectWhenTheConnectionIsDeleted) {
  emit(connection_watch, seen(Json::parse(R"({"metadata": {"uid": "uid-1"}})")));
  EXPECT_TRUE(connection_manager.received<ReconnectRequested>().empty());
  ObjectSeen deleted;
  deleted.deleted_uid = "uid-1";
  emit(connection_watch, deleted);
  EXPECT_EQ(status_writer.last<CompassConnectionObserved>()->absence_id, "uid-1");
  EXPECT_FALSE(status_writer.last<CompassConnectionObserved>()->object);
  // Not before the object could be made anew: that is what tells a person's deletion from the definition's.
  EXPECT_TRUE(connection_manager.received<ReconnectRequested>().empty());
  emit(connection_watch, seen(Json::parse(R"({"metadata": {"uid": "uid-2",
                              "annotations": {"runtime-agent.kyma-project.io/reconnect": "uid-1"}}})")));
  ASSERT_EQ(connection_manager.received<ReconnectRequested>().size(), 1u);
  EXPECT_EQ(connection_manager.last<ReconnectRequested>()->id, "uid-1");
}

TEST_F(ConfigWatcherTest, TakesAMissingDefinitionForNobodysWish) {
  ObjectSeen missing;
  missing.failure = FakeApi::failure(FailureKind::not_found, "Kubernetes API, list CompassConnection");
  emit(connection_watch, missing);
  EXPECT_TRUE(status_writer.last<CompassConnectionObserved>()->definition_missing);
  // The definition is there again, and no object of it.
  emit(connection_watch, ObjectSeen{});
  EXPECT_FALSE(status_writer.last<CompassConnectionObserved>()->definition_missing);
  EXPECT_EQ(status_writer.last<CompassConnectionObserved>()->absence_id, "");
  EXPECT_TRUE(connection_manager.received<ReconnectRequested>().empty());
}

TEST_F(ConfigWatcherTest, AsksForAReconnectThatHasNotBeenServedBeforeARestart) {
  emit(connection_watch,
       seen(Json::parse(R"({"metadata": {"annotations": {"runtime-agent.kyma-project.io/reconnect": "uid-1"}}})")));
  EXPECT_EQ(connection_manager.last<ReconnectRequested>()->id, "uid-1");
}

TEST_F(ConfigWatcherTest, PassesAPersonsWishesOn) {
  emit(connection_watch, seen(Json::parse(
                             R"({"metadata": {"resourceVersion": "7"},
                                 "spec": {"resyncNow": true, "refreshCredentialsNow": true}})")));
  EXPECT_EQ(director_fetcher.last<ResyncRequested>()->id, "7");
  EXPECT_EQ(connection_manager.last<CredentialsRefreshRequested>()->id, "7");
}

TEST_F(ConfigWatcherTest, TellsEverythingAgainToAPeerThatHasStarted) {
  emit(configuration_watch, seen(configuration("one")));
  emit(connection_watch, seen(Json::parse(R"({"metadata": {"resourceVersion": "7"}, "spec": {"resyncNow": true}})")));
  connection_manager.clear();
  status_writer.clear();
  director_fetcher.clear();
  system.tell(watcher, FactsRequested{});
  EXPECT_EQ(connection_manager.received<ConfigurationObserved>().size(), 1u);
  EXPECT_EQ(status_writer.received<CompassConnectionObserved>().size(), 1u);
  EXPECT_EQ(director_fetcher.received<ResyncRequested>().size(), 1u);
}

TEST_F(ConfigWatcherTest, WritesNothing) {
  emit(configuration_watch, seen(configuration("one")));
  emit(connection_watch, ObjectSeen{});
  system.advance(1h);
  EXPECT_EQ(api->count("create") + api->count("update") + api->count("delete"), 0u);
}

class EachMessage : public ConfigWatcherTest, public testing::WithParamInterface<const char*> {};

TEST_P(EachMessage, ThatItThrowsAtIsRecoveredFromByTheRestart) {
  system.crash_switch().arm("ConfigWatcher", GetParam());
  system.tell(watcher, FactsRequested{});
  if (!system.death(watcher))
    emit(configuration_watch, seen(configuration("one")));
  ASSERT_TRUE(system.death(watcher)) << "the switch did not strike";
  start();
  connection_manager.clear();
  emit(configuration_watch, seen(configuration("one")));
  EXPECT_EQ(connection_manager.received<ConfigurationObserved>().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(ConfigWatcher, EachMessage, testing::Values("FactsRequested", "CallFinished"));

} // namespace
} // namespace runtime_agent::config_watcher
