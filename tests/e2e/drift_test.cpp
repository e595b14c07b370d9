#include <algorithm>
#include <array>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/encoding.hpp"

/// What others do to Applications and their Secrets, put right by the real binary. Source: contract §§5.2, 5.3.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

class DriftTest : public OnEachCluster {
protected:
  static std::string name_of(int number) {
    const std::string digits = std::to_string(number);
    return "mp-app-" + std::string(4 - digits.size(), '0') + digits;
  }
  std::optional<Json> secret_of(const std::string& application) {
    for (Json& object : world().list(kubernetes::secrets("kyma-system")))
      if (object["metadata"].contains("labels") && object["metadata"]["labels"].value("app", "") == application)
        return std::move(object);
    return std::nullopt;
  }
  Json rogue(const std::string& name) {
    Json object = live(name_of(1));
    object["metadata"] = {{"name", name}};
    return object;
  }
  void create(const kubernetes::Resource& resource, const Json& object) {
    const auto created = world().api().create(resource, object, context());
    ASSERT_TRUE(created) << created.error().text();
  }
  static CallContext context() {
    CallContext context;
    context.deadline = Clock::now() + 30s;
    return context;
  }
};

/// One thing that somebody does, and what tells that it has been put right.
struct Drift {
  const char* what;
  std::function<void(const std::string& application, const Json& secret)> happens;
  std::function<bool(const std::string& application, const Json& secret)> is_put_right;
};

TEST_P(DriftTest, IsPutRightWithinASecondOfWhateverKindItIs) {
  const auto secret_name = [](const Json& secret) { return secret["metadata"]["name"].get<std::string>(); };
  const auto is_as_before = [&](const std::string&, const Json& before) {
    const auto now = world().get(kubernetes::secrets("kyma-system"), secret_name(before));
    if (!now || (*now)["data"] != before["data"])
      return false;
    const auto same = [&](const char* key) { return (*now)["metadata"].value(key, Json()) == before["metadata"][key]; };
    return same("labels") && same("ownerReferences");
  };
  const auto merge_into_secret = [&](const Json& secret, const Json& patch) {
    world().merge(kubernetes::secrets("kyma-system"), secret_name(secret), patch);
  };
  const auto stranger = [&](const std::string& name) { // made for a bundle that there is not
    Json secret = *secret_of(name);
    secret["metadata"] = {{"name", name + "-none"},
                          {"namespace", "kyma-system"},
                          {"labels", {{"app", name}, {"bundleId", "none"}}},
                          {"ownerReferences", secret["metadata"]["ownerReferences"]}};
    return secret;
  };
  const std::vector<Drift> drifts{
      {"an edited Application",
       [&](const auto& name, const Json&) {
         world().merge(kubernetes::applications(), name, {{"spec", {{"description", "edited"}}}});
       },
       [&](const auto& name, const Json&) { return live(name)["spec"]["description"] == "generated"; }},
      {"an Application without our label",
       [&](const auto& name, const Json&) {
         world().merge(kubernetes::applications(), name, {{"metadata", {{"labels", nullptr}}}});
       },
       [&](const auto& name, const Json&) { return live(name)["metadata"].contains("labels"); }},
      {"a deleted Application",
       [&](const auto& name, const Json&) { world().remove(kubernetes::applications(), name); },
       [&](const auto& name, const Json&) {
         const Json object = live(name);
         const auto secret = secret_of(name);
         return !object.is_null() && secret &&
                (*secret)["metadata"]["ownerReferences"][0]["uid"] == object["metadata"]["uid"];
       }},
      {"an added Application",
       [&](const auto& name, const Json&) { create(kubernetes::applications(), rogue(name + "-rogue")); },
       [&](const auto& name, const Json&) { return live(name + "-rogue").is_null(); }},
      {"an edited Secret",
       [&](const auto&, const Json& secret) {
         Json data = secret["data"];
         for (Json& value : data)
           value = base64_encode("edited");
         merge_into_secret(secret, {{"data", data}});
       },
       is_as_before},
      {"a Secret that has lost its labels and its owner",
       [&](const auto&, const Json& secret) {
         merge_into_secret(secret, {{"metadata", {{"labels", nullptr}, {"ownerReferences", nullptr}}}});
       },
       is_as_before},
      {"a deleted Secret",
       [&](const auto&, const Json& secret) {
         world().remove(kubernetes::secrets("kyma-system"), secret_name(secret));
       },
       is_as_before},
      {"an added Secret",
       [&](const auto& name, const Json&) { create(kubernetes::secrets("kyma-system"), stranger(name)); },
       [&](const auto& name, const Json&) {
         return !world().get(kubernetes::secrets("kyma-system"), name + "-none");
       }}};

  constexpr std::size_t times = 3; // the median of them is free of what else the machine does
  give_applications(drifts.size() * times);
  synchronise(with_long_period());
  int number = 0;
  for (const Drift& drift : drifts) {
    std::array<std::chrono::milliseconds, times> took{};
    for (auto& one : took) {
      const std::string name = name_of(++number); // each its own: three repairs a minute are allowed
      const auto secret = secret_of(name);
      ASSERT_TRUE(secret) << name;
      drift.happens(name, *secret);
      const auto begun = Clock::now();
      ASSERT_TRUE(comes_true([&] { return drift.is_put_right(name, *secret); })) << drift.what << ", " << name;
      one = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
    }
    std::sort(took.begin(), took.end());
    EXPECT_LE(took[times / 2], 1s) << drift.what;
    RecordProperty("milliseconds_" + std::to_string(&drift - drifts.data()), static_cast<int>(took[times / 2].count()));
  }
}

