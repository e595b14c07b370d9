#include "actors/supervision/crash_switch.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

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

} // namespace
} // namespace runtime_agent::supervision
