#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::application;
using tests::bundle;
using tests::ClusterRequest;
using tests::director_data;
using tests::shop;
using tests::with_headers;
using tests::with_password;

std::optional<Failure> refuse(const ClusterRequest& request, FailureKind kind = FailureKind::unavailable) {
  return Failure{kind, "Kubernetes API, " + request.text(), "refused by the test", {}, {}, 0, false, {}};
}

TEST_F(ReconcilerTest, AsksDirectorFetcherForItsFactsWhenItStarts) {
  spawn();
  EXPECT_EQ(fetcher.received<FactsRequested>().size(), 1u);
}

TEST_F(ReconcilerTest, CreatesApplicationsThenTheirSecretsAndAnswers) {
  start();
  fetch(director_data({application("a", {with_headers(with_password(bundle("b")))})}));
  EXPECT_THAT(cluster->take_writes(),
              ElementsAre("create applications/mp-a", "create secrets/mp-a-b", "create secrets/params-mp-a-b"));
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["metadata"]["ownerReferences"][0]["uid"], uid("mp-a"));
  EXPECT_EQ(applied().sequence, 1u);
  EXPECT_EQ(applied().counts.created, 1u);
  EXPECT_EQ(applied().counts.secrets_written, 2u);
  EXPECT_FALSE(applied().failure);
}

TEST_F(ReconcilerTest, AnUnchangedFetchCostsNoRequestAtAll) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(cluster->take_log(), IsEmpty());
  EXPECT_EQ(applied().sequence, 2u);
  EXPECT_EQ(applied().counts.unchanged, 2u);
}

TEST_F(ReconcilerTest, AnswersOnceForEachFetchAndIsSilentAboutItsOwnWritesComingBack) {
  start();
  fetch(director_data({shop("a")}));
  EXPECT_EQ(fetcher.received<DesiredStateApplied>().size(), 1u);
}

TEST_F(ReconcilerTest, RepairsNothingBeforeTheFirstCompleteFetch) {
  cluster->put(apps, rogue("mp-old"));
  start();
  cluster->patch(apps, "mp-old", {{"spec", {{"description", "edited"}}}});
  watch();
  system.advance(1h);
  EXPECT_THAT(cluster->take_log(), IsEmpty());
}

TEST_F(ReconcilerTest, WaitsForBothListsBeforeItPlans) {
  spawn();
  fetch_only(director_data({shop("a")}));
  list_applications();
  EXPECT_THAT(application_names(), IsEmpty());
  list_secrets();
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
}

TEST_F(ReconcilerTest, PutsAnEditRightAtOnceAndLeavesWhatPeopleAdded) {
  start();
  fetch(director_data({shop("a")}));
  cluster->patch(apps, "mp-a",
                 {{"metadata", {{"annotations", {{"mine", "yes"}}}, {"labels", {{"team", "x"}}}}},
                  {"spec", {{"description", "hacked"}, {"displayName", "Mine"}, {"skipVerify", true}}}});
  watch();
  const Json live = *cluster->find(apps, "mp-a");
  EXPECT_EQ(live["spec"]["description"], "of a");
  EXPECT_EQ(live["spec"]["displayName"], "Mine");
  EXPECT_EQ(live["spec"]["skipVerify"], true);
  EXPECT_EQ(live["metadata"]["annotations"]["mine"], "yes");
  EXPECT_EQ(live["metadata"]["labels"]["team"], "x");
}

TEST_F(ReconcilerTest, AnEditOfWhatIsNotOursCausesNoRequest) {
  start();
  fetch(director_data({shop("a")}));
  cluster->take_log();
  cluster->patch(apps, "mp-a", {{"spec", {{"displayName", "Mine"}}}});
  cluster->patch(secrets, "mp-a-b",
                 {{"metadata", {{"annotations", {{"mine", "yes"}}}}}, {"data", {{"extra", "eA=="}}}});
  watch();
  EXPECT_THAT(cluster->take_log(), IsEmpty());
}

