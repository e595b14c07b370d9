#include "tests/unit/application_reconciler/reconciler_fixture.hpp"

/// What people and metrics see of each Application.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::application;
using tests::ClusterRequest;
using tests::director_data;
using tests::shop;

class ApplicationFactsTest : public ReconcilerTest {
protected:
  ApplicationFactsTest() {
    settings.publish = [this](PassFacts facts) { published.publish(std::move(facts)); };
  }
  ApplicationFacts facts_of(const std::string& name) {
    for (const ApplicationFacts& facts : published.snapshot().applications)
      if (facts.name == name)
        return facts;
    ADD_FAILURE() << "nothing is known of " << name;
    return {};
  }

  PublishedApplications published;
};

TEST_F(ApplicationFactsTest, SayNothingBeforeTheFirstPass) {
  start();
  EXPECT_FALSE(published.snapshot().time);
  EXPECT_THAT(published.snapshot().applications, IsEmpty());
}

TEST_F(ApplicationFactsTest, ShowAnAppliedApplicationWithOneDigestAndItsChange) {
  start();
  fetch(director_data({shop("a")}));
  const auto facts = facts_of("mp-a");
  EXPECT_EQ(facts.state, ApplicationState::applied);
  ASSERT_TRUE(facts.desired);
  EXPECT_EQ(facts.desired, facts.applied);
  ASSERT_TRUE(facts.change);
  EXPECT_EQ(facts.change->what, "created");
  EXPECT_EQ(facts.error, "");
}

TEST_F(ApplicationFactsTest, ShowOneThatFailedWithItsReasonAndWithoutADigestInTheCluster) {
  start();
  cluster->before = [](const ClusterRequest& request) -> std::optional<Failure> {
    if (request.text() != "create applications/mp-a")
      return std::nullopt;
    return Failure{FailureKind::unavailable, "Kubernetes API", "refused by the test", {}, {}, 0, false, {}};
  };
  fetch(director_data({shop("a"), shop("b")}));
  EXPECT_EQ(facts_of("mp-b").state, ApplicationState::applied);
  const auto facts = facts_of("mp-a");
  EXPECT_EQ(facts.state, ApplicationState::failed);
  EXPECT_THAT(facts.error, HasSubstr("refused by the test"));
  EXPECT_TRUE(facts.desired);
  EXPECT_FALSE(facts.applied);
}

TEST_F(ApplicationFactsTest, KeepTheLastErrorAfterItIsOver) {
  start();
  cluster->before = [](const ClusterRequest&) -> std::optional<Failure> {
    return Failure{FailureKind::unavailable, "Kubernetes API", "refused by the test", {}, {}, 0, false, {}};
  };
  fetch(director_data({shop("a")}));
  cluster->before = nullptr;
  system.advance(1s);
  fetch(director_data({shop("a")}));
  const auto facts = facts_of("mp-a");
  EXPECT_EQ(facts.state, ApplicationState::applied);
  EXPECT_EQ(facts.error, "");
  ASSERT_TRUE(facts.last_error);
  EXPECT_THAT(facts.last_error->reason, HasSubstr("refused by the test"));
}

TEST_F(ApplicationFactsTest, ShowARefusedNameAsAProblem) {
  auto data = director_data({application("<script>alert(1)</script>", {})});
  start();
  fetch(std::move(data));
  const auto snapshot = published.snapshot();
  ASSERT_EQ(snapshot.applications.size(), 1u);
  EXPECT_FALSE(snapshot.applications[0].error.empty() && snapshot.applications[0].state != ApplicationState::applied);
}

TEST_F(ApplicationFactsTest, ShowADeletedApplicationAsGoneAndDoNotCountIt) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  fetch(director_data({shop("a")}));
  EXPECT_EQ(facts_of("mp-b").state, ApplicationState::gone);
  EXPECT_EQ(facts_of("mp-b").change->what, "deleted");
  const auto counts = published.snapshot().by_state();
  EXPECT_EQ(counts.at(ApplicationState::applied), 1u);
  EXPECT_FALSE(counts.contains(ApplicationState::gone));
}

TEST_F(ApplicationFactsTest, ShowDeletionsThatAreHeldBack) {
  start();
  fetch(director_data({shop("a"), shop("b")}));
  fetch(director_data({}));
  EXPECT_EQ(facts_of("mp-a").state, ApplicationState::held);
  EXPECT_TRUE(facts_of("mp-a").applied);
  EXPECT_FALSE(facts_of("mp-a").desired);
}

TEST(PublishedApplications, ForgetThePastBeyondABound) {
  PublishedApplications published;
  for (int i = 0; i < 1000; ++i) {
    PassFacts facts;
    facts.time = WallTime(std::chrono::seconds(i));
    facts.desired = std::make_shared<DesiredObjects>();
    facts.changes["mp-" + std::to_string(i)] = "deleted";
    published.publish(facts);
  }
  EXPECT_EQ(published.snapshot().applications.size(), 200u);
}

} // namespace
} // namespace runtime_agent::application_reconciler
