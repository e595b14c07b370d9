#include "actors/application_reconciler/execution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"

// What happens when the cluster is no longer what the plan was made for.
namespace runtime_agent::application_reconciler {
namespace {

using kubernetes::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::application;
using tests::ClusterRequest;
using tests::director_data;
using tests::shop;

class ExecutionTest : public testing::Test {
protected:
  ExecutionTest() {
    tests::reconcile_once(cluster, director_data({shop("a")}), settings);
    cluster.take_log();
  }
  /// Runs `change` just before the agent's first request of that text.
  void before(const std::string& text, std::function<void()> change) {
    cluster.before = [text, change, done = false](const ClusterRequest& request) mutable -> std::optional<Failure> {
      if (request.text() == text && !std::exchange(done, true))
        change();
      return std::nullopt;
    };
  }
  ApplicationOutcome reconcile(const compass::RuntimeDataPtr& data) {
    auto pass = tests::reconcile_once(cluster, data, settings);
    return pass.outcomes.empty() ? ApplicationOutcome() : pass.outcomes.front();
  }
  static compass::Application changed() {
    auto application = shop("a");
    application.description = "new";
    return application;
  }

  const kubernetes::Resource apps = kubernetes::applications();
  const kubernetes::Resource secrets = kubernetes::secrets("kyma-system");
  MappingSettings settings;
  tests::InMemoryCluster cluster;
};

TEST_F(ExecutionTest, RemembersWhatTheAnswersSaidForTheWatches) {
  cluster.take_changes();
  const auto pass = tests::reconcile_once(cluster, director_data({shop("a"), shop("b"), shop("c")}), settings);
  ASSERT_EQ(pass.outcomes.size(), 2u);
  for (const auto& change : cluster.take_changes()) {
    const std::string version = change.object["metadata"]["resourceVersion"];
    const std::string uid = change.object["metadata"]["uid"];
    if (change.plural == "applications") {
      const auto known = pass.written->applications.take(uid, version);
      ASSERT_TRUE(known) << change.object;
      EXPECT_EQ(known->digest, observed_application(change.object).digest);
      EXPECT_EQ(known->secrets, observed_application(change.object).secrets);
    } else {
      const auto known = pass.written->secrets.take(uid, version);
      ASSERT_TRUE(known) << change.object;
      EXPECT_EQ(known->credentials, observed_secret(change.object).credentials);
    }
  }
}

TEST_F(ExecutionTest, DoesNotUpdateAnApplicationThatHasBecomeSomebodyElses) {
  before("get applications/mp-a", [&] { cluster.patch(apps, "mp-a", {{"spec", {{"compassMetadata", nullptr}}}}); });
  const auto outcome = reconcile(director_data({changed()}));
  EXPECT_THAT(cluster.take_writes(), IsEmpty());
  EXPECT_THAT(outcome.problems, ElementsAre(HasSubstr("does not belong to Compass")));
}

TEST_F(ExecutionTest, DoesNotDeleteAnApplicationThatHasBecomeSomebodyElses) {
  before("delete applications/mp-a", [&] { cluster.patch(apps, "mp-a", {{"spec", {{"compassMetadata", nullptr}}}}); });
  reconcile(director_data({}));
  EXPECT_TRUE(cluster.find(apps, "mp-a"));
  EXPECT_TRUE(cluster.find(secrets, "mp-a-b"));
}

TEST_F(ExecutionTest, DeletesAnApplicationThatWasEditedInBetween) {
  before("delete applications/mp-a", [&] { cluster.patch(apps, "mp-a", {{"spec", {{"displayName", "x"}}}}); });
  reconcile(director_data({}));
  EXPECT_FALSE(cluster.find(apps, "mp-a"));
  EXPECT_FALSE(cluster.find(secrets, "mp-a-b"));
}

TEST_F(ExecutionTest, DoesNotDeleteTheSuccessorOfTheApplicationThatItSaw) {
  before("delete applications/mp-a", [&] {
    cluster.erase(apps, "mp-a");
    cluster.put(apps, {{"metadata", {{"name", "mp-a"}}}, {"spec", {{"compassMetadata", Json::object()}}}});
  });
  reconcile(director_data({}));
  EXPECT_TRUE(cluster.find(apps, "mp-a"));
}

TEST_F(ExecutionTest, MakesAnewAnApplicationThatWasDeletedInBetweenAndMendsItsSecrets) {
  before("get applications/mp-a", [&] { cluster.erase(apps, "mp-a"); });
  auto application = changed();
  application.bundles[0] = tests::with_password(tests::bundle("b"), "another");
  reconcile(director_data({application}));
  ASSERT_TRUE(cluster.find(apps, "mp-a"));
  EXPECT_EQ((*cluster.find(secrets, "mp-a-b"))["metadata"]["ownerReferences"][0]["uid"],
            (*cluster.find(apps, "mp-a"))["metadata"]["uid"]);
}

TEST_F(ExecutionTest, DoesNotCollectSecretsOfAnApplicationThatHasAppearedInBetween) {
  cluster.erase(apps, "mp-a");
  before("get applications/mp-a", [&] {
    cluster.put(apps, {{"metadata", {{"name", "mp-a"}}}, {"spec", Json::object()}});
  });
  reconcile(director_data({}));
  EXPECT_TRUE(cluster.find(secrets, "mp-a-b"));
}

TEST_F(ExecutionTest, GivesUpAfterFiveConflictsAndSaysSo) {
  cluster.before = [&](const ClusterRequest& request) -> std::optional<Failure> {
    if (request.verb == "update")
      cluster.patch(apps, "mp-a", {{"spec", {{"displayName", "again"}}}});
    return std::nullopt;
  };
  const auto outcome = reconcile(director_data({changed()}));
  EXPECT_EQ(outcome.problems.size(), 1u);
  EXPECT_TRUE(outcome.retry);
  EXPECT_EQ(cluster.take_writes().size(), 5u);
}

TEST_F(ExecutionTest, KeepsTheTextOfAFailureShort) {
  cluster.before = [](const ClusterRequest&) {
    return std::optional(Failure{FailureKind::refused, "where", std::string(100'000, 'x'), {}, {}, 0, false, {}});
  };
  const auto outcome = reconcile(director_data({changed()}));
  ASSERT_EQ(outcome.problems.size(), 1u);
  EXPECT_LT(outcome.problems[0].size(), 700u);
}

TEST_F(ExecutionTest, LeavesASecretAloneWhoseOwnerIsAnApplicationOfSomebodyElse) {
  cluster.put(apps, {{"metadata", {{"name", "theirs"}}}, {"spec", Json::object()}});
  cluster.patch(secrets, "mp-a-b",
                {{"metadata",
                  {{"ownerReferences",
                    {{{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
                      {"kind", "Application"},
                      {"name", "theirs"},
                      {"uid", "u"}}}}}}});
  const auto pass = tests::reconcile_once(cluster, director_data({shop("a")}), settings);
  EXPECT_THAT(cluster.take_writes(), IsEmpty());
  EXPECT_EQ(pass.plan.problems.size(), 1u);
}

} // namespace
} // namespace runtime_agent::application_reconciler
