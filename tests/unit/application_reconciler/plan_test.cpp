#include "actors/application_reconciler/plan.hpp"

#include <gtest/gtest.h>

#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"

// Decisions of the mapping and of the plan, one by one.
namespace runtime_agent::application_reconciler {
namespace {

using kubernetes::Json;
using tests::InMemoryCluster;

TEST(Plan, HoldsBackMoreThanTenDeletionsThatAreMoreThanHalf) {
  const MappingSettings settings;
  InMemoryCluster cluster;
  std::vector<compass::Application> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(tests::shop("s" + std::to_string(i)));
  tests::reconcile_once(cluster, tests::director_data(all), settings);
  const auto keeping = [&](int count) {
    const auto desired = desired_objects(tests::director_data({all.begin(), all.begin() + count}), settings);
    return plan_changes({desired, tests::observe(cluster, "kyma-system"), {}, {}}).held.size();
  };
  EXPECT_EQ(keeping(10), 0u) << "ten of twenty";
  EXPECT_EQ(keeping(9), 11u) << "eleven of twenty";
  EXPECT_EQ(keeping(0), 20u) << "all";
}

// What somebody else has changed is told from what the Director has changed.
TEST(Plan, TellsARepairFromAChangeOfTheDirector) {
  const MappingSettings settings;
  InMemoryCluster cluster;
  const auto before = desired_objects(tests::director_data({tests::shop("a"), tests::shop("b")}), settings);
  auto changed = tests::shop("a");
  changed.description = "new";
  const auto desired = desired_objects(tests::director_data({changed, tests::shop("b")}), settings);
  const auto plan = plan_changes({desired, tests::observe(cluster, "kyma-system"), {}, {}, {}, &before});
  ASSERT_EQ(plan.work.size(), 2u);
  EXPECT_FALSE(plan.work[0].repair) << "the Director changed it";
  EXPECT_TRUE(plan.work[0].secret_writes.at(0).repair) << "but not its Secret";
  EXPECT_TRUE(plan.work[1].repair);
  const auto first = plan_changes({desired, tests::observe(cluster, "kyma-system"), {}, {}});
  EXPECT_FALSE(first.work[1].repair) << "what was wanted before is not known";
}

TEST(DesiredObjects, RefusesAnApplicationWhoseNameIsNoSubdomainAndKeepsTheRest) {
  const auto desired =
      desired_objects(tests::director_data({tests::shop("Not/Normal"), tests::shop("fine")}, true), MappingSettings());
  EXPECT_EQ(desired.applications.size(), 1u);
  ASSERT_EQ(desired.problems().size(), 1u);
  EXPECT_EQ(desired.problems()[0].application, "Not/Normal");
}

TEST(DesiredObjects, BoundTheNameOfAnApplicationThatIsRefused) {
  std::string name;
  for (int i = 0; i < 10'000; ++i)
    name += "ü";
  const auto problems = desired_objects(tests::director_data({tests::shop(name)}, true), MappingSettings()).problems();
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_LT(problems[0].application.size(), 260u);
  EXPECT_LT(problems[0].reason.size(), 1000u);
}

TEST(DesiredObjects, RefusesABundleWhoseIdIsNoLabelValueForItsApplicationAlone) {
  const auto desired =
      desired_objects(tests::director_data({tests::application("a", {tests::with_password(tests::bundle("no/label"))}),
                                            tests::shop("b")}),
                      MappingSettings());
  EXPECT_EQ(desired.applications.count("mp-b"), 1u);
  EXPECT_EQ(desired.refused.count("mp-a"), 1u);
}

TEST(DesiredObjects, RefusesTwoApplicationsThatWantOneSecret) {
  const std::string prefix(30, 'x');
  const auto desired =
      desired_objects(tests::director_data({tests::shop(prefix + "1"), tests::shop(prefix + "2")}), MappingSettings());
  EXPECT_EQ(desired.applications.size(), 0u);
  EXPECT_EQ(desired.refused.size(), 2u);
}

TEST(DesiredObjects, CutTheLabelOfALongNameToAValidValue) {
  const MappingSettings settings;
  InMemoryCluster cluster;
  tests::reconcile_once(cluster, tests::director_data({tests::shop(std::string(100, 'x'))}), settings);
  EXPECT_EQ(cluster.all(tests::kyma_secrets).at(0)["metadata"]["labels"]["app"], "mp-" + std::string(60, 'x'));
}

TEST(DesiredObjects, ASecretIsMadeForEmptyCredentials) {
  InMemoryCluster cluster;
  tests::reconcile_once(cluster,
                        tests::director_data({tests::application("a", {tests::with_password(tests::bundle("b"), "")})}),
                        MappingSettings());
  EXPECT_EQ(cluster.all(tests::kyma_secrets).at(0)["data"]["password"], "");
}

} // namespace
} // namespace runtime_agent::application_reconciler
