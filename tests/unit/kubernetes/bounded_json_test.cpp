#include <gtest/gtest.h>

#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::kubernetes {
namespace {

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

TEST(BoundedJson, KeepsTheOrderOfFieldsAndLargeNumbers) {
  const std::string text = R"({"z":1,"a":{"y":[true,null,"x"],"b":18446744073709551615},"n":-9223372036854775808})";
  const auto parsed = parse_bounded(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), text);
}

TEST(BoundedJson, ReadsWhatOnlyOneOfItsParsersKnows) {
  EXPECT_EQ(parse_bounded(R"({"n":123456789012345678901234567890,"a":1})")->dump(),
            R"({"n":1.2345678901234568e+29,"a":1})");
  EXPECT_EQ(parse_bounded("\xEF\xBB\xBF{}")->dump(), "{}") << "a byte order mark";
}

TEST(BoundedJson, KeepsTheKindsOfNumbers) {
  const auto parsed = parse_bounded(R"([0,-1,9223372036854775807,9223372036854775808,1.5,-0.0,1e3])");
  ASSERT_TRUE(parsed);
  const Json reference = Json::parse(R"([0,-1,9223372036854775807,9223372036854775808,1.5,-0.0,1e3])");
  ASSERT_EQ(parsed->size(), reference.size());
  for (std::size_t i = 0; i < reference.size(); ++i)
    EXPECT_EQ((*parsed)[i].type(), reference[i].type()) << i;
  EXPECT_EQ(parsed->dump(), reference.dump());
}

TEST(BoundedJson, UnescapesText) {
  const std::string text = R"({"\u0061\n":"\u00e9\ud83d\ude00\u0000\/","b":"gr\u00fc\u00df"})";
  EXPECT_EQ(*parse_bounded(text), Json::parse(text));
  EXPECT_FALSE(parse_bounded(R"({"a":"\ud83d"})")) << "half a character";
}

TEST(EventHead, SaysWhichObjectAndVersionItIs) {
  const auto head = read_event_head(
      R"({"type":"ADDED","object":{"kind":"Secret","metadata":{"name":"a","uid":"u","resourceVersion":"7"}}})");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->type, "ADDED");
  EXPECT_EQ(head->object.name, "a");
  EXPECT_EQ(head->object.uid, "u");
  EXPECT_EQ(head->object.resource_version, "7");
}

TEST(EventHead, IsEmptyWhereNothingIsSaid) {
  for (const char* const text : {"{}", "[]", "7", R"({"type":7,"object":[]})", R"({"type":{},"object":{"metadata":7}})",
                                 R"({"object":{"metadata":{"name":7,"uid":null,"resourceVersion":[]}}})"}) {
    const auto head = read_event_head(text);
    ASSERT_TRUE(head) << text;
    EXPECT_EQ(head->type + head->object.name + head->object.uid + head->object.resource_version, "") << text;
  }
  EXPECT_FALSE(read_event_head(R"({"type":"ADDED")"));
  EXPECT_FALSE(read_event_head(""));
}

TEST(BoundedJson, LeavesManagedFieldsOutAndNothingElse) {
  const auto parsed = parse_bounded(
      R"({"metadata":{"name":"a","managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}},{}],"uid":"u"},)"
      R"("managedFields":[1],"spec":{"managedFields":{"a":1},"metadata":"text"},"object":{"metadata":{"managedFields":[]}}})");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), R"({"metadata":{"name":"a","uid":"u"},"managedFields":[1],"spec":{"managedFields":{"a":1},)"
                            R"("metadata":"text"},"object":{"metadata":{}}})");
  EXPECT_FALSE(parse_bounded(R"({"metadata":{"managedFields":)" + nested(199) + "}}"));
}

TEST(BoundedJson, TakesTheLastOfMembersWithOneName) {
  EXPECT_EQ(parse_bounded(R"({"a":1,"b":2,"a":{"c":3}})")->dump(), R"({"a":{"c":3},"b":2})");
}

TEST(BoundedJson, TakesNestingUpToItsBound) {
  EXPECT_TRUE(parse_bounded(nested(200)));
}

