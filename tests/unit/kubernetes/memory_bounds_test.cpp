#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::kubernetes::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace memory_bounds {

std::string many(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += piece;
  return text;
}

std::string page_of(const std::string& continue_token, const std::vector<std::string>& names,
                    std::size_t bytes_each = 0) {
  Json items = Json::array();
  for (const auto& name : names)
    items.push_back({{"metadata", {{"name", name}}}, {"text", std::string(bytes_each, 'x')}});
  return Json{{"metadata", {{"resourceVersion", "9"}, {"continue", continue_token}}}, {"items", std::move(items)}}
      .dump();
}

struct Names {
  std::vector<std::string> all;
  ListOptions options;
  Names() {
    options.on_restart = [this] { all.clear(); };
  }
  Result<std::string> of(ScriptedCluster& cluster) {
    return cluster.api->list(
        secrets("ns"), options, [this](Json&& item) { all.push_back(text_at(item, "metadata", "name")); },
        cluster.within(seconds(30)));
  }
};

} // namespace memory_bounds

TEST(KubernetesMemory, IsReckonedBeforeTheAnswerIsParsed) {
  const auto dense = "[" + memory_bounds::many("[],", 4'000'000) + "0]";
  const auto parsed = parse_bounded(dense);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, FailureKind::too_large);
  EXPECT_THAT(parsed.error().what,
              AllOf(HasSubstr("the answer of 4000"), HasSubstr("limit of " + std::to_string(32u << 20))));
  EXPECT_FALSE(look_at(dense, [](const JsonView&) { FAIL(); }));
}

// What the parser takes for it is within the bound; the tree is sixty times the text.
TEST(KubernetesMemory, IsBoundedForTheTreeToo) {
  const auto small_objects = R"({"list":[)" + memory_bounds::many(R"({"a":1},)", 200'000) + "{}]}";
  ASSERT_TRUE(parsable_within(small_objects));
  JsonBounds bounds;
  bounds.max_memory = 30u << 20;
  EXPECT_TRUE(parse_bounded(small_objects, bounds));
  bounds.max_memory = 10u << 20;
  const auto parsed = parse_bounded(small_objects, bounds);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, FailureKind::too_large);
  EXPECT_THAT(parsed.error().what, AllOf(HasSubstr("takes more than"), HasSubstr(std::to_string(10u << 20))));
}

TEST(KubernetesMemory, LetsTheLargestSecretThrough) {
  std::string data;
  for (int i = 0; i < 16'000; ++i)
    data += (i > 0 ? "," : "") + ('"' + std::to_string(i)) + R"(":")" + std::string(80, 'A') + '"';
  EXPECT_TRUE(parse_bounded(R"({"kind":"Secret","data":{)" + data + "}}"));
}

TEST(KubernetesMemory, OfAListIsThatOfItsItems) {
  const auto list = R"({"metadata":{"resourceVersion":"1"},"items":[)" +
                    memory_bounds::many(R"({"a":[1,2,3,4,5,6,7,8,9]},)", 300'000) + "{}]}";
  JsonBounds bounds;
  bounds.max_memory = 10u << 20;
  std::size_t items = 0;
  EXPECT_TRUE(parse_list(
      list, [&](Json&&) { ++items; }, bounds));
  EXPECT_GT(items, 10'000u);
}

TEST(KubernetesMemory, MakesPagesSmallerUntilTheyFit) {
  ScriptedCluster cluster;
  memory_bounds::Names names;
  cluster.client->answers(200, memory_bounds::page_of("next", {"one"}));
  cluster.client->fails(FailureKind::too_large);
  cluster.client->answers(200, memory_bounds::page_of("", {"two"}));
  ASSERT_TRUE(names.of(cluster));
  EXPECT_EQ(names.all, (std::vector<std::string>{"one", "two"}));
  EXPECT_THAT(cluster.client->requests.at(1).path, HasSubstr("limit=500&continue=next"));
  EXPECT_THAT(cluster.client->requests.at(2).path, HasSubstr("limit=125&continue=next"));
}

TEST(KubernetesMemory, MakesDensePagesSmallerToo) {
  ScriptedCluster cluster;
  memory_bounds::Names names;
  names.options.limit = 4;
  const auto dense =
      R"({"metadata":{"resourceVersion":"1"},"items":[{"a":[)" + memory_bounds::many("[],", 4'000'000) + "0]}]}";
  cluster.client->answers(200, dense);
  cluster.client->answers(200, dense);
  const auto listed = names.of(cluster);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, FailureKind::too_large);
  EXPECT_EQ(cluster.client->requests.size(), 2u) << "four, and then one of them";
}

TEST(KubernetesMemory, GoesBackToPagesWhereAllAtOnceIsTooMuch) {
  ScriptedCluster cluster;
  memory_bounds::Names names;
  for (int i = 0; i < 3; ++i) {
    cluster.client->answers(200, memory_bounds::page_of("next", {"old"}));
    cluster.client->answers(410, R"({"kind":"Status","reason":"Expired","code":410})");
    cluster.client->fails(FailureKind::too_large);
  }
  const auto listed = names.of(cluster);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, FailureKind::too_large);
  EXPECT_EQ(cluster.client->requests.size(), 9u);
  EXPECT_TRUE(names.all.empty());
}

} // namespace
} // namespace runtime_agent::kubernetes::test
