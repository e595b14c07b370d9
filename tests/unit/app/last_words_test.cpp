#include "app/last_words.hpp"

#include <gtest/gtest.h>

#include "actors/status_writer/connection_status.hpp"
#include "tests/unit/support/fake_api.hpp"

namespace runtime_agent::app {
namespace {

using kubernetes::Json;

const WallTime noon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + std::chrono::hours(12);

Json connected() {
  return {{"metadata", {{"name", "compass-connection"}}},
          {"spec", {{"managementInfo", {{"connectorUrl", "c"}, {"directorUrl", "d"}}}}},
          {"status",
           {{"connectionState", "Synchronized"},
            {"connectionStatus", {{"lastSuccess", "then"}, {"certificateStatus", {{"notAfter", "later"}}}}},
            {"synchronizationStatus", {{"lastSuccessfulFetch", "then"}}}}}};
}

TEST(LastWords, TheStateFitsWhatTheActorDoes) {
  struct Case {
    const char* actor;
    const char* state;
    const char* part;
  };
  for (const Case& each : {Case{"ConnectionManager", "ConnectionMaintenanceFailed", "connectionStatus"},
                           Case{"DirectorFetcher", "SynchronizationFailed", "synchronizationStatus"},
                           Case{"ConfigWatcher", "SynchronizationFailed", "synchronizationStatus"},
                           Case{"ApplicationReconciler", "ResourceApplicationFailed", "synchronizationStatus"},
                           Case{"StatusWriter", "SynchronizationFailed", "synchronizationStatus"}}) {
    Json object = connected();
    say_last_words(object, std::string(each.actor) + " has ended 11 times", noon);
    EXPECT_EQ(object["status"]["connectionState"], each.state) << each.actor;
    EXPECT_EQ(object["status"][each.part]["error"],
              "The agent terminated itself and is being restarted: " + std::string(each.actor) + " has ended 11 times");
  }
}

TEST(LastWords, WithoutACertificateItIsTheConnectionThatFails) {
  Json object = {{"metadata", {{"name", "compass-connection"}}}, {"spec", Json::object()}};
  say_last_words(object, "DirectorFetcher has ended 11 times", noon);
  EXPECT_EQ(object["status"]["connectionState"], "ConnectionFailed");
  EXPECT_EQ(object["status"]["connectionStatus"]["lastSync"], "2026-03-01T12:00:00Z");
  EXPECT_TRUE(object["status"]["connectionStatus"]["certificateStatus"].is_object()) << "the CRD requires it";
}

TEST(LastWords, AnEarlierSuccessKeepsItsTime) {
  Json object = connected();
  say_last_words(object, "DirectorFetcher has ended 11 times", noon);
  EXPECT_EQ(object["status"]["synchronizationStatus"]["lastSuccessfulFetch"], "then");
  EXPECT_EQ(object["status"]["synchronizationStatus"]["lastAttempt"], "2026-03-01T12:00:00Z");
  EXPECT_EQ(object["status"]["connectionStatus"]["lastSuccess"], "then");
}

TEST(LastWords, AReasonIsCutWhereItIsLong) {
  Json object = connected();
  say_last_words(object, "DirectorFetcher " + std::string(5000, 'x'), noon);
  EXPECT_EQ(object["status"]["synchronizationStatus"]["error"].get<std::string>().size(), 2000u);
}

TEST(LastWords, AReasonIsNeverCutWithinACharacter) {
  std::string name;
  for (int i = 0; i < 2000; ++i)
    name += "ü";
  for (std::size_t shift = 0; shift < 2; ++shift) {
    Json object = connected();
    say_last_words(object, "DirectorFetcher " + std::string(shift, 'x') + name, noon);
    EXPECT_NO_THROW((void)object.dump());
  }
}

TEST(LastWords, TheNextSuccessTakesThemAway) {
  Json object = connected();
  say_last_words(object, "DirectorFetcher has ended 11 times", noon);
  status_writer::Facts facts;
  facts.connection.emplace().connected = true;
  facts.synchronization.emplace().last_attempt = noon;
  facts.synchronization->synchronized = true;
  status_writer::apply_facts(object, facts);
  EXPECT_EQ(object["status"]["connectionState"], "Synchronized");
  EXPECT_FALSE(object["status"]["synchronizationStatus"].contains("error"));
}

TEST(LastWords, AreWrittenOverAConflict) {
  tests::FakeApi api;
  api.put(kubernetes::compass_connections(), connected());
  int reads = 0;
  api.carried_out = [&](const tests::FakeApi::Call& call) {
    if (call.verb == "get" && ++reads == 1)
      api.put(kubernetes::compass_connections(), connected());
  };
  write_last_words(api, "ConnectionManager has ended 11 times", noon, std::chrono::seconds(1));
  EXPECT_EQ((*api.object(kubernetes::compass_connections(), "compass-connection"))["status"]["connectionState"],
            "ConnectionMaintenanceFailed");
}

} // namespace
} // namespace runtime_agent::app