TEST(BoundedJson, RefusesNestingBeyondItsBound) {
  const auto parsed = parse_bounded(nested(201));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, FailureKind::malformed);
  EXPECT_EQ(parsed.error().what, "the answer is nested deeper than 200 levels");
}

TEST(BoundedJson, RefusesMillionsOfLevelsWithoutOverflowingTheStack) {
  EXPECT_FALSE(parse_bounded(std::string(5'000'000, '[')));
  std::string objects;
  for (int i = 0; i < 1'000'000; ++i)
    objects += "{\"a\":";
  EXPECT_FALSE(parse_bounded(objects));
}

TEST(BoundedJson, RefusesObjectsOfTooManyMembers) {
  EXPECT_TRUE(parse_bounded(R"({"a":1,"b":2,"c":3})", {10, 3}));
  EXPECT_FALSE(parse_bounded(R"({"a":1,"b":2,"c":3,"d":4})", {10, 3}));
}

TEST(BoundedJson, NeverQuotesWhatItCannotRead) {
  const auto parsed = parse_bounded(R"({"data":{"password":"c2VjcmV0" oops)");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().what.find("c2VjcmV0"), std::string::npos);
  EXPECT_EQ(parsed.error().what.find("oops"), std::string::npos);
  EXPECT_NE(parsed.error().what.find("from byte"), std::string::npos);
}

TEST(BoundedJson, RefusesBadUtf8AndTextBehindTheDocument) {
  EXPECT_FALSE(parse_bounded("{\"a\":\"\xff\"}"));
  EXPECT_FALSE(parse_bounded("{} {}"));
  EXPECT_FALSE(parse_bounded(""));
}

TEST(ListParsing, HandsItemsOverOneAtATimeWithTheHead) {
  std::vector<std::string> names;
  const auto head = parse_list(
      R"({"kind":"SecretList","metadata":{"resourceVersion":"42","continue":"next"},
          "items":[{"metadata":{"name":"a","items":[1,[2]]}},{"metadata":{"name":"b"}}]})",
      [&](Json&& item) {
        names.push_back(text_at(item, "metadata", "name") + std::to_string(item["metadata"].size()));
      });
  ASSERT_TRUE(head);
  EXPECT_EQ(head->resource_version, "42");
  EXPECT_EQ(head->continue_token, "next");
  EXPECT_EQ(names, (std::vector<std::string>{"a2", "b1"}));
}

TEST(ListParsing, FindsTheHeadBehindTheItems) {
  int items = 0;
  const auto head = parse_list(R"({"items":[{"a":1}],"metadata":{"resourceVersion":"7"}})", [&](Json&&) { ++items; });
  ASSERT_TRUE(head);
  EXPECT_EQ(head->resource_version, "7");
  EXPECT_EQ(items, 1);
}

TEST(ListParsing, TakesAnEmptyListWrittenAsNull) {
  EXPECT_TRUE(parse_list(R"({"metadata":{"resourceVersion":"7"},"items":null})", [](Json&&) { FAIL(); }));
  EXPECT_TRUE(parse_list(R"({"metadata":{"resourceVersion":"7"},"items":[]})", [](Json&&) { FAIL(); }));
}

TEST(ListParsing, RefusesWhatIsNoList) {
  const auto ignore = [](Json&&) {};
  EXPECT_FALSE(parse_list(R"({"metadata":{"resourceVersion":"7"}})", ignore)) << "no items";
  EXPECT_FALSE(parse_list(R"({"items":[]})", ignore)) << "no resource version";
  EXPECT_FALSE(parse_list(R"({"items":[1],"metadata":{"resourceVersion":"7"}})", ignore)) << "an item that is a number";
  EXPECT_FALSE(parse_list(R"({"items":[[]],"metadata":{"resourceVersion":"7"}})", ignore)) << "an item that is a list";
  EXPECT_FALSE(parse_list(R"({"items":[],"items":[],"metadata":{"resourceVersion":"7"}})", ignore)) << "items twice";
  EXPECT_FALSE(parse_list("[]", ignore));
  EXPECT_FALSE(parse_list("7", ignore));
}

} // namespace
} // namespace runtime_agent::kubernetes
