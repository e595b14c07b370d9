#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/kubernetes/events.hpp"
#include "transport/kubernetes/lease.hpp"

/// What other programs and `kubectl describe` see beside the contract's fields: conditions, Events, the Lease. Source:
/// architecture §8.
namespace runtime_agent::e2e {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;

class AtHome : public OnEachCluster {
protected:
  /// "True/Synchronized"; empty where there is no such condition.
  std::string condition(const std::string& type) {
    const auto object = world().connection();
    if (object && object->contains(Json::json_pointer("/status/conditions")))
      for (const Json& entry : (*object)["status"]["conditions"])
        if (entry["type"] == type)
          return entry["status"].get<std::string>() + "/" + entry["reason"].get<std::string>();
    return {};
  }
  bool conditions_are_of_this_generation() {
    const auto object = world().connection();
    const auto& all = (*object)["status"]["conditions"];
    return all.size() == 3 && std::all_of(all.begin(), all.end(), [&](const Json& one) {
             return one.value("observedGeneration", Json()) == (*object)["metadata"]["generation"];
           });
  }
  /// "Warning SynchronizationFailed 1 <message>", of the present CompassConnection.
  std::vector<std::string> events() {
    std::vector<std::string> texts;
    const std::string uid = world().field("/metadata/uid");
    for (const Json& event : world().list(kubernetes::events(kubernetes::events_namespace)))
      if (event["involvedObject"].value("uid", "") == uid)
        texts.push_back(event["type"].get<std::string>() + " " + event["reason"].get<std::string>() + " " +
                        event["count"].dump() + " " + event["message"].get<std::string>());
    return texts;
  }
  testing::AssertionResult told(const std::string& text) {
    return comes_true([&] {
      const auto all = events();
      return std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.find(text) != std::string::npos; });
    });
  }
};

TEST_P(AtHome, ConditionsFollowTheState) {
  give_applications(1);
  synchronise();
  EXPECT_EQ(condition("Ready"), "True/Synchronized");
  EXPECT_EQ(condition("Connected"), "True/CertificateValid");
  EXPECT_EQ(condition("Synchronized"), "True/Synchronized");
  EXPECT_TRUE(comes_true([this] { return conditions_are_of_this_generation(); }));
  world().patch_connection({{"spec", {{"managementInfo", {{"connectorUrl", "https://somebody.example.com"}}}}}});
  EXPECT_TRUE(comes_true([this] { return conditions_are_of_this_generation(); })) << "with the next write";
  add_fault({{"service", "director"}, {"action", "http-500"}, {"times", -1}});
  EXPECT_TRUE(comes_true([this] { return condition("Ready") == "False/SynchronizationFailed"; }));
  EXPECT_EQ(condition("Connected"), "True/CertificateValid");
  compass().clear_faults();
  EXPECT_TRUE(comes_true([this] { return condition("Ready") == "True/Synchronized"; }));
}

TEST_P(AtHome, EventsTellOfChangesAndNeverOfACycle) {
  give_applications(1);
  synchronise();
  ASSERT_TRUE(told("Normal Synchronized 1 "));
  const std::size_t before = events().size();
  ASSERT_TRUE(another_cycle());
  EXPECT_EQ(events().size(), before);
  add_fault({{"service", "director"}, {"action", "http-500"}, {"times", -1}});
  EXPECT_TRUE(told("Warning SynchronizationFailed 1 "));
  compass().clear_faults();
  EXPECT_TRUE(told("Normal Synchronized 2 ")); // counted on the one that is there
  for (const std::string& event : events())
    EXPECT_EQ(event.find("x-request-id"), std::string::npos) << event;
}

TEST_P(AtHome, AnEventTellsOfAnActorThatFailed) {
  give_applications(1);
  synchronise();
  world().agent().diagnostics_post("/crash?actor=DirectorFetcher&message=TimerFired");
  EXPECT_TRUE(told("DirectorFetcher has failed: crash switch"));
}

TEST_P(AtHome, TheLeaseIsHeldWhileTheAgentRunsAndReleasedAtItsEnd) {
  give_applications(1);
  Variables variables = world().quick_environment();
  variables["APP_LEADER_ELECTION"] = "on";
  synchronise(variables);
  const auto holder = [this] {
    const auto lease = world().get(kubernetes::leases(World::certificates_namespace), "runtime-agent");
    return lease ? kubernetes::read_lease(*lease).holder : std::string();
  };
  EXPECT_NE(holder(), "");
  end_agent();
  EXPECT_EQ(holder(), "");
}

INSTANTIATE_TEST_SUITE_P(Cluster, AtHome, testing::ValuesIn(clusters()), cluster_name);

class EventsInSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }
};

TEST_F(EventsInSandbox, AreLeftOutInSilenceWhereTheyAreForbidden) {
  give_applications(1);
  synchronise(world().quick_environment(Rights::todays));
  ASSERT_TRUE(another_cycle());
  end_agent();
  EXPECT_EQ(world().sandbox_server()->count("events"), 0u);
  for (const std::string& line : world().agent().lines())
    EXPECT_EQ(line.find("Event"), std::string::npos) << line;
}

} // namespace
} // namespace runtime_agent::e2e
