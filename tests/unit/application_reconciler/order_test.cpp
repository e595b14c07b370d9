#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "actors/application_reconciler/object_bodies.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/reconcile_once.hpp"
#include "tests/unit/support/seeds.hpp"
#include "transport/encoding.hpp"

// The Director promises no order, and people may reorder what is ours: lists are sets (contract §3).
namespace runtime_agent::tests {
namespace {

using namespace application_reconciler;

const auto apps = kubernetes::applications();

class Shuffler {
public:
  explicit Shuffler(std::uint64_t seed) : random_(seed) {}

  template <class List>
  void shuffle(List& list) {
    std::shuffle(list.begin(), list.end(), random_);
  }

  compass::RuntimeDataPtr shuffled(const compass::RuntimeDataPtr& data) {
    auto other = std::make_shared<compass::RuntimeData>(*data);
    for (auto& application : other->applications) {
      shuffle(application.auth_ids);
      shuffle(application.bundles);
      for (auto& bundle : application.bundles) {
        shuffle(bundle.api_definitions);
        shuffle(bundle.event_definitions);
      }
    }
    shuffle(other->applications);
    return other;
  }

  /// Each list and each object's members, at any depth.
  Json shuffled(const Json& value) {
    if (value.is_array()) {
      std::vector<Json> members(value.begin(), value.end());
      shuffle(members);
      Json out = Json::array();
      for (const Json& member : members)
        out.push_back(shuffled(member));
      return out;
    }
    if (!value.is_object())
      return value;
    std::vector<std::string> keys;
    for (const auto& item : value.items())
      keys.push_back(item.key());
    shuffle(keys);
    Json out = Json::object();
    for (const auto& key : keys)
      out[key] = shuffled(value[key]);
    return out;
  }

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

private:
  std::mt19937_64 random_;
};

compass::Application usual_application(const std::string& name) {
  auto source = application(name);
  for (const auto* auth : {"auth-1", "auth-2", "auth-3"})
    source.auth_ids.emplace_back(auth);
  for (const auto* id : {"b1", "b2", "b3", "b4"}) {
    auto one = with_headers(with_password(bundle(id)));
    for (const auto* more : {"x", "y", "z"}) {
      one.api_definitions.push_back(
          {std::string(id) + more, more, std::nullopt, "https://backend", std::nullopt, std::nullopt});
      one.event_definitions.push_back({std::string(id) + more, more, std::nullopt, std::nullopt, std::nullopt});
    }
    source.bundles.push_back(one);
  }
  return source;
}

compass::RuntimeDataPtr usual_data() {
  return director_data({usual_application("a"), usual_application("b"), usual_application("c")});
}

/// One change that shows in the cluster, of the bundle `bundle` of an Application.
void change(compass::Application& application, std::size_t bundle, std::size_t kind) {
  auto& changed = application.bundles[bundle];
  switch (kind) {
  case 0:
    changed.api_definitions.back().target_url = "https://elsewhere";
    break;
  case 1:
    changed.event_definitions.pop_back();
    break;
  case 2:
    changed.description = "another";
    break;
  case 3:
    application.auth_ids.emplace_back("auth-4");
    break;
  default:
    changed = with_password(changed, "another");
  }
}

std::vector<std::string> ids(const Json& list) {
  std::vector<std::string> out;
  for (const Json& member : list)
    out.push_back(member["id"]);
  return out;
}

TEST(Order, OfNestedListsChangesNoDigest) {
  for_each_seed(50, [](std::uint64_t seed) {
    const auto data = usual_data();
    const auto desired = desired_objects(data, {});
    const auto other = desired_objects(Shuffler(seed).shuffled(data), {});
    ASSERT_EQ(other.applications.size(), desired.applications.size());
    for (const auto& [name, application] : desired.applications) {
      EXPECT_EQ(other.applications.at(name)->digest, application->digest);
      EXPECT_EQ(other.applications.at(name)->whole_digest, application->whole_digest);
    }
  });
}

TEST(Order, OfWhatIsObservedChangesNoDigest) {
  for_each_seed(50, [](std::uint64_t seed) {
    const auto source = usual_application("a");
    const Json body = application_body(source, "mp-a", {});
    const Json other = Shuffler(seed).shuffled(body);
    EXPECT_EQ(application_digest(other), application_digest(source, "mp-a", {}));
    Json live = other;
    EXPECT_FALSE(merge_application(live, body));
    EXPECT_EQ(live, other);
  });
}

TEST(Order, ThatTheDirectorChangesIsNoWork) {
  InMemoryCluster cluster;
  reconcile_once(cluster, usual_data(), {});
  cluster.take_writes();
  for_each_seed(50, [&](std::uint64_t seed) {
    EXPECT_TRUE(reconcile_once(cluster, Shuffler(seed).shuffled(usual_data()), {}).plan.work.empty());
    EXPECT_TRUE(cluster.take_writes().empty());
  });
}

TEST(Order, ThatAPersonChangesIsNoWork) {
  for_each_seed(20, [](std::uint64_t seed) {
    InMemoryCluster cluster;
    reconcile_once(cluster, usual_data(), {});
    Shuffler shuffler(seed);
    for (const Json& live : cluster.all(apps))
      cluster.put(apps, shuffler.shuffled(live));
    EXPECT_TRUE(reconcile_once(cluster, usual_data(), {}).plan.work.empty());
  });
}

TEST(Order, BesideOneChangeLeavesExactlyThatChange) {
  for_each_seed(100, [](std::uint64_t seed) {
    InMemoryCluster cluster;
    reconcile_once(cluster, usual_data(), {});
    cluster.take_writes();
    Shuffler shuffler(seed);
    auto data = std::make_shared<compass::RuntimeData>(*shuffler.shuffled(usual_data()));
    auto& changed = data->applications[shuffler.below(3)];
    const std::size_t bundle = shuffler.below(4);
    const std::size_t kind = shuffler.below(5);
    change(changed, bundle, kind);
    const std::string name = "mp-" + changed.name;
    const auto result = reconcile_once(cluster, data, {});
    const auto written =
        kind == 4 ? "update secrets/" + name + "-" + changed.bundles[bundle].id : "update applications/" + name;
    EXPECT_EQ(result.plan.unchanged, 2u);
    EXPECT_EQ(cluster.take_writes(), std::vector{written});
    EXPECT_TRUE(reconcile_once(cluster, shuffler.shuffled(data), {}).plan.work.empty());
  });
}

TEST(Order, OfTheClusterStaysWhereAnApplicationIsWritten) {
  for_each_seed(50, [](std::uint64_t seed) {
    InMemoryCluster cluster;
    const auto before = usual_data();
    reconcile_once(cluster, before, {});
    Shuffler shuffler(seed);
    auto data = std::make_shared<compass::RuntimeData>(*before);
    auto& source = data->applications[0];
    source.description = "another";
    std::erase_if(source.bundles, [](const auto& bundle) { return bundle.id == "b2"; });
    source.bundles.push_back(bundle("b0"));
    source.auth_ids.insert(source.auth_ids.begin(), "auth-0");
    source.bundles[0].api_definitions.push_back(
        {"a0", "new", std::nullopt, "https://backend", std::nullopt, std::nullopt});
    reconcile_once(cluster, shuffler.shuffled(data), {});
    const Json spec = (*cluster.find(apps, "mp-a"))["spec"];
    EXPECT_EQ(spec["description"], "another");
    EXPECT_EQ(ids(spec["services"]), (std::vector<std::string>{"b1", "b3", "b4", "b0"}));
    EXPECT_EQ(ids(spec["services"][0]["entries"]),
              (std::vector<std::string>{"api-b1", "b1x", "b1y", "b1z", "b1x", "b1y", "b1z", "a0"}));
    EXPECT_EQ(spec["compassMetadata"]["authentication"]["clientIds"], (Json{"auth-1", "auth-2", "auth-3", "auth-0"}));
  });
}

TEST(Order, IsTheOneReceivedInANewApplication) {
  InMemoryCluster cluster;
  auto source = usual_application("a");
  std::reverse(source.bundles.begin(), source.bundles.end());
  reconcile_once(cluster, director_data({source}), {});
  EXPECT_EQ(ids((*cluster.find(apps, "mp-a"))["spec"]["services"]), (std::vector<std::string>{"b4", "b3", "b2", "b1"}));
}

TEST(Order, IsFoundWhereMembersOfOneIdStandTwice) {
  const Json wanted = application_body(usual_application("a"), "mp-a", {});
  Json live = wanted;
  Json& services = live["spec"]["services"];
  services.push_back(services[1]); // by hand
  services.push_back({{"name", "without an id"}});
  services.push_back("no object");
  EXPECT_NE(application_digest(live), application_digest(wanted));
  EXPECT_TRUE(merge_application(live, wanted));
  EXPECT_EQ(ids(live["spec"]["services"]), (std::vector<std::string>{"b1", "b2", "b3", "b4"}));
  EXPECT_EQ(application_digest(live), application_digest(wanted));
}

// Of the values that one header has, the order does mean something.
TEST(Order, OfMembersWithinAParametersSecretIsNoWork) {
  auto parameters = with_headers(bundle("b"));
  parameters.default_instance_auth->additional_headers = Secret(R"({"A":["1","2"],"X":[""]})");
  const auto data = director_data({application("a", {parameters})});
  InMemoryCluster cluster;
  reconcile_once(cluster, data, {});
  cluster.take_writes();
  const auto edit = [&](const std::string& headers) {
    cluster.patch(kyma_secrets, "params-mp-a-b", {{"data", {{"headers", base64_encode(headers)}}}});
    return reconcile_once(cluster, data, {}).plan.work.size();
  };
  const std::string reordered = R"({ "X": [""], "A": ["1", "2"] })";
  EXPECT_EQ(edit(reordered), 0u);
  cluster.patch(kyma_secrets, "params-mp-a-b", {{"metadata", {{"labels", {{"app", nullptr}}}}}});
  reconcile_once(cluster, data, {});
  EXPECT_EQ(cluster.take_writes(), std::vector<std::string>{"update secrets/params-mp-a-b"});
  EXPECT_EQ((*cluster.find(kyma_secrets, "params-mp-a-b"))["data"]["headers"], base64_encode(reordered));
  for (const char* other :
       {R"({"A":["2","1"],"X":[""]})", R"({"A":["1","2"]})", R"({"A":["1","2"],"X":[]})", "no JSON"})
    EXPECT_EQ(edit(other), 1u) << other;
  EXPECT_EQ(reconcile_once(cluster, data, {}).plan.work.size(), 0u);
}

TEST(Order, OfBundlesDoesNotShowInARefusal) {
  auto source = application("a");
  for (const auto* id : {"not a label", "nor/this", "nor that"})
    source.bundles.push_back(with_password(bundle(id)));
  const auto refused = desired_objects(director_data({source}), {}).refused;
  ASSERT_EQ(refused.size(), 1u);
  for_each_seed(10, [&](std::uint64_t seed) {
    EXPECT_EQ(desired_objects(Shuffler(seed).shuffled(director_data({source})), {}).refused, refused);
  });
}

} // namespace
} // namespace runtime_agent::tests
