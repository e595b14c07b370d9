#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// Keeping the cluster's Applications equal to the Director's, by the real binary. Source: contract §§1.2, 3, 5.
namespace runtime_agent::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* application = "mp-app-0001";
/// Where watching is allowed: at once; the rest is for a machine under load.
constexpr auto at_once = 5s;

class JobSynchronisation : public OnEachCluster {
protected:
  std::string description(const std::string& name) {
    const Json object = live(name);
    return object.is_null() ? std::string() : object["spec"]["description"].get<std::string>();
  }
  /// The one Secret of the one Application.
  std::optional<Json> secret() {
    for (Json& object : world().list(kubernetes::secrets("kyma-system")))
      if (object["metadata"].contains("labels") && object["metadata"]["labels"].value("app", "") == application)
        return std::move(object);
    return std::nullopt;
  }
  std::string name_of_secret() { return (*secret())["metadata"]["name"]; }
};

TEST_P(JobSynchronisation, FetchesAtOnceAfterConnecting) {
  give_applications(2);
  Variables variables = with_long_period();
  variables["APP_MINIMAL_COMPASS_SYNC_TIME"] = "15s";
  world().configure();
  world().start(variables);
  EXPECT_TRUE(reaches("Synchronized", 10s));
  EXPECT_EQ(world().application_names().size(), 2u);
}

TEST_P(JobSynchronisation, SynchronisesNowWhenAPersonAsks) {
  give_applications(1);
  synchronise(with_long_period());
  give_applications(2);
  world().patch_connection({{"spec", {{"resyncNow", true}}}});
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/resyncNow") == "false"; }));
  EXPECT_EQ(world().application_names().size(), 2u);
}

TEST_P(JobSynchronisation, GoesOnWhileTheConnectorIsDown) {
  give_applications(1);
  synchronise();
  add_fault({{"service", "connector"}, {"action", "http-503"}, {"when", "before"}, {"times", -1}});
  ASSERT_TRUE(reaches("ConnectionMaintenanceFailed"));
  give_applications(2);
  EXPECT_TRUE(comes_true([this] { return world().application_names().size() == 2; }));
  EXPECT_EQ(world().state(), "ConnectionMaintenanceFailed");
  EXPECT_THAT(world().field("/status/connectionStatus/error"), HasSubstr("503"));
  EXPECT_EQ(world().field("/status/synchronizationStatus/error"), "");
  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized"));
}

TEST_P(JobSynchronisation, LeavesTheClusterAsItIsWhileTheDirectorIsDown) {
  give_applications(2);
  synchronise();
  const auto before = world().versions();
  add_fault({{"service", "director"}, {"action", "http-502"}, {"when", "before"}, {"times", -1}});
  give_applications(3, "changed");
  ASSERT_TRUE(reaches("SynchronizationFailed"));
  EXPECT_THAT(world().field("/status/synchronizationStatus/error"), HasSubstr("502"));
  EXPECT_EQ(world().versions(), before);
  compass().clear_faults();
  EXPECT_TRUE(converges());
}

TEST_P(JobSynchronisation, SaysThatLabelsCannotBeSet) {
  give_applications(1);
  add_fault({{"service", "director"},
             {"field", "setRuntimeLabel"},
             {"action", "errors"},
             {"times", -1}, //
             {"text", "no labels today"},
             {"when", "before"}});
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("MetadataUpdateFailed"));
  EXPECT_THAT(world().field("/status/synchronizationStatus/error"), HasSubstr("no labels today"));
  EXPECT_NE(world().field("/status/synchronizationStatus/lastSuccessfulApplication"), "");
  EXPECT_THAT(world().application_names(), ElementsAre(application));
  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(compass().runtime_labels().value("runtime_eventServiceUrl", ""), "https://gateway.kyma.example.com");
}

TEST_P(JobSynchronisation, KeepsWhatPeopleHaveAdded) {
  give_applications(1);
  synchronise();
  world().merge(kubernetes::applications(), application,
                {{"metadata", {{"labels", {{"team", "sales"}}}, {"annotations", {{"note", "call Ada"}}}}},
                 {"spec", {{"displayName", "Our shop"}, {"tags", {"gold"}}}}});
  const std::string name = name_of_secret();
  world().merge(kubernetes::secrets("kyma-system"), name,
                {{"metadata", {{"labels", {{"team", "sales"}}}}}, {"data", {{"more", "bW9yZQ=="}}}});
  give_applications(1, "changed");
  ASSERT_TRUE(converges());
  const Json object = live(application);
  EXPECT_EQ(object["metadata"]["labels"].value("team", ""), "sales");
  EXPECT_EQ(object["metadata"]["annotations"].value("note", ""), "call Ada");
  EXPECT_EQ(object["spec"].value("displayName", ""), "Our shop");
  EXPECT_EQ(object["spec"]["tags"], Json({"gold"}));
  EXPECT_EQ((*secret())["metadata"]["labels"].value("team", ""), "sales");
  EXPECT_EQ((*secret())["data"].value("more", ""), "bW9yZQ==");
}

