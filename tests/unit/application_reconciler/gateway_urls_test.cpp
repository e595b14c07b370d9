#include "actors/application_reconciler/gateway_urls.hpp"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>

#include "actors/application_reconciler/object_bodies.hpp"
#include "tests/unit/application_reconciler/director_data.hpp"
#include "tests/unit/application_reconciler/vector_dataset.hpp"
#include "tests/unit/support/seeds.hpp"
#include "tests/vectors/gateway.hpp"

/// Every centralGatewayUrl resolves to exactly one entry, or is warned of. Source: contract §9.
namespace runtime_agent::tests {
namespace {

using application_reconciler::desired_objects;
using application_reconciler::gateway_warning;
using application_reconciler::MappingSettings;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

compass::Bundle with_apis(const std::string& id, const std::string& name, const std::vector<std::string>& apis) {
  compass::Bundle made;
  made.id = id;
  made.name = name;
  for (const auto& api : apis)
    made.api_definitions.push_back({id + "-" + std::to_string(made.api_definitions.size()), api, std::nullopt,
                                    "https://backend.example.com", std::nullopt, std::nullopt});
  return made;
}

/// The names of those that the gateway cannot resolve, against those that are warned of.
void expect_each_is_warned_of(const compass::RuntimeDataPtr& data) {
  MappingSettings settings;
  settings.central_gateway_url = "http://gateway:8082/";
  const auto desired = desired_objects(data, settings);
  std::vector<kubernetes::Json> bodies;
  for (const auto& [name, application] : desired.applications)
    bodies.push_back(application_reconciler::application_body(*application->source, name, settings));
  std::set<std::string> broken, warned;
  for (const auto& [name, urls] : vectors::unresolvable(bodies))
    broken.insert(name);
  for (const auto& warning : desired.warnings())
    warned.insert(warning.application);
  EXPECT_EQ(broken, warned);
}

TEST(GatewayUrls, AreWarnedOfWhereTwoDefinitionsShareOne) {
  struct Case {
    const char* what;
    std::vector<compass::Bundle> bundles;
    std::vector<std::string> said; ///< empty: nothing
  };
  const std::vector<Case> cases{
      {"two names", {with_apis("b1", "Orders", {"read", "write"})}, {}},
      {"one name twice in a bundle", {with_apis("b1", "Orders", {"API", "api"})}, {"orders/api", "b1-0", "b1-1"}},
      {"names that are normalised alike",
       {with_apis("b1", "Orders", {"my api", "my.api!"})},
       {"orders/my-api", "\"my api\"", "\"my.api!\""}},
      {"two bundles of one name",
       {with_apis("b1", "Orders", {"api"}), with_apis("b2", "orders", {"API"})},
       {"orders/api", "b1-0", "b2-0", "\"Orders\"", "\"orders\""}},
      {"two bundles of one name with other APIs",
       {with_apis("b1", "Orders", {"one"}), with_apis("b2", "Orders", {"two"})},
       {}},
      {"no letter in either", {with_apis("b1", "!", {"??"}), with_apis("b2", "§", {"--"})}, {"b1-0", "b2-0"}},
      {"one that is cut", {with_apis("b1", "b", {std::string(60, 'a') + "1", std::string(60, 'a') + "2"})}, {"b1-1"}},
      {"three", {with_apis("b1", "b", {"x", "X", "x "})}, {"b1-0", "b1-1", "b1-2"}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    const auto source = application("shop", one.bundles);
    const std::string warning = gateway_warning(source);
    EXPECT_EQ(warning.empty(), one.said.empty()) << warning;
    for (const auto& part : one.said)
      EXPECT_THAT(warning, HasSubstr(part));
    expect_each_is_warned_of(director_data({source}));
  }
}

TEST(GatewayUrls, EventDefinitionsShareNone) {
  auto events = with_apis("b1", "Orders", {"api"});
  events.event_definitions.push_back({"e1", "api", std::nullopt, std::nullopt, std::nullopt});
  EXPECT_THAT(gateway_warning(application("shop", {events})), IsEmpty());
}

TEST(GatewayUrls, AWarningIsBounded) {
  const std::vector<std::string> names(1000, std::string(300, 'x'));
  EXPECT_LE(gateway_warning(application("shop", {with_apis("b", "b", names)})).size(), 600u + 3); // and an ellipsis
}

TEST(GatewayUrls, OfDrawnNamesAreEachWarnedOfOrWorkInWhateverOrder) {
  for_each_seed(300, [](std::uint64_t seed) {
    std::mt19937_64 draw(seed);
    const auto name = [&] {
      static constexpr std::array<const char*, 8> parts{"a", "B", "-", " ", "é", ".", "b", "1"};
      std::string text;
      for (auto left = draw() % 4; left > 0; --left)
        text += parts.at(draw() % parts.size());
      return text;
    };
    std::vector<compass::Application> applications;
    for (int i = 0; i < 4; ++i) {
      std::vector<compass::Bundle> bundles;
      for (auto left = draw() % 4; left > 0; --left)
        bundles.push_back(with_apis("b" + std::to_string(left), name(), {name(), name()}));
      applications.push_back(application("app-" + std::to_string(i), bundles));
    }
    expect_each_is_warned_of(director_data(applications));
    for (auto& one : applications) {
      const std::string before = gateway_warning(one);
      std::shuffle(one.bundles.begin(), one.bundles.end(), draw);
      for (auto& some : one.bundles)
        std::shuffle(some.api_definitions.begin(), some.api_definitions.end(), draw);
      EXPECT_EQ(gateway_warning(one), before);
    }
  });
}

TEST(GatewayUrls, OfAllVectorsAreEachWarnedOfOrWork) {
  for (const auto& name : vector_cases()) {
    SCOPED_TRACE(name);
    for (const char* file : {"dataset.json", "step2.json"})
      if (const auto dataset = vector_file(name, file); !dataset.is_null())
        expect_each_is_warned_of(runtime_data(dataset));
  }
}

} // namespace
} // namespace runtime_agent::tests