TEST_F(ReconcilerTest, MakesADeletedApplicationAnewAndMendsTheOwnersOfItsSecrets) {
  start();
  fetch(director_data({shop("a")}));
  const auto old = uid("mp-a");
  cluster->erase(apps, "mp-a");
  watch();
  EXPECT_NE(uid("mp-a"), old);
  const Json owners = (*cluster->find(secrets, "mp-a-b"))["metadata"]["ownerReferences"];
  ASSERT_EQ(owners.size(), 1u);
  EXPECT_EQ(owners[0]["uid"], uid("mp-a"));
}

TEST_F(ReconcilerTest, RestoresADeletedSecretAtOnce) {
  start();
  fetch(director_data({shop("a")}));
  cluster->erase(secrets, "mp-a-b");
  watch();
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b"));
}

TEST_F(ReconcilerTest, PutsLostLabelsOwnersAndKeysOfASecretRightAndKeepsTheRest) {
  start();
  fetch(director_data({shop("a")}));
  cluster->patch(secrets, "mp-a-b",
                 {{"metadata", {{"labels", {{"app", nullptr}, {"team", "x"}}}, {"ownerReferences", nullptr}}},
                  {"data", {{"password", nullptr}, {"extra", "eA=="}}}});
  watch();
  const Json live = *cluster->find(secrets, "mp-a-b");
  EXPECT_EQ(live["metadata"]["labels"]["app"], "mp-a");
  EXPECT_EQ(live["metadata"]["labels"]["team"], "x");
  EXPECT_EQ(live["metadata"]["ownerReferences"].size(), 1u);
  EXPECT_EQ(live["data"]["password"], "cGFzcw==");
  EXPECT_EQ(live["data"]["extra"], "eA==");
}

TEST_F(ReconcilerTest, DeletesAnApplicationWithCompassMetadataThatTheDirectorDoesNotHave) {
  start();
  fetch(director_data({shop("a")}));
  cluster->put(apps, rogue("mp-rogue"));
  watch();
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
}

TEST_F(ReconcilerTest, AdoptsAnApplicationWithCompassMetadataThatTheDirectorHas) {
  cluster->put(apps, rogue("mp-a"));
  start();
  fetch(director_data({shop("a")}));
  EXPECT_THAT(cluster->take_writes(), ElementsAre("create secrets/mp-a-b", "update applications/mp-a"));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "of a");
}

TEST_F(ReconcilerTest, NeverTouchesAnApplicationWithoutCompassMetadataAndReportsTheConflict) {
  cluster->put(apps, by_hand("mp-a"));
  cluster->put(apps, by_hand("other"));
  start();
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(cluster->take_writes(), ElementsAre("create applications/mp-b", "create secrets/mp-b-b"));
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(ReconcilerTest, LeavesAnApplicationWhoseCompassMetadataIsTakenAwayAndSaysSo) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  cluster->patch(apps, "mp-a", {{"spec", {{"compassMetadata", nullptr}, {"description", "mine now"}}}});
  cluster->erase(secrets, "mp-a-b");
  watch();
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(cluster->take_log(), IsEmpty());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(ReconcilerTest, RemovesTheSecretsOfARemovedBundleAndOfLostCredentials) {
  start();
  fetch(director_data({application("a", {with_headers(with_password(bundle("b"))), with_password(bundle("c"))})}));
  fetch(director_data({application("a", {with_headers(bundle("b"))})}));
  EXPECT_THAT(secret_names(), ElementsAre("params-mp-a-b"));
}

TEST_F(ReconcilerTest, RemovesAnApplicationAndThenItsSecretsOnly) {
  cluster->put(secrets, {{"metadata", {{"name", "mp-a-mine"}}}, {"data", {{"k", "eA=="}}}});
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  fetch(director_data({shop("b")}));
  EXPECT_THAT(cluster->take_writes(), ElementsAre("delete applications/mp-a", "delete secrets/mp-a-b"));
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-mine", "mp-b-b"));
}

TEST_F(ReconcilerTest, WaitsForAnApplicationThatFinalizersHoldAndMakesItAnewWhenItIsGone) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->patch(apps, "mp-a", {{"metadata", {{"finalizers", {"held"}}}}});
  watch();
  fetch(director_data({shop("b")}));
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b")) << "its Secrets go when it is gone";
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
  const auto old = uid("mp-a");
  cluster->patch(apps, "mp-a", {{"metadata", {{"finalizers", nullptr}}}});
  watch();
  EXPECT_NE(uid("mp-a"), old);
  EXPECT_THAT(applied().problems, IsEmpty()) << "said without another fetch";
}

