#include "transport/graphql/redaction.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

using namespace runtime_agent;

namespace {

std::string redacted(const std::string& secret, const std::string& text) {
  graphql::Redaction redaction;
  redaction.add(Secret(secret));
  return redaction.redacted(text);
}

// The quickest of some runs: what the machine does besides is left out.
double seconds(const std::string& secret, const std::string& text) {
  double least = 1e9;
  for (int run = 0; run < 3; ++run) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(redacted(secret, text).empty());
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
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

// Twice the text takes about twice the time; a quadratic search took four times as long, and seconds of it.
TEST(Redaction, IsLinearInTheText) {
  for (const auto& secret : {std::string("a"), std::string(4000, 'a') + "b", std::string(2000, 'a')}) {
    const double once = seconds(secret, std::string(400'000, 'a') + "x");
    const double twice = seconds(secret, std::string(800'000, 'a') + "x");
    EXPECT_LT(twice, 3 * once + 0.05) << secret.size();
    EXPECT_LT(twice, 2.0) << secret.size();
  }
}
