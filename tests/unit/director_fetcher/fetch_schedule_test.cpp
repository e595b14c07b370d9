#include "actors/director_fetcher/fetch_schedule.hpp"

#include <gtest/gtest.h>

namespace runtime_agent::director_fetcher {
namespace {

using namespace std::chrono_literals;

TEST(FetchSchedule, ServesAPersonAtOnceAndAProgramNoOftenerThanAPersonCanSee) {
  FetchSchedule schedule({}, [] { return 0.5; });
  Time now{};
  schedule.started(now);
  schedule.succeeded();
  now += 100ms;
  schedule.person_asks();
  EXPECT_EQ(schedule.wait(now), 0ms) << "the minimal interval is not for people";
  schedule.started(now);
  schedule.succeeded();
  schedule.person_asks();
  EXPECT_EQ(schedule.wait(now), 2s);
  EXPECT_EQ(schedule.wait(now + 1500ms), 500ms);
  EXPECT_EQ(schedule.wait(now + 2s), 0ms);
}

TEST(FetchSchedule, DoesNotMakeAPersonWaitForWhatTheTimerDid) {
  FetchSchedule schedule({}, [] { return 0.5; });
  Time now{};
  schedule.person_asks();
  schedule.started(now);
  schedule.succeeded();
  now += 20s;
  schedule.started(now);
  schedule.succeeded();
  schedule.person_asks();
  EXPECT_EQ(schedule.wait(now), 0ms);
}

} // namespace
} // namespace runtime_agent::director_fetcher
