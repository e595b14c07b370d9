#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "tests/sandbox/compass/datasets.hpp"

/// Every page of every level arrives, and an answer that lacks one deletes nothing. Source: contract §3, §8 no. 1.
namespace runtime_agent::e2e {
namespace {

using sandbox::compass::generated_applications;

class PagingOnSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  /// So many Applications, one more with `many` bundles, and one with a bundle of `many` definitions of each kind.
  static nlohmann::json dataset(std::size_t applications, std::size_t many, bool credentials) {
    auto all = generated_applications(applications, {.credentials = false});
    const auto add = [&](nlohmann::json more) { all["applications"].push_back(std::move(more["applications"][0])); };
    add(generated_applications(1, {.bundles = many, .credentials = credentials, .name_prefix = "many-bundles"}));
    add(generated_applications(1, {.apis = many, .events = many, .name_prefix = "many-definitions"}));
    return all;
  }
  Variables with_long_period() {
    Variables variables = world().quick_environment();
    variables["APP_CONTROLLER_SYNC_PERIOD"] = "180s"; // cycles come when they are asked for
    return variables;
  }
  /// "api-0001" to "api-0450".
  static std::set<std::string> numbered(const char* prefix, std::size_t last) {
    std::set<std::string> names;
    for (std::size_t i = 1; i <= last; ++i)
      names.insert(fmt::format("{}-{:04}", prefix, i));
    return names;
  }
  Json services(const std::string& name) {
    return (*world().get(kubernetes::applications(), name))["spec"]["services"];
  }
};

TEST_F(PagingOnSandbox, EveryPageOfEveryLevelArrives) {
  constexpr std::size_t many = 450; // five pages of a hundred
  give(dataset(1000, many, true));
  world().configure();
  world().start(with_long_period());
  ASSERT_TRUE(reaches("Synchronized", 120s));
  EXPECT_EQ(world().sandbox_server()->count("applications"), 1002u);
  EXPECT_EQ(services("mp-many-bundles-0001").size(), many);
  const Json entries = services("mp-many-definitions-0001")[0]["entries"];
  ASSERT_EQ(entries.size(), 2 * many);
  // Each of them once, APIs first; the Director promises no order among them.
  std::set<std::string> apis, events;
  for (std::size_t i = 0; i < many; ++i) {
    apis.insert(entries[i]["name"]);
    events.insert(entries[many + i]["name"]);
  }
  EXPECT_EQ(apis, numbered("api", many));
  EXPECT_EQ(events, numbered("events", many));
  // Credentials of each of the many bundles, of the other one, and what is the agent's own.
  EXPECT_EQ(world().versions().size(), 1002u + many + 1u);
}

/// What happens to a later page, and to which: the pages before it are good.
struct SpoiltPage {
  const char* name;
  const char* action;
  const char* field;
  int pages_before;
};

class SpoiltPages : public PagingOnSandbox, public testing::WithParamInterface<SpoiltPage> {};

TEST_P(SpoiltPages, DeleteNothing) {
  give(dataset(250, 250, false));
  synchronise(with_long_period());
  const auto before = world().versions();
  ASSERT_EQ(before.size(), 252u + 1u);

  const auto& page = GetParam();
  nlohmann::json fault{{"service", "director"}, {"field", page.field}, {"skip", page.pages_before}};
  fault["action"] = page.action;
  add_fault(fault);
  fault["action"] = "http-503"; // and all that follows, so that the state stays to be looked at
  fault["times"] = -1;
  add_fault(fault);
  world().patch_connection({{"spec", {{"resyncNow", true}}}});
  ASSERT_TRUE(reaches("SynchronizationFailed"));
  EXPECT_EQ(compass().faults()[0].applied, 1);
  EXPECT_EQ(world().versions(), before);

  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().versions(), before);
}

constexpr const char* applications_page = "applicationsForRuntime";
constexpr const char* inner_page = "application"; // of bundles and definitions

INSTANTIATE_TEST_SUITE_P(Sandbox, SpoiltPages,
                         testing::Values(SpoiltPage{"PartialWithErrors", "errors-partial", applications_page, 2},
                                         SpoiltPage{"Http500", "http-500", applications_page, 2},
                                         SpoiltPage{"Reset", "reset", applications_page, 2},
                                         SpoiltPage{"Truncated", "truncated", applications_page, 2},
                                         SpoiltPage{"Cut", "cut", applications_page, 2},
                                         SpoiltPage{"InnerPartialWithErrors", "errors-partial", inner_page, 1},
                                         SpoiltPage{"InnerNull", "null", inner_page, 4}),
                         [](const auto& parameter) { return parameter.param.name; });

} // namespace
} // namespace runtime_agent::e2e
