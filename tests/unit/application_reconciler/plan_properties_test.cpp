#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "actors/application_reconciler/names.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"
#include "tests/unit/support/seeds.hpp"

// What holds for every plan, on seeded random data and clusters.
namespace runtime_agent::application_reconciler {
namespace {

using kubernetes::Json;
using tests::InMemoryCluster;

const auto apps = kubernetes::applications();

// Names that meet after normalisation, that are cut to one Secret's name, that are none, in several scripts.
std::string name_of(int kind, int number) {
  const std::string digit = std::to_string(number);
  switch (kind) {
  case 0:
    return "APP  " + digit;
  case 1:
    return "Größe-" + digit;
  case 2:
    return std::string(30, 'l') + digit;
  case 3:
    return std::string(300, 'x') + digit;
  case 4:
    return std::string(70, 'y') + digit;
  case 5:
    return "日本語 ../" + digit;
  default:
    return "app " + digit;
  }
}

class World {
public:
  explicit World(std::uint64_t seed) : random_(seed) { settings.integration_namespace = "kyma-system"; }

  bool chance(int percent) { return std::uniform_int_distribution<int>(0, 99)(random_) < percent; }
  int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  std::mt19937_64& random() { return random_; }

  compass::RuntimeDataPtr data() {
    std::vector<compass::Application> applications;
    for (int i = 0; i < 8; ++i) {
      if (!chance(70))
        continue;
      auto application = tests::application(name_of(number(18), number(10)));
      application.id += "#" + std::to_string(i); // names meet, ids do not
      for (int b = 0; b < 3; ++b)
        if (chance(60))
          application.bundles.push_back(bundle("b" + std::to_string(b)));
      applications.push_back(application);
    }
    std::shuffle(applications.begin(), applications.end(), random_);
    return tests::director_data(applications, chance(15));
  }

  /// What people and other programs do.
  void disturb(InMemoryCluster& cluster) {
    for (const Json& application : cluster.all(apps))
      if (chance(50))
        disturb_application(cluster, object_name(application));
    for (int i = 0; i < 3; ++i)
      if (const std::string name = "mp-app-" + std::to_string(number(10)); !cluster.find(apps, name))
        cluster.put(apps, {{"metadata", {{"name", name}}}, {"spec", {{"description", "by hand"}}}});
    for (const Json& secret : cluster.all(tests::kyma_secrets))
      if (chance(60))
        disturb_secret(cluster, object_name(secret));
    cluster.put(tests::kyma_secrets, {{"metadata", {{"name", "mp-app-1-mine"}, {"labels", {{"app", "mp-app-1"}}}}}});
  }

  MappingSettings settings;

private:
  compass::Bundle bundle(const std::string& id) {
    auto bundle = tests::bundle(id);
    if (chance(60))
      bundle = tests::with_password(bundle, std::array{"", "p1", "p2"}[static_cast<std::size_t>(number(3))]);
    if (chance(40))
      bundle = tests::with_headers(bundle);
    if (chance(20))
      bundle.api_definitions.clear();
    return bundle;
  }

  void disturb_application(InMemoryCluster& cluster, const std::string& name) {
    switch (number(5)) {
    case 0:
      return cluster.patch(apps, name, {{"spec", {{"description", "edited"}, {"displayName", "kept"}}}});
    case 1:
      return cluster.erase(apps, name);
    case 2:
      return cluster.patch(apps, name, {{"spec", {{"compassMetadata", nullptr}}}});
    case 3:
      return cluster.patch(apps, name, {{"metadata", {{"finalizers", {"held"}}, {"labels", nullptr}}}});
    default:
      return cluster.patch(apps, name,
                           {{"metadata", {{"finalizers", {"held"}}, {"deletionTimestamp", "2026-01-01T00:00:00Z"}}}});
    }
  }

