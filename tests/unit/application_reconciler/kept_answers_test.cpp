#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

// An API server that does not keep what is written is no other writer (contract §5.4).
namespace runtime_agent::application_reconciler {
namespace {

namespace kept_answers_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using tests::director_data;
using tests::shop;

class KeptAnswersTest : public ReconcilerTest {
protected:
  KeptAnswersTest() {
    settings.warn = [this](const std::string& text) { warnings.push_back(text); };
  }
  /// As a definition from before the field was there.
  void drop_gateway_urls() {
    cluster->mutate = [](const std::string& plural, Json& object) {
      if (plural == "applications")
        for (Json& service : object["spec"]["services"])
          for (Json& entry : service["entries"])
            entry.erase("centralGatewayUrl");
    };
  }
  std::size_t writes_of_cycles(int cycles, const std::vector<compass::Application>& all) {
    cluster->take_writes();
    for (int cycle = 0; cycle < cycles; ++cycle) {
      fetch(director_data(all));
      EXPECT_THAT(applied().problems, IsEmpty());
      system.advance(20s);
    }
    return cluster->take_writes().size();
  }

  std::vector<std::string> warnings;
};

TEST_F(KeptAnswersTest, ADefinitionThatDropsAFieldCostsOneWriteAndOneWarning) {
  drop_gateway_urls();
  start();
  fetch(director_data({shop("a"), shop("b"), shop("c")}));
  EXPECT_EQ(writes_of_cycles(30, {shop("a"), shop("b"), shop("c")}), 0u);
  ASSERT_THAT(warnings, SizeIs(1)) << "for all Applications: the cause is one";
  EXPECT_THAT(warnings[0], HasSubstr("spec.services[].entries[].centralGatewayUrl"));
  EXPECT_THAT(warnings[0], HasSubstr("kubectl apply -f deploy/chart/runtime-agent/crds"));
}

TEST_F(KeptAnswersTest, AnUpdateThatIsNotKeptIsOneWriteAsWell) {
  start();
  fetch(director_data({shop("a")}));
  drop_gateway_urls();
  auto changed = shop("a");
  changed.description = "new";
  EXPECT_EQ(writes_of_cycles(30, {changed}), 1u);
  EXPECT_THAT(warnings, SizeIs(1));
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], "new");
}

TEST_F(KeptAnswersTest, WhatIsKeptIsPutRightAsBefore) {
  drop_gateway_urls();
  start();
  fetch(director_data({shop("a")}));
  cluster->take_writes();
  cluster->patch(apps, "mp-a", {{"spec", {{"description", "hacked"}}}});
  watch();
  EXPECT_EQ((*cluster->find(apps, "mp-a"))["spec"]["description"], *shop("a").description);
  EXPECT_THAT(cluster->take_writes(), SizeIs(1));
  system.advance(10min);
  EXPECT_THAT(cluster->take_writes(), IsEmpty());
  EXPECT_THAT(applied().problems, IsEmpty());
}

TEST_F(KeptAnswersTest, TheNextWriteAfterTheDefinitionWasUpgradedIsWhole) {
  drop_gateway_urls();
  start();
  fetch(director_data({shop("a")}));
  cluster->mutate = nullptr;
  start(); // a new process knows of nothing that was not kept
  fetch(director_data({shop("a")}));
  const Json live = *cluster->find(apps, "mp-a");
  EXPECT_TRUE(live["spec"]["services"][0]["entries"][0].contains("centralGatewayUrl"));
}

TEST_F(KeptAnswersTest, AWebhookThatChangesSecretsIsNoOpponent) {
  cluster->mutate = [](const std::string& plural, Json& object) {
    if (plural == "secrets")
      object["metadata"]["labels"].erase("bundleId");
  };
  start();
  fetch(director_data({shop("a")}));
  EXPECT_EQ(writes_of_cycles(30, {shop("a")}), 0u);
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings[0], HasSubstr("metadata.labels of Secrets"));
  EXPECT_THAT(warnings[0], HasSubstr("mutating webhook"));
  cluster->erase(secrets, "mp-a-b");
  watch();
  EXPECT_TRUE(cluster->find(secrets, "mp-a-b"));
}

} // namespace kept_answers_test
} // namespace
} // namespace runtime_agent::application_reconciler
