#include <gtest/gtest.h>

#include "tests/unit/compass/fake_director.hpp"
#include "transport/compass/director_mapping.hpp"

// Fetched data that are equal are one and the same object, in whatever order they came (contract §3).
namespace runtime_agent::compass::test {
namespace {

json usual_bundle(const std::string& id) {
  auto one = bundle(id);
  for (const auto* list : {"apiDefinitions", "eventDefinitions"})
    for (const auto* name : {"x", "y", "z"})
      one[list].push_back({{"id", id + name}, {"name", name}, {"targetURL", "https://backend"}});
  return one;
}

json usual_application() {
  auto one = application("a");
  one["auths"] = {{{"id", "1"}}, {{"id", "2"}}, {{"id", "3"}}};
  one["bundles"] = {usual_bundle("p"), usual_bundle("q"), usual_bundle("r")};
  return one;
}

RuntimeDataPtr fetched(const json& applications) {
  FakeDirector director;
  director.applications = applications;
  const auto data = fetch(director);
  EXPECT_TRUE(data) << data.error().text();
  return data ? *data : std::make_shared<const RuntimeData>();
}

void turn(json& list) {
  std::rotate(list.begin(), list.begin() + 1, list.end());
}

struct Turned {
  const char* name;
  std::function<void(json&)> change;
};
class OrderOf : public testing::TestWithParam<Turned> {};

TEST_P(OrderOf, NestedListsSaysNothing) {
  auto other = usual_application();
  GetParam().change(other);
  EXPECT_TRUE(fetched(json::array({usual_application()}))->same_content(*fetched(json::array({other}))));
  other["bundles"][1]["apiDefinitions"][1]["targetURL"] = "https://elsewhere";
  EXPECT_FALSE(fetched(json::array({usual_application()}))->same_content(*fetched(json::array({other}))));
}

INSTANTIATE_TEST_SUITE_P(
    Each, OrderOf,
    testing::Values(Turned{"Auths", [](json& app) { turn(app["auths"]); }},
                    Turned{"Bundles", [](json& app) { turn(app["bundles"]); }},
                    Turned{"ApiDefinitions", [](json& app) { turn(app["bundles"][0]["apiDefinitions"]); }},
                    Turned{"EventDefinitions", [](json& app) { turn(app["bundles"][2]["eventDefinitions"]); }},
                    Turned{"AllOfThem",
                           [](json& app) {
                             turn(app["auths"]);
                             turn(app["bundles"]);
                             for (auto& bundle : app["bundles"]) {
                               turn(bundle["apiDefinitions"]);
                               turn(bundle["eventDefinitions"]);
                             }
                           }}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(OrderOfData, OfApplicationsSaysNothing) {
  const json a = usual_application();
  const json b = application("b");
  EXPECT_TRUE(fetched(json::array({a, b}))->same_content(*fetched(json::array({b, a}))));
  EXPECT_FALSE(fetched(json::array({a, b}))->same_content(*fetched(json::array({a, application("c")}))));
  EXPECT_FALSE(fetched(json::array({a, b}))->same_content(*fetched(json::array({a}))));
}

RuntimeLabels labels(const std::string& text) {
  simdjson::dom::parser parser;
  Verdict verdict;
  const Place place{nullptr, "runtime", {}};
  return read_labels(parser.parse(text).value(), place, verdict);
}

TEST(OrderOfData, OfLabelsSaysNothing) {
  const auto one = labels(R"({"labels":{"b":{"x":[1,2],"y":2},"a":"text","isNormalized":"true"}})");
  EXPECT_EQ(one, labels(R"({"labels":{"isNormalized":"true","a":"text","b":{"y":2,"x":[1,2]}}})"));
  EXPECT_NE(one, labels(R"({"labels":{"isNormalized":"true","a":"text","b":{"y":3,"x":[1,2]}}})"));
}

} // namespace
} // namespace runtime_agent::compass::test
