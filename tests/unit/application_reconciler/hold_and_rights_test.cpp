#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// Deletions held back, fights with other programs, and the rights that the agent may lack.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::application;
using tests::bundle;
using tests::director_data;
using tests::shop;
using tests::with_password;

class HoldTest : public ReconcilerTest {
protected:
  void two_applications() {
    start();
    fetch(director_data({shop("a"), shop("b")}));
  }
};

TEST_F(HoldTest, HoldsBackTheDeletionOfEveryApplicationAndAsksForConfirmation) {
  two_applications();
  fetch(director_data({}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
  EXPECT_TRUE(applied().wants_confirmation);
  ASSERT_TRUE(applied().failure);
  EXPECT_THAT(applied().failure->text(), HasSubstr("mp-a, mp-b"));
}

TEST_F(HoldTest, DeletesWhenASecondFetchOverANewConnectionSaysTheSame) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), IsEmpty());
  EXPECT_THAT(secret_names(), IsEmpty());
  EXPECT_FALSE(applied().wants_confirmation);
  EXPECT_FALSE(applied().failure);
}

TEST_F(HoldTest, DoesNotTakeASecondFetchOverTheSameConnectionForAConfirmation) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(1h);
  fetch(director_data({}), 1);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, DoesNotTakeAFetchForAConfirmationThatComesTooEarly) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(9s);
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
  system.advance(1s);
  fetch(director_data({}), 3);
  EXPECT_THAT(application_names(), IsEmpty());
}

TEST_F(HoldTest, ForgetsADeletionThatTheSecondFetchNoLongerAsksFor) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  fetch(director_data({shop("a"), shop("b")}), 2);
  system.advance(10s);
  fetch(director_data({}), 3);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, DeletesTheOnlyApplicationAtOnce) {
  start();
  fetch(director_data({shop("a")}));
  fetch(director_data({}));
  EXPECT_THAT(application_names(), IsEmpty());
}

TEST_F(HoldTest, DoesEverythingButTheDeletionsMeanwhile) {
  two_applications();
  fetch(director_data({shop("c")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b", "mp-c"));
}

TEST_F(HoldTest, ARestartWhileDeletionsAreHeldBackStartsTheWaitAnew) {
  two_applications();
  fetch(director_data({}), 1);
  system.advance(10s);
  start();
  fetch(director_data({}), 2);
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
}

TEST_F(HoldTest, AChangeOfIsNormalizedRenamesAllApplicationsOnceConfirmed) {
  two_applications();
  fetch(director_data({shop("a"), shop("b")}, true), 1);
  EXPECT_THAT(application_names(), ElementsAre("a", "b", "mp-a", "mp-b")) << "made at once, deleted when confirmed";
  system.advance(10s);
  fetch(director_data({shop("a"), shop("b")}, true), 2);
  EXPECT_THAT(application_names(), ElementsAre("a", "b"));
  EXPECT_THAT(secret_names(), ElementsAre("a-b", "b-b"));
}

TEST_F(HoldTest, ARenameWhoseSecretsKeepTheirNamesKeepsTheSecrets) {
  start();
  const std::string long_name(40, 'x');
  fetch(director_data({shop(long_name + "-one")}));
  fetch(director_data({shop(long_name + "-two")}));
  ASSERT_EQ(secret_names().size(), 1u);
  const Json owners = cluster->all(secrets)[0]["metadata"]["ownerReferences"];
  ASSERT_EQ(owners.size(), 1u);
  EXPECT_EQ(owners[0]["name"], "mp-" + long_name + "-two");
}

class FightTest : public ReconcilerTest {
protected:
  void edit() {
    cluster->patch(apps, "mp-a", {{"spec", {{"description", "hacked"}}}});
    watch();
  }
  bool hacked() const { return (*cluster->find(apps, "mp-a"))["spec"]["description"] == "hacked"; }
};

TEST_F(FightTest, BacksOffFromWhatNeedsToBePutRightMoreThanThreeTimesAMinuteAndSaysSo) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 3; ++i) {
    edit();
    EXPECT_FALSE(hacked());
  }
  edit();
  EXPECT_TRUE(hacked());
  EXPECT_THAT(problem_names(), ElementsAre("mp-a"));
}

TEST_F(FightTest, GoesOnWhenTheMinuteIsOver) {
  start();
  fetch(director_data({shop("a")}));
  for (int i = 0; i < 4; ++i)
    edit();
  system.advance(59s);
  EXPECT_TRUE(hacked());
  system.advance(2s);
  EXPECT_FALSE(hacked());
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(FightTest, ChangesOfTheDirectorAreNoFight) {
  start();
  for (int i = 0; i < 6; ++i) {
    auto changed = shop("a");
    changed.description = "version " + std::to_string(i);
    fetch(director_data({changed}));
    EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], *changed.description);
  }
}

