#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/support/growth.hpp"
#include "transport/graphql/redaction.hpp"
#include "transport/http/status.hpp"

namespace runtime_agent::graphql {
namespace {

// An object of many members is where a document that keeps its order was quadratic.
TEST(LinearWork, OnAnswersForTheLog) {
  Redaction redaction;
  redaction.add(Secret("a"));
  const auto members = [](std::size_t size) {
    std::string text = "{";
    for (std::size_t i = 0; text.size() < size; ++i)
      text += fmt::format(R"("m{}":1,)", i);
    return text + R"("a":{"token":"a"}})";
  };
  EXPECT_LT(tests::growth_per_doubling(50'000, members,
                                       [&](const std::string& text) { redaction.redacted_json(text, 100).size(); }),
            tests::about_linear);
}

TEST(LinearWork, OnErrorPages) {
  for (const char* const piece :
       {"<", "<html>", "<script>", "<title", "<!doctype html><style", "\x1b", "\xe2\x80\xae"}) {
    const auto input = [&](std::size_t size) {
      std::string text = "<html>";
      while (text.size() < size)
        text += piece;
      return text;
    };
    EXPECT_LT(
        tests::growth_per_doubling(10'000, input, [](const std::string& text) { http::excerpt(text, 200).size(); }),
        tests::about_linear)
        << piece;
  }
}

} // namespace
} // namespace runtime_agent::graphql
