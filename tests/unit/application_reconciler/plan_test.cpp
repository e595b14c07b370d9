#include "actors/application_reconciler/plan.hpp"

#include <algorithm>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"
#include "tests/unit/support/seeds.hpp"

// What holds for every plan, on seeded random data and clusters.
namespace runtime_agent::application_reconciler {
namespace {

using kubernetes::Json;
using tests::InMemoryCluster;

const auto apps = kubernetes::applications();
const auto secrets = kubernetes::secrets("kyma-system");

class World {
public:
  explicit World(std::uint64_t seed) : random_(seed) { settings.integration_namespace = "kyma-system"; }

  bool chance(int percent) { return std::uniform_int_distribution<int>(0, 99)(random_) < percent; }
  int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  compass::RuntimeDataPtr data() {
    std::vector<compass::Application> applications;
    for (int i = 0; i < 8; ++i) {
      if (!chance(70))
        continue;
      auto application = tests::application("app " + std::to_string(number(10)));
      application.id += "#" + std::to_string(i); // names meet, ids do not
      for (int b = 0; b < 3; ++b)
        if (chance(60)) {
          auto bundle = tests::bundle("b" + std::to_string(b));
          if (chance(60))
            bundle = tests::with_password(bundle, "p" + std::to_string(number(3)));
          if (chance(40))
            bundle = tests::with_headers(bundle);
          if (chance(20))
            bundle.api_definitions.clear();
          application.bundles.push_back(bundle);
        }
      applications.push_back(application);
    }
    std::shuffle(applications.begin(), applications.end(), random_);
    return tests::director_data(applications);
  }

  /// What people and other programs do.
  void disturb(InMemoryCluster& cluster) {
    for (int i = 0; i < 6; ++i) {
      const std::string name = "mp-app-" + std::to_string(number(10));
      if (const auto live = cluster.find(apps, name)) {
        if (chance(40))
          cluster.patch(apps, name, {{"spec", {{"description", "edited"}, {"displayName", "kept"}}}});
        else if (chance(50))
          cluster.erase(apps, name);
        else
          cluster.patch(apps, name, {{"spec", {{"compassMetadata", nullptr}}}});
      } else if (chance(50)) {
        cluster.put(apps, {{"metadata", {{"name", name}}}, {"spec", {{"description", "by hand"}}}});
      }
    }
    for (const Json& secret : cluster.all(secrets)) {
      const auto name = object_name(secret);
      if (chance(10))
        cluster.erase(secrets, name);
      else if (chance(10))
        cluster.patch(secrets, name, {{"metadata", {{"labels", nullptr}}}});
      else if (chance(10))
        cluster.patch(secrets, name, {{"metadata", {{"ownerReferences", nullptr}}}});
      else if (chance(10))
        cluster.patch(secrets, name, {{"data", {{"username", nullptr}, {"extra", "eA=="}}}});
    }
    cluster.put(secrets, {{"metadata", {{"name", "mp-app-1-mine"}, {"labels", {{"app", "mp-app-1"}}}}}});
  }

