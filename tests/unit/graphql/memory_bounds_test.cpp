#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/graphql/execute.hpp"
#include "transport/graphql/redaction.hpp"
#include "transport/json_cost.hpp"

namespace runtime_agent::graphql {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string many_times(std::string_view piece, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes)
    text += piece;
  return text;
}

/// What simdjson has written for it, and not only set aside; its strings' texts are no longer than the document.
std::size_t memory_taken(const std::string& text) {
  simdjson::dom::parser parser;
  if (parser.parse(text).error() != simdjson::SUCCESS)
    return parser.implementation->n_structural_indexes * sizeof(std::uint32_t);
  const std::size_t entries = parser.doc.tape[0] & 0x00ffffffffffffff;
  return entries * sizeof(std::uint64_t) + parser.implementation->n_structural_indexes * sizeof(std::uint32_t);
}

TEST(MemoryOfAnswers, IsNeverMoreThanWhatIsReckonedBeforeTheyAreParsed) {
  for (const char* const piece : {"[],", "{},", "1,", "\"\",", "null,", "1.5e10,", "\"some text\",", "[1],", "[[1,2]],",
                                  R"({"a":1},)", R"({"a":[{}]},)"}) {
    const auto text = "[" + many_times(piece, 100'000) + "0]";
    const auto taken = memory_taken(text);
    EXPECT_GT(taken, 100'000 / 4) << piece << ": not parsed";
    EXPECT_GE(json_parsing_cost(text), taken) << piece;
    EXPECT_TRUE(json_parsable_within(text, json_parsing_cost(text))) << piece;
    EXPECT_FALSE(json_parsable_within(text, json_parsing_cost(text) - 1)) << piece;
  }
  for (const char* const piece : {"1 ", "[", "]", ",", "{\"a\":", "\"\" ", ":"}) {
    const auto text = many_times(piece, 100'000);
    EXPECT_GE(json_parsing_cost(text), memory_taken(text)) << piece;
  }
}

TEST(MemoryOfAnswers, BoundsThemBeforeTheyAreParsed) {
  Parser parser;
  const auto dense = "[" + many_times("[],", 3'000'000) + "0]";
  const auto parsed = parser.parse(dense);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, FailureKind::too_large);
  EXPECT_THAT(parsed.error().what, AllOf(HasSubstr(std::to_string(dense.size()) + " bytes"),
                                         HasSubstr(std::to_string(json_parsing_cost(dense))),
                                         HasSubstr(std::to_string(most_document_bytes))));
}

TEST(MemoryOfAnswers, LetsAFullPageOfApplicationsThrough) {
  std::string description(400, 'd');
  const auto page =
      "[" +
      many_times(R"({"id":"7c1a6f0e-0000-4000-8000-000000000001","name":"Definition 1","description":")" + description +
                     R"(","targetURL":"https://backend.example.com/api/1","group":null,"version":null},)",
                 most_answer_bytes - 1000) +
      "0]";
  EXPECT_LT(json_parsing_cost(page), most_document_bytes);
}

TEST(MemoryOfTheLog, LooksForSecretsInWhatIsSmallAndShallow) {
  const Redaction redaction;
  const auto large = R"({"a":")" + std::string(2'000'000, 'x') + R"("})";
  EXPECT_THAT(redaction.redacted_json(large, 1000), HasSubstr(std::to_string(large.size()) + " bytes"));
  constexpr std::size_t levels = 400'000; // each a call in what follows, if it were followed
  const auto deep = R"({"a":)" + std::string(levels, '[') + std::string(levels, ']') + "}";
  EXPECT_THAT(redaction.redacted_json(deep, 1000), HasSubstr("not complete JSON"));
}

} // namespace
} // namespace runtime_agent::graphql
