#include <gtest/gtest.h>

#include "tests/unit/status_writer/status_writer_fixture.hpp"

namespace runtime_agent::status_writer {
namespace {

TEST_F(StatusWriterTest, AsksItsPeersForTheirFactsWhenItStarts) {
  EXPECT_EQ(config_watcher.received<FactsRequested>().size(), 1u);
  EXPECT_EQ(connection_manager.received<FactsRequested>().size(), 1u);
  EXPECT_EQ(director_fetcher.received<FactsRequested>().size(), 1u);
}

TEST_F(StatusWriterTest, WritesNothingBeforeItKnowsWhetherTheObjectIsThere) {
  system.tell(writer, connected());
  system.advance(1min);
  EXPECT_TRUE(api->calls().empty());
}

TEST_F(StatusWriterTest, CreatesTheObjectWithTheAbsencesId) {
  absent("absence-7");
  system.tell(writer, connected());
  EXPECT_EQ(state(), "Connected");
  EXPECT_EQ((*api->object(connections, "compass-connection"))["metadata"]["annotations"][reconnect_annotation],
            "absence-7");
}

TEST_F(StatusWriterTest, WritesAChangeOfStateAtOnce) {
  settle();
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  EXPECT_EQ(state(), "SynchronizationFailed");
}

TEST_F(StatusWriterTest, WritesMovedTimesOnceACycle) {
  settle();
  pass_ten_cycles();
  EXPECT_EQ(api->count("update"), 10u);
  EXPECT_EQ(api->calls().size(), 10u);
}

TEST_F(StatusWriterTest, WritesAtMostOnceASecondWhereTheStateStays) {
  settle();
  for (int i = 0; i < 20; ++i) {
    ConnectionReport report = connected();
    report.maintaining = FakeApi::failure(FailureKind::network, "try " + std::to_string(i));
    system.tell(writer, report);
    system.advance(100ms);
  }
  system.advance(2s);
  EXPECT_LE(api->count("update"), 4u);
  EXPECT_EQ((*api->object(connections, "compass-connection"))["status"]["connectionStatus"]["error"],
            "try 19: network");
}

TEST_F(StatusWriterTest, DoesNothingWhenItsOwnWriteComesBackByWatch) {
  settle();
  observe();
  observe();
  system.advance(1min);
  EXPECT_TRUE(api->calls().empty());
}

TEST_F(StatusWriterTest, ReadsAgainAndWritesAfterAConflict) {
  settle();
  Json edited = *api->object(connections, "compass-connection");
  edited["metadata"]["labels"]["mine"] = "yes"; // by a person, and not seen by the watch yet
  api->put(connections, edited);
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  EXPECT_EQ(state(), "SynchronizationFailed");
  EXPECT_EQ((*api->object(connections, "compass-connection"))["metadata"]["labels"]["mine"], "yes");
}

TEST_F(StatusWriterTest, TriesAgainWithBackOffWhileTheApiServerRefuses) {
  settle();
  api->refuse = [](const FakeApi::Call&) { return FakeApi::failure(FailureKind::unavailable, "API server"); };
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  system.advance(2min);
  EXPECT_LE(api->calls().size(), 10u);
  EXPECT_GE(api->calls().size(), 5u);
  api->refuse = nullptr;
  system.advance(31s);
  EXPECT_EQ(state(), "SynchronizationFailed");
}

TEST_F(StatusWriterTest, MakesTheObjectAnewAfterAPersonDeletedIt) {
  settle();
  const std::string uid = (*api->object(connections, "compass-connection"))["metadata"]["uid"];
  api->erase(connections, "compass-connection");
  absent(uid);
  EXPECT_EQ(state(), "Synchronized");
  auto annotations = (*api->object(connections, "compass-connection"))["metadata"]["annotations"];
  EXPECT_EQ(annotations[reconnect_annotation], uid);
  ConnectionReport report = connected();
  report.reconnect_served = uid;
  system.tell(writer, report);
  system.advance(2s);
  annotations = (*api->object(connections, "compass-connection"))["metadata"]["annotations"];
  EXPECT_FALSE(annotations.contains(reconnect_annotation));
}

TEST_F(StatusWriterTest, MakesTheObjectAnewThatIsDeletedWhileAWriteToItIsOnTheWay) {
  settle();
  const std::string uid = (*api->object(connections, "compass-connection"))["metadata"]["uid"];
  api->carried_out = [&](const FakeApi::Call& call) {
    if (call.verb != "update")
      return;
    api->erase(connections, "compass-connection");
    CompassConnectionObserved gone;
    gone.absence_id = uid;
    system.send(writer, gone); // heard before the answer
  };
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  ASSERT_TRUE(api->object(connections, "compass-connection"));
  EXPECT_EQ((*api->object(connections, "compass-connection"))["metadata"]["annotations"][reconnect_annotation], uid);
}

TEST_F(StatusWriterTest, KeepsAPersonsWishWhereAWriteMeetsTheDeletedObject) {
  settle();
  const std::string uid = (*api->object(connections, "compass-connection"))["metadata"]["uid"];
  api->refuse = [&](const FakeApi::Call& call) -> std::optional<Failure> {
    if (call.verb != "update" || !api->object(connections, "compass-connection"))
      return std::nullopt;
    api->erase(connections, "compass-connection");
    CompassConnectionObserved gone;
    gone.absence_id = uid;
    system.send(writer, gone); // heard before the answer: 404
    return FakeApi::failure(FailureKind::not_found, "API");
  };
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  system.advance(31s);
  ASSERT_TRUE(api->object(connections, "compass-connection"));
  EXPECT_EQ((*api->object(connections, "compass-connection"))["metadata"]["annotations"][reconnect_annotation], uid);
}

TEST_F(StatusWriterTest, NamesTheAbsenceOfItsObjectWhereConfigWatcherDoesNotKnowIt) {
  settle();
  const std::string uid = (*api->object(connections, "compass-connection"))["metadata"]["uid"];
  api->refuse = [](const FakeApi::Call&) { return FakeApi::failure(FailureKind::unavailable, "API"); };
  api->erase(connections, "compass-connection");
  absent("process-1"); // deleted while ConfigWatcher was being started anew
  absent("process-1");
  api->refuse = nullptr;
  system.advance(31s);
  EXPECT_EQ((*api->object(connections, "compass-connection"))["metadata"]["annotations"][reconnect_annotation], uid);
}

TEST_F(StatusWriterTest, AsksWhatIsThereWhenItsObjectIsGoneUnderAWrite) {
  settle();
  config_watcher.clear();
  api->erase(connections, "compass-connection");
  ConnectionReport report = connected();
  report.maintaining = FakeApi::failure(FailureKind::network, "Connector");
  system.tell(writer, report);
  EXPECT_EQ(config_watcher.received<FactsRequested>().size(), 1u);
  EXPECT_EQ(state(), "");
  absent("absence-2");
  system.advance(2s);
  EXPECT_EQ(state(), "ConnectionMaintenanceFailed");
}

TEST_F(StatusWriterTest, WaitsForALackingCrd) {
  api->refuse = [](const FakeApi::Call&) { return FakeApi::failure(FailureKind::not_found, "CRD"); };
  absent();
  system.tell(writer, connected());
  system.advance(5min);
  EXPECT_FALSE(system.death(writer));
  api->refuse = nullptr;
  system.advance(31s);
  EXPECT_EQ(state(), "Connected");
}

// Which of the two is known only when the object cannot be made anew.
TEST_F(StatusWriterTest, AsksForNoReconnectWhereTheObjectWentWithItsDefinition) {
  settle();
  api->erase(connections, "compass-connection");
  api->refuse = [](const FakeApi::Call&) {
    Failure failure = FakeApi::failure(FailureKind::refused, "Kubernetes API, create CompassConnection");
    failure.what = "403 Forbidden: create not allowed while custom resource definition is terminating";
    return failure;
  };
  absent("uid-1");
  system.advance(2s);
  absent("uid-1"); // told again
  api->refuse = nullptr;
  system.advance(31s);
  ASSERT_EQ(state(), "Synchronized");
  EXPECT_FALSE((*api->object(connections, "compass-connection"))["metadata"].contains("annotations"));
}

TEST_F(StatusWriterTest, KeepsTheWishToConnectAnewThroughA404ThatPasses) {
  settle();
  api->erase(connections, "compass-connection");
  api->refuse = [](const FakeApi::Call& call) -> std::optional<Failure> {
    return call.verb == "create" ? std::optional(FakeApi::failure(FailureKind::not_found, "a proxy")) : std::nullopt;
  };
  absent("uid-1");
  system.advance(2s);
  api->refuse = nullptr;
  system.advance(31s);
  const auto object = api->object(connections, "compass-connection");
  ASSERT_TRUE(object);
  EXPECT_EQ((*object)["metadata"]["annotations"]["runtime-agent.kyma-project.io/reconnect"], "uid-1");
}

TEST_F(StatusWriterTest, AsksForNoReconnectWhereTheDefinitionIsSeenToBeMissing) {
  settle();
  api->erase(connections, "compass-connection");
  CompassConnectionObserved observed;
  observed.definition_missing = true;
  system.tell(writer, observed);
  system.advance(31s);
  ASSERT_EQ(state(), "Synchronized");
  EXPECT_FALSE((*api->object(connections, "compass-connection"))["metadata"].contains("annotations"));
}

/// A cluster whose CRD knows neither conditions nor counts.
class PruningApi : public FakeApi {
public:
  Result<Json> create(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    return FakeApi::create(resource, pruned(object), context);
  }
  Result<Json> update(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    return FakeApi::update(resource, pruned(object), context);
  }

private:
  static Json pruned(Json object) {
    if (!object.contains("status"))
      return object;
    object["status"].erase("conditions");
    if (object["status"].contains("synchronizationStatus"))
      for (const char* field : {applications_field, failed_applications_field})
        object["status"]["synchronizationStatus"].erase(field);
    return object;
  }
};

TEST_F(StatusWriterTest, DoesNotMissConditionsAndCountsThatTheCrdDrops) {
  api = std::make_shared<PruningApi>();
  start();
  settle();
  system.advance(10min);
  EXPECT_TRUE(api->calls().empty());
  EXPECT_EQ(state(), "Synchronized");
  pass_ten_cycles();
  EXPECT_EQ(api->count("update"), 10u);
  EXPECT_EQ(api->calls().size(), 10u);
}

/// An API server gives an object's members in an order of its own.
class SortingApi : public FakeApi {
public:
  Result<Json> create(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    return sorted(FakeApi::create(resource, object, context));
  }
  Result<Json> update(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    if (resource.subresource == "status")
      ++status_writes;
    return sorted(FakeApi::update(resource, object, context));
  }
  int status_writes = 0;

private:
  static Result<Json> sorted(Result<Json> object) {
    return object ? Result<Json>(Json(nlohmann::json(*object))) : object;
  }
};

TEST_F(StatusWriterTest, DoesNotMissTheOrderInWhichItWroteAStatus) {
  const auto sorting = std::make_shared<SortingApi>();
  api = sorting;
  start();
  settle();
  pass_ten_cycles();
  EXPECT_EQ(state(), "Synchronized");
  EXPECT_EQ(sorting->status_writes, 0);
  EXPECT_EQ(api->calls().size(), 10u);
}

TEST_F(StatusWriterTest, TellsEachChangeOfStateAndEachProblemOnce) {
  std::vector<std::string> told;
  Settings settings;
  settings.happened = [&](const Happening& happening) {
    told.push_back(happening.reason + (happening.application.empty() ? "" : " " + happening.application));
  };
  writer = system.spawn<StatusWriter>(peers, settings, api);
  system.run();
  settle();
  SynchronizationReport failing = synchronized();
  DesiredStateApplied applied;
  applied.problems = {{"mp-shop", "refused"}};
  failing.applied = std::make_shared<const DesiredStateApplied>(applied);
  for (int cycle = 0; cycle < 3; ++cycle) {
    failing.last_attempt = system.wall_now();
    system.tell(writer, failing);
    system.advance(20s);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"Connected", "Synchronized", "ApplicationFailed mp-shop",
                                            "ResourceApplicationFailed"}));
}