  MappingSettings settings;

private:
  std::mt19937_64 random_;
};

Plan plan_of(const InMemoryCluster& cluster, const compass::RuntimeDataPtr& data, const MappingSettings& settings) {
  const auto desired = desired_objects(data, settings);
  const auto observed = tests::observe(cluster, "kyma-system");
  return plan_changes({desired, observed, {}, {}, std::chrono::seconds(10)});
}

// Everything that a plan says, in a text.
std::string text_of(const Plan& plan) {
  std::string text;
  for (const auto& work : plan.work) {
    text += work.name + ' ' + std::to_string(static_cast<int>(work.action)) + ' ' + work.uid;
    for (const auto& write : work.secret_writes)
      text += " +" + work.desired->secrets.at(write.index).name;
    for (const auto& removal : work.secret_removals)
      text += " -" + removal.name;
    text += '\n';
  }
  for (const auto& problem : plan.problems)
    text += problem.application + ": " + problem.reason + '\n';
  for (const auto& name : plan.held)
    text += "held " + name + '\n';
  return text;
}

// Objects that are nobody's business but their owners'.
std::vector<Json> strangers(const InMemoryCluster& cluster) {
  std::vector<Json> found;
  for (const Json& application : cluster.all(apps))
    if (!observed_application(application).managed)
      found.push_back(application);
  if (const auto mine = cluster.find(secrets, "mp-app-1-mine"))
    found.push_back(*mine);
  return found;
}

TEST(Plan, AppliedOnceLeavesNothingToDo) {
  tests::for_each_seed(60, [](std::uint64_t seed) {
    World world(seed);
    InMemoryCluster cluster;
    tests::reconcile_once(cluster, world.data(), world.settings);
    world.disturb(cluster);
    const auto data = world.data();
    tests::reconcile_once(cluster, data, world.settings);
    EXPECT_EQ(tests::reconcile_once(cluster, data, world.settings).plan.work.size(), 0u)
        << text_of(plan_of(cluster, data, world.settings));
  });
}

TEST(Plan, TouchesNothingThatIsSomebodyElses) {
  tests::for_each_seed(60, [](std::uint64_t seed) {
    World world(seed);
    InMemoryCluster cluster;
    tests::reconcile_once(cluster, world.data(), world.settings);
    world.disturb(cluster);
    const auto before = strangers(cluster);
    tests::reconcile_once(cluster, world.data(), world.settings);
    EXPECT_EQ(strangers(cluster), before);
  });
}

TEST(Plan, DoesNotDependOnTheOrderOfApplications) {
  tests::for_each_seed(40, [](std::uint64_t seed) {
    World world(seed);
    InMemoryCluster cluster;
    tests::reconcile_once(cluster, world.data(), world.settings);
    world.disturb(cluster);
    const auto data = world.data();
    auto shuffled = std::make_shared<compass::RuntimeData>(*data);
    std::mt19937_64 random(seed);
    std::shuffle(shuffled->applications.begin(), shuffled->applications.end(), random);
    EXPECT_EQ(text_of(plan_of(cluster, shuffled, world.settings)), text_of(plan_of(cluster, data, world.settings)));
  });
}

TEST(Plan, HoldsBackMoreThanTenDeletionsThatAreMoreThanHalf) {
  World world(1);
  InMemoryCluster cluster;
  std::vector<compass::Application> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(tests::shop("s" + std::to_string(i)));
  tests::reconcile_once(cluster, tests::director_data(all), world.settings);
  const auto keeping = [&](int count) {
    return plan_of(cluster, tests::director_data({all.begin(), all.begin() + count}), world.settings).held.size();
  };
  EXPECT_EQ(keeping(10), 0u) << "ten of twenty";
  EXPECT_EQ(keeping(9), 11u) << "eleven of twenty";
  EXPECT_EQ(keeping(0), 20u) << "all";
}

TEST(DesiredObjects, RefusesAnApplicationWhoseNameIsNoSubdomainAndKeepsTheRest) {
  const auto desired =
      desired_objects(tests::director_data({tests::shop("Not/Normal"), tests::shop("fine")}, true), MappingSettings());
  EXPECT_EQ(desired.applications.size(), 1u);
  ASSERT_EQ(desired.problems().size(), 1u);
  EXPECT_EQ(desired.problems()[0].application, "Not/Normal");
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
  EXPECT_EQ(cluster.all(secrets).at(0)["metadata"]["labels"]["app"], "mp-" + std::string(60, 'x'));
}

TEST(DesiredObjects, ASecretIsMadeForEmptyCredentials) {
  InMemoryCluster cluster;
  tests::reconcile_once(cluster,
                        tests::director_data({tests::application("a", {tests::with_password(tests::bundle("b"), "")})}),
                        MappingSettings());
  EXPECT_EQ(cluster.all(secrets).at(0)["data"]["password"], "");
}

} // namespace
} // namespace runtime_agent::application_reconciler