class RightsTest : public ReconcilerTest {
protected:
  /// Today's rights: Applications may be listed, but not watched; Secrets neither.
  void start_with_todays_rights() {
    spawn();
    list_applications();
    emit(failing<ApplicationsEvent>(FailureKind::forbidden, ApplicationsEvent::Kind::polling));
    emit(failing<SecretsEvent>(FailureKind::forbidden));
  }
  std::size_t count(const std::vector<std::string>& log, const std::string& prefix) const {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const auto& line) { return line.starts_with(prefix); }));
  }
};

TEST_F(RightsTest, AppliesAFetchWithTodaysRights) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-a", "mp-b"));
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b"));
  EXPECT_FALSE(applied().failure);
}

TEST_F(RightsTest, ListsApplicationsInEachCycleWhereTheyMayNotBeWatched) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b")}));
  cluster->patch(apps, "mp-a", {{"spec", {{"description", "hacked"}}}});
  fetch_only(director_data({shop("a"), shop("b")}));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "of a");
}

TEST_F(RightsTest, ReadsEverySecretAtItsStart) {
  cluster->put(secrets, {{"metadata", {{"name", "mp-a-b"}}}, {"data", {{"password", "d3Jvbmc="}}}});
  start_with_todays_rights();
  cluster->take_log();
  fetch_only(director_data({shop("a"), shop("b")}));
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "cGFzcw==");
  EXPECT_GE(count(cluster->take_log(), "get secrets/"), 2u);
}

TEST_F(RightsTest, AnUnchangedCycleReadsFewSecrets) {
  start_with_todays_rights();
  std::vector<compass::Application> many;
  for (int i = 0; i < 60; ++i)
    many.push_back(shop("a" + std::to_string(i)));
  fetch_only(director_data(many));
  cluster->take_log();
  system.advance(20s);
  fetch_only(director_data(many));
  const auto log = cluster->take_log();
  EXPECT_EQ(count(log, "get secrets/"), 2u) << "60 Secrets in ten minutes are two in twenty seconds";
  EXPECT_EQ(log.size(), 3u) << "and one list of Applications";
}

TEST_F(RightsTest, FindsADeletedSecretWithinTenMinutes) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b"), shop("c")}));
  cluster->erase(secrets, "mp-b-b");
  for (int cycle = 0; cycle < 31; ++cycle) {
    system.advance(20s);
    fetch_only(director_data({shop("a"), shop("b"), shop("c")}));
  }
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b", "mp-c-b"));
}

TEST_F(RightsTest, FindsTheSecretsOfABundleThatWasRemovedWhileItWasDown) {
  auto events_only = with_password(bundle("e"));
  events_only.api_definitions.clear();
  events_only.event_definitions.push_back({"ev", "Event", std::nullopt, std::nullopt, std::nullopt});
  start_with_todays_rights();
  fetch_only(director_data({application("a", {with_password(bundle("b")), events_only}), shop("b")}));
  ASSERT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-a-e", "mp-b-b"));
  start_with_todays_rights();
  fetch_only(director_data({application("a"), shop("b")}));
  EXPECT_THAT(secret_names(), ElementsAre("mp-b-b"));
}

TEST_F(RightsTest, RemovesAnApplicationWithItsSecrets) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b")}));
  fetch_only(director_data({shop("b")}));
  EXPECT_THAT(application_names(), ElementsAre("mp-b"));
  EXPECT_THAT(secret_names(), ElementsAre("mp-b-b"));
}

TEST_F(RightsTest, UsesTheRightToListSecretsWhenItIsGranted) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a")}));
  EXPECT_FALSE(system.io().watching(secrets_watch));
  system.advance(10min);
  ASSERT_TRUE(system.io().watching(secrets_watch));
  list_secrets();
  cluster->take_log();
  system.advance(20s);
  fetch_only(director_data({shop("a")}));
  EXPECT_EQ(count(cluster->take_log(), "get secrets/"), 0u);
}

} // namespace
} // namespace runtime_agent::application_reconciler
