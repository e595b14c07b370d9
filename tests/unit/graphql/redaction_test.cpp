#include "transport/graphql/redaction.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/support/growth.hpp"

using namespace runtime_agent;

namespace {

std::string redacted(const std::string& secret, const std::string& text) {
  graphql::Redaction redaction;
  redaction.add(Secret(secret));
  return redaction.redacted(text);
}

} // namespace

TEST(Redaction, HidesEveryOccurrenceAndNothingElse) {
  EXPECT_EQ(redacted("s3cret", "token s3cret, again s3cret."), "token [redacted], again [redacted].");
  EXPECT_EQ(redacted("s3cret", "s3cre3cret"), "s3cre3cret");
  EXPECT_EQ(redacted("aab", "aaab"), "a[redacted]");
  EXPECT_EQ(redacted("s3cret", ""), "");
}

TEST(Redaction, HidesOccurrencesThatOverlapOrTouchAsOne) {
  EXPECT_EQ(redacted("aba", "xababax"), "x[redacted]x");
  EXPECT_EQ(redacted("a", std::string(1000, 'a')), "[redacted]");
}

TEST(Redaction, LooksIntoNoMark) {
  graphql::Redaction redaction;
  redaction.add(Secret("long secret"));
  redaction.add(Secret("e"));
  EXPECT_EQ(redaction.redacted("a long secret is"), "a [redacted] is");
}

// A quadratic search took four times as long for twice the text, and seconds of it.
TEST(Redaction, IsLinearInTheText) {
  for (const auto& secret : {std::string("a"), std::string(4000, 'a') + "b", std::string(2000, 'a')}) {
    graphql::Redaction redaction;
    redaction.add(Secret(secret));
    EXPECT_LT(tests::growth_per_doubling(
                  100'000, [](std::size_t size) { return std::string(size, 'a') + "x"; },
                  [&](const std::string& text) { redaction.redacted(text).size(); }),
              tests::about_linear)
        << secret.size();
  }
}
