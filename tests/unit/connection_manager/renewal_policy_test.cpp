#include "actors/connection_manager/renewal_policy.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::connection_manager {
namespace {

using namespace std::chrono_literals;
using x509::TimePoint;

const TimePoint begin(1'000'000h);

bool due(std::chrono::seconds whole, std::chrono::seconds left, double threshold = 0.3,
         std::chrono::seconds minimal = 10s) {
  return renewal_due({threshold, minimal},
                     {.validity = {begin, begin + whole}, .now = begin + whole - left, .since_last_renewal = {}});
}

TEST(RenewalDue, WhenLessThanTheThresholdIsLeft) {
  EXPECT_FALSE(due(100h, 31h));
  EXPECT_FALSE(due(100h, 30h));
  EXPECT_TRUE(due(100h, 30h - 1s));
  EXPECT_TRUE(due(100h, 0s));
  EXPECT_TRUE(due(100h, -5h));
}

TEST(RenewalDue, WhenLessThanTwiceTheMinimalSyncTimeIsLeft) {
  EXPECT_FALSE(due(100h, 25s, 0));
  EXPECT_FALSE(due(100h, 20s, 0));
  EXPECT_TRUE(due(100h, 19s, 0));
}

TEST(RenewalDue, NeverForThatReasonInTheFirstHalfOfTheValidity) {
  EXPECT_FALSE(due(60s, 40s, 0, 600s));
  EXPECT_FALSE(due(60s, 30s, 0, 600s));
  EXPECT_TRUE(due(60s, 29s, 0, 600s));
}

TEST(RenewalDue, EarlierByUpToATenthOfTheThreshold) {
  RenewalFacts facts{.validity = {begin, begin + 100h}, .now = begin + 68h, .since_last_renewal = {}};
  EXPECT_FALSE(renewal_due({}, facts));
  facts.jitter = 1;
  EXPECT_TRUE(renewal_due({}, facts));
}

TEST(RenewalDue, WhenTheCaIsMissingOrAPersonAsks) {
  RenewalFacts facts{.validity = {begin, begin + 100h}, .now = begin + 1h, .since_last_renewal = {}};
  EXPECT_FALSE(renewal_due({}, facts));
  facts.ca_missing = true;
  EXPECT_TRUE(renewal_due({}, facts));
  facts.ca_missing = false;
  facts.requested = true;
  EXPECT_TRUE(renewal_due({}, facts));
}

TEST(RenewalDue, NotAgainAtOnceUnderAClockThatRunsAhead) {
  RenewalFacts facts{.validity = {begin, begin + 100h}, .now = begin + 90h, .since_last_renewal = 9h};
  EXPECT_FALSE(renewal_due({}, facts));
  facts.since_last_renewal = 10h;
  EXPECT_TRUE(renewal_due({}, facts));
  facts.since_last_renewal = 1s;
  facts.requested = true;
  EXPECT_TRUE(renewal_due({}, facts));
}

TEST(RenewalDue, ByHowLongItHasBeenHeldUnderAClockThatWasSetBack) {
  RenewalFacts facts{.validity = {begin, begin + 100h}, .now = begin - 8'000h};
  facts.since_obtained = 69h;
  EXPECT_FALSE(renewal_due({}, facts));
  facts.since_obtained = 71h;
  EXPECT_TRUE(renewal_due({}, facts));
}

} // namespace
} // namespace runtime_agent::connection_manager