TEST_F(ReconcilerTest, RemovesTheSecretsWhenTheLastFinalizerHasLetTheApplicationGo) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->patch(apps, "mp-a", {{"metadata", {{"finalizers", {"held"}}}}});
  watch();
  fetch(director_data({shop("b")}));
  cluster->patch(apps, "mp-a", {{"metadata", {{"finalizers", nullptr}}}});
  watch();
  EXPECT_THAT(secret_names(), ElementsAre("mp-b-b"));
}

TEST_F(ReconcilerTest, ReportsASecretThatSomethingElseControls) {
  cluster->put(
      secrets,
      {{"metadata",
        {{"name", "mp-a-b"},
         {"ownerReferences",
          {{{"apiVersion", "apps/v1"}, {"kind", "Deployment"}, {"name", "x"}, {"uid", "u"}, {"controller", true}}}}}}});
  start();
  fetch(director_data({shop("a")}));
  EXPECT_THAT(cluster->take_writes(), IsEmpty()) << "its Application would refer to it";
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(ReconcilerTest, TouchesNoneOfTwoApplicationsWithOneName) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  auto twin = shop("A");
  fetch(director_data({shop("a"), twin, shop("b"), shop("c")}));
  EXPECT_THAT(cluster->take_writes(), ElementsAre("create applications/mp-c", "create secrets/mp-c-b"));
  ASSERT_THAT(problem_names(), ElementsAre("mp-a"));
  EXPECT_THAT(applied().problems[0].reason, HasSubstr("id-A and id-a"));
}

TEST_F(ReconcilerTest, OneApplicationsFailureDoesNotStopTheOthers) {
  start();
  cluster->before = [](const ClusterRequest& request) {
    return request.name.starts_with("mp-b") ? refuse(request) : std::nullopt;
  };
  fetch(director_data({shop("a"), shop("b"), shop("c")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-c"));
  EXPECT_THAT(problem_names(), ElementsAre("mp-b"));
  EXPECT_EQ(applied().counts.failed, 1u);
}

TEST_F(ReconcilerTest, TriesWhatFailedAgainWithoutAnotherFetch) {
  start();
  bool refusing = true;
  cluster->before = [&](const ClusterRequest& request) { return refusing ? refuse(request) : std::nullopt; };
  fetch(director_data({shop("a")}));
  refusing = false;
  system.advance(10s);
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(ReconcilerTest, ReadsAgainAndMergesWhenSomebodyWritesInBetween) {
  start();
  fetch(director_data({shop("a")}));
  int edits = 0;
  cluster->before = [&](const ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() == "update applications/mp-a" && ++edits <= 3)
      cluster->patch(apps, "mp-a", {{"spec", {{"displayName", "edit " + std::to_string(edits)}}}});
    return std::nullopt;
  };
  auto changed = shop("a");
  changed.description = "new";
  fetch(director_data({changed}));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "new");
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["displayName"], "edit 3");
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(ReconcilerTest, LooksAtWhatIsThereWhenTheAnswerToItsCreationWasLost) {
  start();
  bool lost = false;
  cluster->before = [&](const ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() != "create applications/mp-a" || std::exchange(lost, true))
      return std::nullopt;
    cluster->put(apps, rogue("mp-a")); // as if carried out, in part
    return std::nullopt;
  };
  fetch(director_data({shop("a")}));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "of a");
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["metadata"]["ownerReferences"][0]["uid"], uid("mp-a"));
}