TEST_P(JobSynchronisation, PutsAnEditedApplicationRightAtOnce) {
  give_applications(1);
  synchronise(with_long_period());
  world().merge(kubernetes::applications(), application, {{"spec", {{"description", "edited"}}}});
  EXPECT_TRUE(comes_true([this] { return description(application) == "generated"; }, at_once));
}

TEST_P(JobSynchronisation, MakesADeletedApplicationAndItsSecretAnewAtOnce) {
  give_applications(1);
  synchronise(with_long_period());
  const Json before = live(application);
  world().remove(kubernetes::applications(), application);
  ASSERT_TRUE(comes_true([this] { return !live(application).is_null(); }, at_once));
  EXPECT_NE(live(application)["metadata"]["uid"], before["metadata"]["uid"]);
  EXPECT_EQ(live(application)["spec"], before["spec"]);
  EXPECT_TRUE(comes_true(
      [this] {
        const auto present = secret();
        return present && (*present)["metadata"]["ownerReferences"][0]["uid"] == live(application)["metadata"]["uid"];
      },
      at_once));
}

TEST_P(JobSynchronisation, PutsAnEditedSecretRightAtOnce) {
  give_applications(1);
  synchronise(with_long_period());
  const Json data = (*secret())["data"];
  ASSERT_TRUE(data.contains("password"));
  world().merge(kubernetes::secrets("kyma-system"), name_of_secret(), {{"data", {{"password", "ZWRpdGVk"}}}});
  EXPECT_TRUE(comes_true([&] { return (*secret())["data"] == data; }, at_once));
}

TEST_P(JobSynchronisation, MakesADeletedSecretAnewAtOnce) {
  give_applications(1);
  synchronise(with_long_period());
  const Json data = (*secret())["data"];
  world().remove(kubernetes::secrets("kyma-system"), name_of_secret());
  ASSERT_TRUE(comes_true([this] { return secret().has_value(); }, at_once));
  EXPECT_EQ((*secret())["data"], data);
}

TEST_P(JobSynchronisation, EndsWithinFiveSecondsWhenIdle) {
  synchronise(with_long_period());
  end_agent();
}

TEST_P(JobSynchronisation, EndsWithinFiveSecondsWhileTheDirectorHangs) {
  synchronise();
  add_fault({{"service", "director"}, {"action", "hang"}, {"times", -1}});
  ASSERT_TRUE(comes_true([this] { return compass().faults()[0].applied > 0; }));
  end_agent();
}

TEST_P(JobSynchronisation, EndsWithinFiveSecondsWhilePairing) {
  add_fault({{"service", "connector-token"}, {"action", "hang"}, {"times", -1}, {"when", "before"}});
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(comes_true([this] { return compass().faults()[0].applied > 0; }));
  end_agent();
  // The token never reached Compass, and connects the next process.
  compass().clear_faults();
  world().start(world().quick_environment());
  EXPECT_TRUE(reaches("Synchronized"));
}

INSTANTIATE_TEST_SUITE_P(Each, JobSynchronisation, testing::ValuesIn(clusters()), cluster_name);

class JobSynchronisationOnSandbox : public EndToEnd {};

TEST_F(JobSynchronisationOnSandbox, AsksForNothingOfTheApplicationsWhereNothingHasChanged) {
  make_world(ClusterKind::sandbox);
  give_applications(200);
  Variables variables = world().quick_environment();
  variables["APP_LEADER_ELECTION"] = "off";
  synchronise(variables);
  ASSERT_TRUE(another_cycle()); // the pending Secret is gone by then
  auto& log = world().sandbox_server()->requests();
  const auto begun = compass().request_count("director", "runtime");
  log.clear();
  for (int cycle = 0; cycle < 3; ++cycle)
    ASSERT_TRUE(another_cycle());
  std::vector<std::string> others;
  std::size_t status = 0;
  for (const auto& request : log.records()) {
    const bool certificates = request.resource == "secrets" && request.name.find("cert") != std::string::npos;
    if (request.resource == "compassconnections")
      status += request.verb == "watch" ? 0U : 1U;
    else if (!certificates) // those of the connection, which ConnectionManager reads
      others.push_back(request.verb + " " + request.resource + "/" + request.name);
  }
  const auto cycles = compass().request_count("director", "runtime") - begun;
  EXPECT_THAT(others, IsEmpty());
  EXPECT_LE(status, cycles + 1) << "one write a cycle";
}

} // namespace
} // namespace runtime_agent::e2e
