#include <array>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string_view>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// Each actor of the real binary dies again and again at random moments under load: the process lives, the others do
/// not notice, and the end is right. Source: architecture §3.
namespace runtime_agent::e2e {
namespace {

constexpr std::array actors{"ConfigWatcher", "ConnectionManager", "DirectorFetcher", "ApplicationReconciler",
                            "StatusWriter"};

bool in_full() {
  const char* value = std::getenv("RUNTIME_AGENT_LONG");
  return value != nullptr && std::string_view(value) == "1";
}

std::uint64_t seed() {
  const char* value = std::getenv("SEED");
  return value != nullptr ? std::strtoull(value, nullptr, 10) : 1;
}

/// KiB of memory that are the process's own.
long anonymous_memory(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:"))
      return std::stol(line.substr(8));
  return 0;
}

class KilledActor : public EndToEnd, public testing::WithParamInterface<const char*> {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }
};

TEST_P(KilledActor, LeavesTheOthersAloneAndEverythingEndsRight) {
  const std::string victim = GetParam();
  const int kills = in_full() ? 50 : 5;
  SCOPED_TRACE("to repeat: SEED=" + std::to_string(seed()) + (in_full() ? " RUNTIME_AGENT_LONG=1" : "") +
               " build/debug/tests/campaigns --gtest_filter=*KilledActor*/" + victim);
  std::mt19937_64 random(seed());
  give_applications(3);
  Variables variables = world().quick_environment();
  variables["RUNTIME_AGENT_TEST_RESTARTS"] = "1000";
  synchronise(variables);
  [[maybe_unused]] long memory_early = 0;
  for (int kill = 1; kill <= kills; ++kill) {
    give_applications(3 + random() % 3, "as of kill " + std::to_string(kill));
    if (random() % 4 == 0)
      world().patch_connection({{"spec", {{"resyncNow", true}}}});
    const std::string path = "/crash?actor=" + victim + "&action=" + (random() % 2 == 0 ? "throw" : "throw-after") +
                             "&skip=" + std::to_string(random() % 4);
    ASSERT_EQ(world().agent().diagnostics_post(path), "armed\n");
    if (victim == "ConfigWatcher") // hears little by itself
      world().patch_connection({{"spec", {{"resyncNow", true}}}});
    ASSERT_TRUE(comes_true([&] {
      if (victim == "ConfigWatcher" && world().field("/spec/resyncNow") != "true")
        world().patch_connection({{"spec", {{"resyncNow", true}}}});
      return world().agent().restarts(victim) == kill;
    })) << world().agent().diagnostics("/actorz");
    if (kill == (kills + 3) / 4)
      memory_early = anonymous_memory(world().agent().pid());
  }
  give_applications(4, "at the end");
  EXPECT_TRUE(converges());
  EXPECT_TRUE(comes_true([this] { return world().errors() == "\n\n"; }));
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/resyncNow") != "true"; }));
  EXPECT_TRUE(world().agent().running());
  for (const char* actor : actors)
    EXPECT_EQ(world().agent().restarts(actor), actor == victim ? kills : 0) << actor;
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(compass().certificates().size(), 1u);
#if !defined(__SANITIZE_ADDRESS__)
  EXPECT_LT(anonymous_memory(world().agent().pid()), memory_early + 4096) << "KiB, after a quarter and at the end";
#endif
}

INSTANTIATE_TEST_SUITE_P(Each, KilledActor, testing::ValuesIn(actors),
                         [](const auto& parameter) { return std::string(parameter.param); });

} // namespace
} // namespace runtime_agent::e2e