TEST_F(StatusWriterTest, TellsAChangeOfStateThatTheWatchShowsBeforeTheWriteIsAnswered) {
  std::vector<std::string> told;
  Settings settings;
  settings.happened = [&](const Happening& happening) { told.push_back(happening.reason); };
  writer = system.spawn<StatusWriter>(peers, settings, api);
  system.run();
  settle();
  told.clear();
  api->carried_out = [this](const FakeApi::Call& call) {
    if (call.verb != "update")
      return;
    CompassConnectionObserved observed;
    observed.object = std::make_shared<const Json>(*api->object(connections, "compass-connection"));
    system.send(writer, observed);
  };
  SynchronizationReport failing = synchronized();
  failing.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, failing);
  system.advance(2s);
  EXPECT_EQ(told, std::vector<std::string>{"SynchronizationFailed"});
}

class EachMessage : public StatusWriterTest, public testing::WithParamInterface<const char*> {};

TEST_P(EachMessage, ThatItThrowsAtLeavesTheStatusRightAfterTheRestart) {
  settle();
  system.crash_switch().arm("StatusWriter", GetParam());
  ConnectionReport report = connected();
  report.maintaining = FakeApi::failure(FailureKind::network, "Connector");
  system.tell(writer, report);
  SynchronizationReport synchronization = synchronized();
  system.tell(writer, synchronization);
  if (!system.death(writer))
    observe();
  system.advance(3s);
  ASSERT_TRUE(system.death(writer)) << "the switch did not strike";
  start();
  // What the peers answer to FactsRequested.
  observe();
  system.tell(writer, report);
  system.tell(writer, synchronization);
  system.advance(3s);
  EXPECT_EQ(state(), "ConnectionMaintenanceFailed");
}

INSTANTIATE_TEST_SUITE_P(StatusWriter, EachMessage,
                         testing::Values("ConnectionReport", "SynchronizationReport", "CompassConnectionObserved",
                                         "CallFinished"));

} // namespace
} // namespace runtime_agent::status_writer
