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
  CollectionHandler<ObservedApplication> handler{
      [this](ApplicationsEvent event) { events.push_back(std::move(event)); }};
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

TEST(WatchCollection, TellsTheListAndThenThatWatchingIsForbidden) {
  tests::InMemoryCluster cluster; // which forbids watches
  tests::reconcile_once(cluster, tests::director_data({tests::shop("a")}), MappingSettings());
  const CancelToken cancel;
  std::vector<Kind> kinds;
  watch_collection<ObservedApplication>(cluster, kubernetes::applications(), {}, cancel, [&](ApplicationsEvent event) {
    kinds.push_back(event.kind);
    if (event.kind == Kind::polling)
      cancel.cancel();
  });
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
