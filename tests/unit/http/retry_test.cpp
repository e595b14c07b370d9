#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "transport/http/backoff.hpp"
#include "transport/http/retry_after.hpp"

namespace runtime_agent::http {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples
const auto example = std::chrono::system_clock::from_time_t(784111777);

RetryAfter uncapped(milliseconds wait) {
  return {wait, false};
}

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("120", example), uncapped(120s));
  EXPECT_EQ(parse_retry_after(" 0 ", example), uncapped(0s));
}

TEST(RetryAfter, ReadsEachFormOfAnHttpDate) {
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    EXPECT_EQ(parse_retry_after(text, example - 90s), uncapped(90s)) << text;
}

TEST(RetryAfter, TakesADateThatHasPassedForNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", example + 1h), uncapped(0ms));
}

TEST(RetryAfter, HasACeilingOfFifteenMinutes) {
  EXPECT_EQ(parse_retry_after("900", example), uncapped(15min));
  const RetryAfter capped{15min, true};
  for (const char* text : {"901", "86400", "999999999", "99999999999999999999", "Sun, 06 Nov 1994 09:04:38 GMT",
                           "Sun, 06 Nov 2094 08:49:37 GMT"})
    EXPECT_EQ(parse_retry_after(text, example), capped) << text;
}

TEST(RetryAfter, IgnoresWhatIsNeither) {
  for (const char* text :
       {"", "soon", "-1", "1.5", "12s", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT and more"})
    EXPECT_EQ(parse_retry_after(text, example), std::nullopt) << text;
}

TEST(Backoff, DoublesItsBoundUpToTheCeiling) {
  Backoff backoff(10s, 300s, [] { return 1.0; });
  std::vector<milliseconds> waits;
  for (int i = 0; i < 7; ++i)
    waits.push_back(backoff.next());
  EXPECT_THAT(waits, testing::ElementsAre(20s, 40s, 80s, 160s, 300s, 300s, 300s));
}

TEST(Backoff, NeverWaitsLessThanItsInitialTime) {
  Backoff backoff(10s, 300s, [] { return 0.0; });
  for (int i = 0; i < 7; ++i)
    EXPECT_EQ(backoff.next(), 10s);
}

TEST(Backoff, SpreadsOverTheWholeRange) {
  double random = 0.5;
  Backoff backoff(10s, 300s, [&] { return random; });
  EXPECT_EQ(backoff.next(), 15s);
  random = 0.25;
  EXPECT_EQ(backoff.next(), milliseconds(17'500));
}

TEST(Backoff, StartsOverAfterAReset) {
  Backoff backoff(10s, 300s, [] { return 1.0; });
  backoff.next();
  backoff.next();
  backoff.reset();
  EXPECT_EQ(backoff.next(), 20s);
}

TEST(Backoff, TakesACeilingBelowItsInitialTimeForThat) {
  Backoff backoff(10s, 1s, [] { return 1.0; });
  EXPECT_EQ(backoff.next(), 10s);
}

} // namespace
} // namespace runtime_agent::http
