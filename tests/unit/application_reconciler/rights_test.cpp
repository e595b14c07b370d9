#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// With the rights that the agent may lack.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using tests::application;
using tests::bundle;
using tests::director_data;
using tests::shop;
using tests::with_password;

class RightsTest : public ReconcilerTest {
protected:
  /// Today's rights: Applications may be listed, but not watched; Secrets neither.
  void start_with_todays_rights() {
    spawn();
    list_applications();
    emit(failing<ApplicationsEvent>(FailureKind::forbidden, ApplicationsEvent::Kind::polling));
    emit(failing<SecretsEvent>(FailureKind::forbidden));
  }
  static std::vector<compass::Application> many(int count) {
    std::vector<compass::Application> all;
    for (int i = 0; i < count; ++i)
      all.push_back(shop("a" + std::to_string(i)));
    return all;
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
  cluster->put(secrets, {{"metadata", {{"name", "mp-a-b"}, {"labels", {{"app", "mp-a"}, {"bundleId", "b"}}}}},
                         {"data", {{"password", "d3Jvbmc="}}}});
  start_with_todays_rights();
  cluster->take_log();
  fetch_only(director_data({shop("a"), shop("b")}));
  EXPECT_EQ((*cluster->find(secrets, "mp-a-b"))["data"]["password"], "cGFzcw==");
  EXPECT_GE(count(cluster->take_log(), "get secrets/"), 2u);
}

TEST_F(RightsTest, AnUnchangedCycleReadsNoSecretsAndListsApplicationsOnce) {
  start_with_todays_rights();
  fetch_only(director_data(many(60)));
  system.advance(1s);
  cluster->take_log();
  fetch_only(director_data(many(60)));
  EXPECT_THAT(cluster->take_log(), ElementsAre("list applications"));
}

TEST_F(RightsTest, ReadsEachSecretOnceInTenMinutesSpreadOverThem) {
  start_with_todays_rights();
  fetch_only(director_data(many(60)));
  std::map<std::string, int> reads;
  std::size_t most_at_once = 0;
  for (int second = 0; second < 1200; ++second) {
    cluster->take_log();
    system.advance(1s);
    const auto log = cluster->take_log();
    most_at_once = std::max(most_at_once, log.size());
    for (const auto& line : log)
      ++reads[line];
  }
  EXPECT_EQ(reads.size(), 60u);
  for (const auto& [line, count] : reads)
    EXPECT_TRUE(count == 2 || count == 3) << line << ' ' << count;
  EXPECT_LE(most_at_once, 4u);
}

TEST_F(RightsTest, TwoAgentsDoNotReadAtTheSameTimes) {
  const auto times = [this] {
    start_with_todays_rights();
    fetch_only(director_data(many(60)));
    cluster->take_log();
    std::vector<int> seconds;
    for (int second = 0; second < 300; ++second) {
      system.advance(1s);
      if (!cluster->take_log().empty())
        seconds.push_back(second);
    }
    return seconds;
  };
  EXPECT_NE(times(), times());
}

TEST_F(RightsTest, FindsADeletedSecretWithinTenMinutesAlsoWithoutACycle) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b"), shop("c")}));
  cluster->erase(secrets, "mp-b-b");
  cluster->patch(secrets, "mp-c-b", {{"data", {{"password", "ZWRpdGVk"}}}});
  system.advance(10min);
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b", "mp-c-b"));
  EXPECT_EQ((*cluster->find(secrets, "mp-c-b"))["data"]["password"], "cGFzcw==");
}

TEST_F(RightsTest, ReadsEverySecretAgainAfterAGapInTheWatchOfApplications) {
  start();
  emit(failing<SecretsEvent>(FailureKind::forbidden));
  fetch_only(director_data({shop("a"), shop("b")}));
  cluster->erase(secrets, "mp-b-b"); // which nobody tells
  cluster->take_log();
  list_applications(); // the watch had to begin anew
  const auto log = cluster->take_log();
  EXPECT_EQ(count(log, "get secrets/"), 2u);
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b"));
}

TEST_F(RightsTest, ReadsEverySecretWhenTheRightToListThemIsTakenAway) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  cluster->erase(secrets, "mp-b-b");
  cluster->take_changes();
  emit(failing<SecretsEvent>(FailureKind::forbidden));
  EXPECT_THAT(secret_names(), ElementsAre("mp-a-b", "mp-b-b"));
}

TEST_F(RightsTest, AListOfThePollingCausesOneLookAndNoRequest) {
  start_with_todays_rights();
  fetch_only(director_data({shop("a"), shop("b")}));
  cluster->take_log();
  list_applications();
  EXPECT_THAT(cluster->take_log(), IsEmpty());
  cluster->patch(apps, "mp-a", {{"spec", {{"description", "hacked"}}}});
  list_applications();
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "of a");
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