  void disturb_secret(InMemoryCluster& cluster, const std::string& name) {
    const auto owned_by = [&](const char* version, const char* kind, const char* owner, bool controller) {
      cluster.patch(tests::kyma_secrets, name,
                    {{"metadata",
                      {{"ownerReferences",
                        {{{"apiVersion", version},
                          {"kind", kind},
                          {"name", owner},
                          {"uid", "u"},
                          {"controller", controller}}}}}}});
    };
    switch (number(7)) {
    case 0:
      return cluster.erase(tests::kyma_secrets, name);
    case 1:
      return cluster.patch(tests::kyma_secrets, name, {{"metadata", {{"labels", nullptr}}}});
    case 2:
      return cluster.patch(tests::kyma_secrets, name, {{"metadata", {{"ownerReferences", nullptr}}}});
    case 3:
      return cluster.patch(tests::kyma_secrets, name, {{"data", {{"username", nullptr}, {"extra", "eA=="}}}});
    case 4:
      return owned_by("apps/v1", "Deployment", "theirs", true);
    case 5:
      return owned_by("applicationconnector.kyma-project.io/v1alpha1", "Application", "mp-app-1", false);
    default:
      return cluster.patch(tests::kyma_secrets, name,
                           {{"metadata", {{"labels", {{"app", "mp-app-2"}, {"bundleId", "b9"}}}}}});
    }
  }

  std::mt19937_64 random_;
};

Plan plan_of(const ObservedState& observed, const compass::RuntimeDataPtr& data, const MappingSettings& settings) {
  return plan_changes({desired_objects(data, settings), observed, {}, {}, std::chrono::seconds(10)});
}
Plan plan_of(const InMemoryCluster& cluster, const compass::RuntimeDataPtr& data, const MappingSettings& settings) {
  return plan_of(tests::observe(cluster, "kyma-system"), data, settings);
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

// A world in which something has happened since it was brought in line.
void each_world(const std::function<void(World&, InMemoryCluster&)>& property) {
  tests::for_each_seed(60, [&](std::uint64_t seed) {
    World world(seed);
    InMemoryCluster cluster;
    tests::reconcile_once(cluster, world.data(), world.settings);
    world.disturb(cluster);
    property(world, cluster);
  });
}

bool controlled_by_others(const Json& secret) {
  for (const Json& owner : secret["metadata"].value("ownerReferences", Json::array()))
    if (owner.value("controller", false))
      return true;
  return false;
}

// Objects that are nobody's business but their owners'.
std::map<std::string, Json> strangers(const InMemoryCluster& cluster) {
  std::map<std::string, Json> found;
  for (const Json& application : cluster.all(apps))
    if (!application["spec"].contains("compassMetadata"))
      found["Application " + object_name(application)] = application;
  for (const Json& secret : cluster.all(tests::kyma_secrets))
    if (controlled_by_others(secret) || object_name(secret) == "mp-app-1-mine")
      found["Secret " + object_name(secret)] = secret;
  return found;
}

TEST(PlanProperty, AppliedOnceLeavesNothingToDo) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto data = world.data();
    tests::reconcile_once(cluster, data, world.settings);
    EXPECT_EQ(tests::reconcile_once(cluster, data, world.settings).plan.work.size(), 0u)
        << text_of(plan_of(cluster, data, world.settings));
  });
}

TEST(PlanProperty, AppliedTouchesNothingThatIsSomebodyElses) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto before = strangers(cluster);
    tests::reconcile_once(cluster, world.data(), world.settings);
    const auto after = strangers(cluster);
    for (const auto& [name, object] : before)
      EXPECT_TRUE(after.contains(name) && after.at(name) == object) << name;
  });
}

TEST(PlanProperty, HasNobodyElsesObjectsInIt) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto theirs = strangers(cluster);
    for (const auto& work : plan_of(cluster, world.data(), world.settings).work) {
      EXPECT_TRUE(is_dns1123_subdomain(work.name)) << work.name;
      EXPECT_FALSE(work.action != ApplicationAction::keep && theirs.contains("Application " + work.name)) << work.name;
      for (const auto& write : work.secret_writes)
        EXPECT_FALSE(theirs.contains("Secret " + work.desired->secrets.at(write.index).name));
      for (const auto& removal : work.secret_removals)
        EXPECT_FALSE(theirs.contains("Secret " + removal.name)) << removal.name;
    }
  });
}

