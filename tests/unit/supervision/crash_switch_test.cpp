#include "actors/supervision/crash_switch.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

namespace runtime_agent::supervision {
namespace {

TEST(CrashSwitch, IsHarmlessWhileNothingIsArmed) {
  CrashSwitch crash;
  EXPECT_FALSE(crash.armed());
  EXPECT_NO_THROW(crash.check("Actor", "Message", ""));
}

TEST(CrashSwitch, ThrowsForTheActorAndTypeGiven) {
  CrashSwitch crash;
  crash.arm("Actor", "Message");
  EXPECT_NO_THROW(crash.check("Another", "Message", ""));
  EXPECT_NO_THROW(crash.check("Actor", "Other", ""));
  EXPECT_THROW(crash.check("Actor", "Message", ""), std::runtime_error);
  EXPECT_FALSE(crash.armed());
}

TEST(CrashSwitch, LetsSomePassAndThrowsAsOftenAsAsked) {
  CrashSwitch crash;
  crash.arm("Actor", "*", 2, 1);
  EXPECT_NO_THROW(crash.check("Actor", "A", ""));
  EXPECT_THROW(crash.check("Actor", "B", ""), std::runtime_error);
  EXPECT_THROW(crash.check("Actor", "C", ""), std::runtime_error);
  EXPECT_NO_THROW(crash.check("Actor", "D", ""));
}

TEST(CrashSwitch, KnowsTimersByTheirNameAndAsAKind) {
  CrashSwitch crash;
  crash.arm("Actor", "TimerFired");
  EXPECT_THROW(crash.check("Actor", "renew", "TimerFired"), std::runtime_error);
}

TEST(CrashSwitch, ForgetsWhenDisarmed) {
  CrashSwitch crash;
  crash.arm("Actor", "*", 100);
  crash.disarm();
  EXPECT_NO_THROW(crash.check("Actor", "A", ""));
}

TEST(CrashSwitch, DropsAMessage) {
  CrashSwitch crash;
  crash.arm({"Actor", "Message", 1, 0, CrashAction::drops});
  EXPECT_FALSE(crash.check("Actor", "Message", ""));
  EXPECT_TRUE(crash.check("Actor", "Message", ""));
}

TEST(CrashSwitch, ThrowsAfterwardsOnlyWhereAskedTo) {
  CrashSwitch crash;
  crash.arm({"Actor", "Message", 1, 0, CrashAction::throws, true});
  EXPECT_TRUE(crash.check("Actor", "Message", "", false));
  EXPECT_THROW(crash.check("Actor", "Message", "", true), std::runtime_error);
}

TEST(CrashSwitch, HangsUntilItIsDisarmed) {
  CrashSwitch crash;
  crash.arm({"Actor", "Message", 1, 0, CrashAction::hangs});
  std::thread actor([&] { EXPECT_TRUE(crash.check("Actor", "Message", "")); });
  while (crash.armed()) // until it hangs: the order is used up then
    std::this_thread::yield();
  crash.disarm();
  actor.join();
}

TEST(CrashSwitch, ReadsOrdersFromText) {
  const auto orders = parse_crash_orders("A:Ping;*:TimerFired:throw-after:3:7;B:*:hang;C:start:drop:2");
  ASSERT_TRUE(orders) << orders.error().text();
  ASSERT_EQ(orders->size(), 4u);
  EXPECT_EQ((*orders)[0].actor, "A");
  EXPECT_EQ((*orders)[0].action, CrashAction::throws);
  EXPECT_EQ((*orders)[1].count, 3u);
  EXPECT_EQ((*orders)[1].skip, 7u);
  EXPECT_TRUE((*orders)[1].afterwards);
  EXPECT_EQ((*orders)[2].action, CrashAction::hangs);
  EXPECT_EQ((*orders)[3].action, CrashAction::drops);
}

TEST(CrashSwitch, RefusesOrdersThatAreNone) {
  for (const char* text : {"", "A", "A:", ":B", "A:B:explode", "A:B:throw:many", "A:B:throw:1:2:3", "A:B;"})
    EXPECT_FALSE(parse_crash_orders(text)) << text;
}

} // namespace
} // namespace runtime_agent::supervision
