#include "transport/kubernetes/repair_pace.hpp"

#include <random>

#include <gmock/gmock.h>

#include "tests/unit/support/most_within.hpp"
#include "tests/unit/support/seeds.hpp"

/// Two programs that write one object. Source: contract §§5.2, 5.4.
namespace runtime_agent::kubernetes {
namespace {

namespace repair_pace_test {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Point = RepairPace::TimePoint;

const Point begin_of_fight{1h};

/// Repairs as soon as it may, each undone at once: the waits in seconds.
std::vector<long> waits(RepairPace& pace, Point& at, int repairs, double chance) {
  std::vector<long> all;
  for (int i = 0; i < repairs; ++i) {
    pace.repaired(at, chance);
    const Point due = pace.due(at);
    all.push_back(std::lround(std::chrono::duration<double>(due - at).count()));
    at = due;
  }
  return all;
}

TEST(RepairPace, PutsRightThreeTimesAMinuteAndThenLessAndLessOften) {
  struct {
    const char* what;
    double chance;
    std::vector<long> waits;
  } const rows[] = {
      {"the least that is drawn", 0.0, {1, 1, 58, 20, 20, 20, 20, 20}},
      {"half", 0.5, {1, 1, 58, 50, 90, 160, 160, 160}},
      {"the most", 0.999, {1, 1, 58, 80, 160, 300, 300, 300}},
  };
  for (const auto& row : rows) {
    RepairPace pace;
    Point at = begin_of_fight;
    EXPECT_LE(pace.due(at), at) << "the first at once";
    EXPECT_EQ(waits(pace, at, static_cast<int>(row.waits.size()), row.chance), row.waits) << row.what;
  }
}

TEST(RepairPace, SaysThatItIsContestedWhereARepairHasToWaitForMoreThanASecond) {
  RepairPace pace;
  Point at = begin_of_fight;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(pace.contested(at)) << i;
    at = std::max(at, pace.due(at));
    pace.repaired(at, 0);
  }
  EXPECT_FALSE(pace.contested(at)) << "three repairs, and nobody has changed it since";
  at = pace.due(at);
  EXPECT_TRUE(pace.contested(at));
  pace.repaired(at, 0);
  EXPECT_TRUE(pace.contested(at + 59s));
  EXPECT_FALSE(pace.contested(at + 60s)) << "left alone for a minute";
}

TEST(RepairPace, BeginsAnewWhenItHasBeenLeftAloneForAMinute) {
  RepairPace pace;
  Point at = begin_of_fight;
  waits(pace, at, 10, 0.9);
  pace.repaired(at, 0.9);
  at += 59s;
  EXPECT_GT(pace.due(at), at) << "not for so long";
  at = pace.due(at);
  pace.repaired(at, 0.9);
  at += 60s;
  EXPECT_LE(pace.due(at), at);
  EXPECT_EQ(waits(pace, at, 3, 0.0), (std::vector<long>{1, 1, 58}));
}

TEST(RepairPace, TakesAWaitForNoQuiet) {
  RepairPace pace;
  Point at = begin_of_fight;
  for (int i = 0; i < 10; ++i) { // asked only once between two repairs, five minutes apart
    pace.repaired(at, 0.999);
    at = pace.due(at);
  }
  EXPECT_TRUE(pace.contested(at));
  pace.repaired(at, 0.999);
  EXPECT_GE(pace.due(at) - at, 299s);
}

TEST(RepairPace, SlowPeopleAreNoFight) {
  RepairPace pace;
  for (Point at = begin_of_fight; at < begin_of_fight + 1h; at += 90s)
    for (int edit = 0; edit < 2; ++edit, at += 30s) {
      EXPECT_LE(pace.due(at), at);
      EXPECT_FALSE(pace.contested(at));
      pace.repaired(at, 0.5);
    }
}

/// Another program that writes so often, from the beginning to `gone`, against an agent that sees it at once.
struct Fight {
  std::chrono::nanoseconds every;
  std::uint64_t seed;
  std::vector<Point> repairs{};
  Point right_since{};
  bool contested_while_it_went_on = false;

  void run(Point gone, Point end) {
    std::minstd_rand random(static_cast<unsigned>(seed));
    std::uniform_real_distribution<double> chance(0, 1);
    RepairPace pace;
    bool differs = false;
    Point other = begin_of_fight;
    for (Point at = begin_of_fight; at < end;) {
      if (other <= at && at < gone) {
        differs = true;
        while (other <= at)
          other += every;
      }
      Point next = other < gone ? other : end;
      if (differs) {
        const Point due = pace.due(at);
        if (due <= at) {
          pace.repaired(at, chance(random));
          repairs.push_back(at);
          right_since = at;
          differs = false;
        } else {
          next = other < gone ? std::min(due, std::max(other, at + 1ms)) : due;
        }
      }
      contested_while_it_went_on |= pace.contested(at) && at < gone;
      at = std::max(next, at + 1us);
    }
    EXPECT_FALSE(differs);
    EXPECT_FALSE(pace.contested(end));
  }
};

TEST(RepairPace, KeepsItsPaceAgainstAnOpponentOfAnySpeed) {
  for (const int a_second : {1, 10, 1000})
    tests::for_each_seed(2, [&](std::uint64_t seed) {
      SCOPED_TRACE(std::to_string(a_second) + " writes a second");
      Fight fight{std::chrono::nanoseconds(1s) / a_second, seed};
      const Point gone = begin_of_fight + 30min;
      fight.run(gone, gone + RepairPace::ceiling + RepairPace::period + 1s);
      EXPECT_EQ(tests::most_within(fight.repairs, 1s), 1u);
      EXPECT_LE(tests::most_within(fight.repairs, 60s), 3u);
      EXPECT_LE(fight.repairs.size(), 30u) << "less and less often";
      EXPECT_GE(fight.repairs.size(), 7u) << "but never given up";
      EXPECT_TRUE(fight.contested_while_it_went_on);
      EXPECT_GE(fight.right_since, gone);
      EXPECT_LE(fight.right_since, gone + RepairPace::ceiling) << "and right in the end";
    });
}

TEST(RepairPaces, TellObjectsApartAndForgetWhatIsQuiet) {
  RepairPaces paces;
  Point at = begin_of_fight;
  EXPECT_LE(paces.due("a", at), at);
  EXPECT_TRUE(paces.empty()) << "nothing is kept of what was never put right";
  for (int i = 0; i < 3; ++i) {
    paces.repaired("a", at, 0);
    at = paces.due("a", at);
  }
  EXPECT_LE(paces.due("b", at), at);
  EXPECT_TRUE(paces.contested("a", at));
  EXPECT_FALSE(paces.contested("b", at));
  EXPECT_EQ(paces.contested(at), 1u);
  paces.prune(at + 59s);
  EXPECT_FALSE(paces.empty());
  paces.prune(at + 60s);
  EXPECT_TRUE(paces.empty());
}

TEST(RepairPace, NamesTheOtherWhereItIsKnown) {
  EXPECT_THAT(contested_text("kubectl-edit"),
              HasSubstr("somebody else (field manager kubectl-edit) keeps changing it"));
  EXPECT_THAT(contested_text(""), Not(HasSubstr("manager")));
}

} // namespace repair_pace_test
} // namespace
} // namespace runtime_agent::kubernetes
