#include "transport/kubernetes/events.hpp"

#include <gmock/gmock.h>

#include "tests/unit/kubernetes/fakes.hpp"

/// As client-go's EventCorrelator. Source: architecture §8.
namespace runtime_agent::kubernetes {
namespace {

using namespace std::chrono_literals;
using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

const EventTarget shop{"applicationconnector.kyma-project.io/v1alpha1", "Application", "mp-shop", "uid-1"};

EventNote note(const std::string& message = "refused", const EventTarget& target = shop,
               const std::string& reason = "ApplicationFailed") {
  return {target, true, reason, message};
}

class Correlator : public testing::Test {
protected:
  std::optional<EventWrite> tell(const EventNote& what) {
    now_ += 1s;
    return correlator_.correlate(what, now_, wall_ + (now_ - begun_));
  }
  std::chrono::steady_clock::time_point begun_{1h};
  std::chrono::steady_clock::time_point now_ = begun_;
  std::chrono::system_clock::time_point wall_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  EventCorrelator correlator_{[] {
    CorrelatorSettings settings;
    settings.host = "pod-1";
    return settings;
  }()};
};

TEST_F(Correlator, MakesAnEventThatKubectlDescribeFinds) {
  const auto write = tell(note());
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->patch.is_null());
  const Json& object = write->object;
  EXPECT_EQ(object["metadata"]["namespace"], "default");
  EXPECT_THAT(object["metadata"]["name"].get<std::string>(), StartsWith("mp-shop."));
  EXPECT_EQ(object["involvedObject"], (Json{{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
                                            {"kind", "Application"},
                                            {"name", "mp-shop"},
                                            {"uid", "uid-1"}}));
  EXPECT_EQ(object["type"], "Warning");
  EXPECT_EQ(object["reason"], "ApplicationFailed");
  EXPECT_EQ(object["message"], "refused");
  EXPECT_EQ(object["count"], 1);
  EXPECT_EQ(object["firstTimestamp"], "2026-03-01T00:00:01Z");
  EXPECT_EQ(object["source"], (Json{{"component", "runtime-agent"}, {"host", "pod-1"}}));
}

TEST_F(Correlator, CountsARepetitionOnTheSameEvent) {
  const auto first = tell(note());
  const auto second = tell(note());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->name, first->name);
  EXPECT_EQ(second->patch["count"], 2);
  EXPECT_EQ(second->patch["lastTimestamp"], "2026-03-01T00:00:02Z");
  EXPECT_EQ(second->object["firstTimestamp"], "2026-03-01T00:00:01Z");
}

TEST_F(Correlator, TellsDifferentMessagesApart) {
  EXPECT_NE(tell(note("one"))->name, tell(note("two"))->name);
}

TEST_F(Correlator, CombinesTheTenthThatDiffersInItsMessageOnly) {
  for (int i = 1; i < 10; ++i)
    EXPECT_EQ(tell(note(std::to_string(i)))->object["message"], std::to_string(i));
  const auto tenth = tell(note("10"));
  EXPECT_EQ(tenth->object["message"], "(combined from similar events): 10");
  const auto eleventh = tell(note("11"));
  EXPECT_EQ(eleventh->name, tenth->name);
  EXPECT_EQ(eleventh->patch["count"], 2);
  EXPECT_EQ(eleventh->patch["message"], "(combined from similar events): 11");
}

TEST_F(Correlator, CombinesNoLongerAfterTenQuietMinutes) {
  for (int i = 0; i < 12; ++i)
    tell(note(std::to_string(i)));
  now_ += 11min;
  EXPECT_EQ(tell(note("new"))->object["message"], "new");
}

TEST_F(Correlator, SilencesAnObjectAfterTwentyFiveAndLetsOneThroughEachFiveMinutes) {
  int told = 0;
  for (int i = 0; i < 40; ++i)
    told += tell(note()) ? 1 : 0;
  EXPECT_EQ(told, 25);
  now_ += 5min;
  EXPECT_TRUE(tell(note()));
  EXPECT_FALSE(tell(note()));
}

TEST_F(Correlator, SilencesOneObjectAlone) {
  for (int i = 0; i < 30; ++i)
    tell(note());
  EXPECT_TRUE(tell(note("refused", {shop.api_version, "Application", "mp-other", "uid-2"})));
}

TEST_F(Correlator, CutsALongMessageAtACharacter) {
  std::string message;
  while (message.size() < 2000)
    message += "ä";
  const std::string told = tell(note(message))->object["message"];
  EXPECT_LE(told.size(), 1024u);
  EXPECT_NO_THROW(Json(told).dump()); // throws on half a character
}

TEST(WriteEvent, MakesItAnewWhereItHasBeenForgotten) {
  ScriptedCluster cluster;
  auto api = make_api(
      plain_config(), {}, [&](const Endpoint&) { return cluster.client; }, cluster.clock);
  cluster.client->answers(404, status_body(404, "NotFound", "gone"));
  cluster.client->answers(201, "{}");
  EventWrite write{"key", "mp-shop.1", Json{{"metadata", {{"name", "mp-shop.1"}}}}, Json{{"count", 7}}};
  ASSERT_TRUE(write_event(*api, write, cluster.within(seconds(10))));
  ASSERT_EQ(cluster.client->requests.size(), 2u);
  EXPECT_EQ(cluster.client->requests[0].method, "PATCH");
  EXPECT_EQ(cluster.client->requests[0].content_type, "application/merge-patch+json");
  EXPECT_EQ(cluster.client->requests[0].path, "/api/v1/namespaces/default/events/mp-shop.1");
  EXPECT_EQ(cluster.client->requests[0].body, R"({"count":7})");
  EXPECT_EQ(cluster.client->requests[1].method, "POST");
}

} // namespace
} // namespace runtime_agent::kubernetes
