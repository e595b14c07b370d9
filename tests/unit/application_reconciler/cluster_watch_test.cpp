#include "actors/application_reconciler/cluster_view.hpp"

#include <gtest/gtest.h>

#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"

namespace runtime_agent::application_reconciler {
namespace {

using kubernetes::EventType;
using kubernetes::Json;
using Kind = ApplicationsEvent::Kind;

struct Recorder {
  std::vector<ApplicationsEvent> events;
  RecentWrites<ObservedApplication> written;
  CollectionHandler<ObservedApplication> handler{
      [this](ApplicationsEvent event) { events.push_back(std::move(event)); }, written};
};

Json object(const std::string& name, const std::string& uid = "1") {
  return {{"metadata", {{"name", name}, {"uid", uid}}}};
}

TEST(CollectionHandler, TellsAListAtOnceWhenItIsComplete) {
  Recorder recorder;
  recorder.handler.list_started();
  recorder.handler.listed(object("a"));
  recorder.handler.listed(object("b"));
  EXPECT_TRUE(recorder.events.empty());
  recorder.handler.list_finished("7");
  ASSERT_EQ(recorder.events.size(), 1u);
  EXPECT_EQ(recorder.events[0].kind, Kind::replaced);
  EXPECT_EQ(recorder.events[0].all->size(), 2u);
}

TEST(CollectionHandler, ForgetsAListThatStartsOver) {
  Recorder recorder;
  recorder.handler.list_started();
  recorder.handler.listed(object("gone"));
  recorder.handler.list_started();
  recorder.handler.listed(object("a"));
  recorder.handler.list_finished("7");
  EXPECT_EQ(recorder.events.at(0).all->count("gone"), 0u);
}

TEST(CollectionHandler, TellsChangesAndDeletionsWithTheUid) {
  Recorder recorder;
  recorder.handler.event(EventType::added, object("a", "u1"));
  recorder.handler.event(EventType::deleted, object("a", "u1"));
  ASSERT_EQ(recorder.events.size(), 2u);
  EXPECT_EQ(recorder.events[0].kind, Kind::changed);
  EXPECT_EQ(recorder.events[0].entry->uid, "u1");
  EXPECT_EQ(recorder.events[1].kind, Kind::deleted);
  EXPECT_EQ(recorder.events[1].uid, "u1");
}

ObservedApplication entry(const std::string& uid, const std::string& version) {
  ObservedApplication application;
  application.uid = uid;
  application.resource_version = version;
  application.managed = true;
  return application;
}

TEST(CollectionHandler, TellsOfAWriteWhatItsAnswerSaid) {
  Recorder recorder;
  recorder.written.remember(entry("u1", "5"));
  EXPECT_TRUE(recorder.handler.known(EventType::added, {"a", "u1", "5"}));
  ASSERT_EQ(recorder.events.size(), 1u);
  EXPECT_EQ(recorder.events[0].kind, Kind::changed);
  EXPECT_EQ(recorder.events[0].name, "a");
  EXPECT_EQ(recorder.events[0].uid, "u1");
  EXPECT_EQ(recorder.events[0].entry->resource_version, "5");
  EXPECT_TRUE(recorder.events[0].entry->managed);
  EXPECT_FALSE(recorder.handler.known(EventType::added, {"a", "u1", "5"})) << "it is told once";
}

TEST(CollectionHandler, DoesNotTakeAnotherVersionForItsOwn) {
  Recorder recorder;
  recorder.written.remember(entry("u1", "5"));
  EXPECT_FALSE(recorder.handler.known(EventType::modified, {"a", "u1", "6"}));
  EXPECT_FALSE(recorder.handler.known(EventType::modified, {"a", "u2", "5"})) << "another server's counting";
  EXPECT_FALSE(recorder.handler.known(EventType::deleted, {"a", "u1", "5"}));
  EXPECT_TRUE(recorder.events.empty());
}

TEST(RecentWrites, KeepsTheYoungest) {
  RecentWrites<ObservedApplication> written;
  constexpr auto capacity = RecentWrites<ObservedApplication>::capacity;
  for (std::size_t i = 0; i <= capacity; ++i)
    written.remember(entry("u", std::to_string(i)));
  EXPECT_FALSE(written.take("u", "0"));
  EXPECT_TRUE(written.take("u", "1"));
  EXPECT_TRUE(written.take("u", std::to_string(capacity)));
  written.remember(entry("u", ""));
  EXPECT_FALSE(written.take("u", "")) << "without a version it is not known which it was";
}

TEST(WatchCollection, TellsTheListAndThenThatWatchingIsForbidden) {
  tests::InMemoryCluster cluster; // which forbids watches
  tests::reconcile_once(cluster, tests::director_data({tests::shop("a")}), MappingSettings());
  const CancelToken cancel;
  std::vector<Kind> kinds;
  RecentWrites<ObservedApplication> written;
  const auto emit = [&](const ApplicationsEvent& event) {
    kinds.push_back(event.kind);
    if (event.kind == Kind::polling)
      cancel.cancel();
  };
  watch_collection<ObservedApplication>(cluster, kubernetes::applications(), {}, written, cancel, emit);
  EXPECT_EQ(kinds, (std::vector{Kind::replaced, Kind::polling}));
}

TEST(ClusterView, ADeletionOfAFormerObjectDoesNotHitItsSuccessor) {
  ClusterView view;
  bool missed = false;
  Recorder recorder;
  recorder.handler.event(EventType::added, object("a", "new"));
  recorder.handler.event(EventType::deleted, object("a", "old"));
  for (const auto& event : recorder.events)
    view.take(event, missed);
  ASSERT_NE(view.observed().application("a"), nullptr);
  EXPECT_EQ(view.observed().application("a")->uid, "new");
}

TEST(ClusterView, AnEventDuringThePassCountsMoreThanWhatTheWriteSaw) {
  ClusterView view;
  bool missed = false;
  view.pass_started();
  Recorder recorder;
  recorder.handler.event(EventType::modified, object("a", "of the event"));
  view.take(recorder.events[0], missed);
  ApplicationOutcome outcome;
  outcome.applications.emplace_back("a", observed_application(object("a", "of the write")));
  outcome.applications.emplace_back("b", observed_application(object("b", "of the write")));
  view.learn(outcome);
  EXPECT_EQ(view.observed().application("a")->uid, "of the event");
  EXPECT_EQ(view.observed().application("b")->uid, "of the write");
}

} // namespace
} // namespace runtime_agent::application_reconciler