TEST_F(ReconcilerTest, ANewInstanceOverTheSameClusterFindsNothingToDo) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  start();
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(cluster->take_log(), IsEmpty());
}

TEST_F(ReconcilerTest, AnApiThatThrowsKillsTheActorAndItsSuccessorConverges) {
  start();
  cluster->before = [](const ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() == "create secrets/mp-b-b")
      throw std::logic_error("a bug");
    return std::nullopt;
  };
  fetch_only(director_data({shop("a"), shop("b"), shop("c")}));
  EXPECT_EQ(system.death(actor), "a bug");
  cluster->before = nullptr;
  start();
  cluster->take_changes();
  fetch(director_data({shop("a"), shop("b"), shop("c")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b", "mp-c"));
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b", "mp-c-b"));
}

TEST_F(ReconcilerTest, RepeatsItsLastAnswerWhenAPeerAsks) {
  start();
  system.tell(actor, FactsRequested{});
  EXPECT_TRUE(fetcher.received<DesiredStateApplied>().empty());
  fetch(director_data({shop("a")}));
  system.tell(actor, FactsRequested{});
  EXPECT_EQ(fetcher.received<DesiredStateApplied>().size(), 2u);
  EXPECT_EQ(applied().sequence, 1u);
}

TEST_F(ReconcilerTest, TheNewestFetchReplacesOneThatHasNotBeenStarted) {
  start();
  system.io().hold();
  fetch_only(director_data({shop("a")}));
  fetch_only(director_data({shop("b")}));
  fetch_only(director_data({shop("a"), shop("c")}));
  system.io().release();
  watch();
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-c"));
  const auto answers = fetcher.received<DesiredStateApplied>();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].sequence, 1u);
  EXPECT_EQ(answers[1].sequence, 3u);
}

TEST_F(ReconcilerTest, LosesNoEventThatComesWhileItPlans) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  system.io().hold();
  fetch_only(director_data({shop("a"), shop("b"), shop("c")}));
  system.io().run_one(); // mapped
  system.run();
  ASSERT_EQ(system.io().queued(), 1u) << "the plan is on its way";
  const auto b = *cluster->find(apps, "mp-b");
  cluster->erase(apps, "mp-a");
  cluster->erase(apps, "mp-b");
  cluster->put(apps, b); // made anew by somebody, and with another uid: the events count in their order
  watch();
  EXPECT_EQ(application_names(), std::vector<std::string>{"mp-b"});
  system.io().release();
  watch();
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b", "mp-c"));
}

TEST_F(ReconcilerTest, WritesNoMoreApplicationsAtOnceThanItMay) {
  settings.concurrency = 2;
  start();
  system.io().hold();
  fetch_only(director_data({shop("a"), shop("b"), shop("c"), shop("d"), shop("e")}));
  std::size_t most = 0;
  for (int i = 0; i < 100 && system.io().queued() > 0; ++i) {
    most = std::max(most, system.io().queued());
    system.io().run_one();
    system.run();
  }
  EXPECT_EQ(most, 2u);
  EXPECT_EQ(application_names().size(), 5u);
}

TEST_F(ReconcilerTest, SaysThatTheCustomResourceDefinitionIsLackingAndGoesOnWhenItIsThere) {
  spawn();
  emit(failing<ApplicationsEvent>(FailureKind::not_found));
  list_secrets();
  fetch(director_data({shop("a")}));
  ASSERT_TRUE(applied().failure);
  EXPECT_THAT(applied().failure->text(), HasSubstr("CustomResourceDefinition"));
  list_applications();
  EXPECT_THAT(application_names(), ElementsAre("mp-a"));
  EXPECT_FALSE(applied().failure);
}

} // namespace
} // namespace runtime_agent::application_reconciler