// Its watches are put off meanwhile: nothing of what happens then may be lost.
TEST_P(DriftTest, DuringAMassWriteIsPutRightWhenItIsOver) {
  give_applications(300);
  world().configure();
  world().start(with_long_period());
  ASSERT_TRUE(comes_true([&] { return !live(name_of(20)).is_null(); }));
  world().remove(kubernetes::applications(), name_of(20));
  world().merge(kubernetes::applications(), name_of(10), {{"spec", {{"description", "edited"}}}});
  create(kubernetes::applications(), rogue("rogue"));
  ASSERT_TRUE(reaches("Synchronized", 60s));
  EXPECT_TRUE(comes_true([&] { return !live(name_of(20)).is_null(); }));
  EXPECT_TRUE(comes_true([&] { return live(name_of(10))["spec"]["description"] == "generated"; }));
  EXPECT_TRUE(comes_true([&] { return live("rogue").is_null(); }));
  EXPECT_EQ(world().application_names().size(), 300u);
}

TEST_P(DriftTest, AWriterThatInsistsIsBackedOffFromAndNamedAndNobodyElseIs) {
  give_applications(2);
  synchronise(with_long_period());
  const auto edit = [this](int number) {
    world().merge(kubernetes::applications(), name_of(number), {{"spec", {{"description", "edited"}}}});
  };
  const auto put_right = [this](int number) {
    return comes_true([&] { return live(name_of(number))["spec"]["description"] == "generated"; });
  };
  for (int repair = 0; repair < 3; ++repair) {
    edit(1);
    ASSERT_TRUE(put_right(1)) << repair;
  }
  edit(1);
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_THAT(world().field("/status/synchronizationStatus/error"), HasSubstr(name_of(1)));
  EXPECT_THAT(world().field("/status/synchronizationStatus/error"), HasSubstr("somebody else keeps changing it"));
  EXPECT_EQ(live(name_of(1))["spec"]["description"], "edited");
  edit(2);
  EXPECT_TRUE(put_right(2));
}

TEST_P(DriftTest, OfASecretIsFoundAtTheStartWhereSecretsMayNotBeListed) {
  give_applications(3);
  Variables variables = world().quick_environment(Rights::todays);
  synchronise(variables);
  const auto before = secret_of(name_of(1));
  const auto removed = secret_of(name_of(2));
  ASSERT_TRUE(before && removed);
  end_agent();
  world().merge(kubernetes::secrets("kyma-system"), (*before)["metadata"]["name"],
                {{"data", {{"password", base64_encode("edited")}}}});
  world().remove(kubernetes::secrets("kyma-system"), (*removed)["metadata"]["name"]);
  world().start(variables);
  EXPECT_TRUE(comes_true([&] {
    const auto first = secret_of(name_of(1));
    const auto second = secret_of(name_of(2));
    return first && second && (*first)["data"] == (*before)["data"] && (*second)["data"] == (*removed)["data"];
  }));
}

INSTANTIATE_TEST_SUITE_P(Each, DriftTest, testing::ValuesIn(clusters()), cluster_name);

} // namespace
} // namespace runtime_agent::e2e