TEST(PlanProperty, LeavesWhatIsBeingDeletedAlone) {
  each_world([](World& world, InMemoryCluster& cluster) {
    for (const auto& work : plan_of(cluster, world.data(), world.settings).work) {
      const auto live = cluster.find(apps, work.name);
      EXPECT_FALSE(live && (*live)["metadata"].contains("deletionTimestamp")) << work.name;
    }
  });
}

TEST(PlanProperty, NamesEachObjectOnce) {
  each_world([](World& world, InMemoryCluster& cluster) {
    std::set<std::string> names;
    const auto once = [&](const std::string& name) { EXPECT_TRUE(names.insert(name).second) << name; };
    for (const auto& work : plan_of(cluster, world.data(), world.settings).work) {
      once("Application " + work.name);
      for (const auto& write : work.secret_writes)
        once("Secret " + work.desired->secrets.at(write.index).name);
      for (const auto& removal : work.secret_removals)
        once("Secret " + removal.name);
    }
  });
}

TEST(PlanProperty, DoesNotDependOnTheOrderOfApplications) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto data = world.data();
    auto shuffled = std::make_shared<compass::RuntimeData>(*data);
    std::shuffle(shuffled->applications.begin(), shuffled->applications.end(), world.random());
    EXPECT_EQ(text_of(plan_of(cluster, shuffled, world.settings)), text_of(plan_of(cluster, data, world.settings)));
  });
}

TEST(PlanProperty, DoesNotDependOnHowTheClusterCameToBeKnown) {
  each_world([](World& world, InMemoryCluster& cluster) {
    auto objects = cluster.all(tests::kyma_secrets);
    const auto later = cluster.all(apps);
    objects.insert(objects.end(), later.begin(), later.end());
    std::shuffle(objects.begin(), objects.end(), world.random());
    ObservedState observed; // by events, in any order, of earlier and of present versions
    for (int round = 0; round < 2; ++round)
      for (Json object : objects) {
        const bool application = object["spec"].is_object();
        if (round == 0 && !application)
          object["metadata"].erase("labels");
        application ? observed.put(object_name(object), std::optional(observed_application(object)))
                    : observed.put(object_name(object), std::optional(observed_secret(object)));
      }
    const auto data = world.data();
    EXPECT_EQ(text_of(plan_of(observed, data, world.settings)), text_of(plan_of(cluster, data, world.settings)));
  });
}

TEST(PlanProperty, WorkIsNeededWhereThePlanHasSome) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto data = world.data();
    const auto desired = desired_objects(data, world.settings);
    const auto observed = tests::observe(cluster, "kyma-system");
    const auto plan = plan_of(cluster, data, world.settings);
    std::set<std::string> with_work(plan.held.begin(), plan.held.end());
    for (const auto& work : plan.work)
      with_work.insert(work.name);
    for (int i = 0; i < 10; ++i)
      for (int kind = 0; kind < 7; ++kind)
        for (const bool normalized : {false, true}) {
          const auto name = application_name(name_of(kind, i), normalized);
          EXPECT_EQ(needs_work(name, desired, observed), with_work.contains(name)) << name;
        }
  });
}

TEST(PlanProperty, NothingUnderARefusedNameIsTouched) {
  each_world([](World& world, InMemoryCluster& cluster) {
    const auto data = world.data();
    const auto refused = desired_objects(data, world.settings).refused;
    for (const auto& work : plan_of(cluster, data, world.settings).work)
      EXPECT_FALSE(refused.contains(work.name)) << work.name;
  });
}

} // namespace
} // namespace runtime_agent::application_reconciler
