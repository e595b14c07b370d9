#include "transport/kubernetes/json_view.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::kubernetes {
namespace {

/// What a view shows, in words.
std::string shown(const JsonView& value) {
  std::string text;
  if (value.is_object()) {
    text = "{";
    value.for_each_member(
        [&](std::string_view key, const JsonView& member) { text.append(key).append(":") += shown(member) + ";"; });
    return text + "}";
  }
  if (value.is_array()) {
    text = "[";
    value.for_each_element([&](const JsonView& element) { text += shown(element) + ";"; });
    return text + "]";
  }
  if (value.is_string())
    return '"' + std::string(value.text());
  return (value.is_null() ? "null " : value.is_true() ? "yes " : "") + value.scalar();
}

TEST(JsonViewTest, ShowsTheSameWhicheverParserHasReadIt) {
  const std::string text = R"({"a":[1,-2,3.5,1.0,1e300,18446744073709551615,true,false,null,"x\u00e9",{},[]],)"
                           R"("b":{"c":{"d":"\n"}},"":0})";
  const Json json = Json::parse(text);
  simdjson::dom::parser parser;
  const simdjson::dom::element element = parser.parse(text).value();
  EXPECT_EQ(shown(element), shown(json));
  EXPECT_NE(shown(json).find("1.0;"), std::string::npos);
  EXPECT_NE(shown(json).find("yes true;false;null null;"), std::string::npos) << shown(json);
}

TEST(JsonViewTest, FindsMembersAndNothingWhereThereIsNone) {
  const std::string text = R"({"a":{"b":"c"},"n":7,"l":["x"]})";
  const Json json = Json::parse(text);
  simdjson::dom::parser parser;
  for (const JsonView& view : {JsonView(json), JsonView(parser.parse(text).value())}) {
    EXPECT_EQ(view.member("a").member("b").text(), "c");
    EXPECT_EQ(view.member("a").text(), "");
    EXPECT_EQ(view.member("n").text(), "");
    EXPECT_FALSE(view.member("n").is_true());
    EXPECT_TRUE(view.member("x").is_null());
    EXPECT_TRUE(view.member("n").member("b").member("c").is_null());
    EXPECT_TRUE(view.member("l").member("x").is_null());
  }
}

TEST(JsonViewTest, IsNullByItself) {
  const JsonView nothing;
  EXPECT_TRUE(nothing.is_null());
  EXPECT_FALSE(nothing.is_object() || nothing.is_array() || nothing.is_string() || nothing.is_true());
  EXPECT_EQ(shown(nothing), "null null");
}

TEST(JsonViewTest, TakesTheLastOfMembersWithOneName) {
  simdjson::dom::parser parser;
  EXPECT_EQ(JsonView(parser.parse(std::string(R"({"a":"1","a":"2"})")).value()).member("a").text(), "2");
}

} // namespace
} // namespace runtime_agent::kubernetes
