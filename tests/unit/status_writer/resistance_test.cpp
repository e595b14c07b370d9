#include <gmock/gmock.h>

#include "tests/unit/status_writer/status_writer_fixture.hpp"
#include "tests/unit/support/most_within.hpp"
#include "transport/kubernetes/kept_fields.hpp"

/// Another program that writes the CompassConnection, and an API server that does not keep what is written. Source:
/// contract §5.4.
namespace runtime_agent::status_writer {
namespace {

namespace resistance_test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Point = std::chrono::steady_clock::time_point;

/// Says who wrote the object last, as a real API server does, and may change what is written.
class ServerApi : public FakeApi, public kubernetes::WholeObjects {
public:
  std::function<void(Json&)> mutate;
  Result<void> look_at_whole(const kubernetes::Resource& resource, const std::string& name,
                             const kubernetes::ObjectLook& look, const CallContext& context) override {
    auto present = get(resource, name, context);
    if (!present)
      return failed(present.error());
    (*present)["metadata"]["managedFields"] = {{{"manager", "argocd-controller"}, {"time", "2026-11-29T10:00:00Z"}},
                                               {{"manager", "runtime-agent"}, {"time", "2026-11-29T10:00:01Z"}}};
    look(*present);
    return {};
  }
  Result<Json> create(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    return FakeApi::create(resource, mutated(object), context);
  }
  Result<Json> update(const kubernetes::Resource& resource, const Json& object, const CallContext& context) override {
    return FakeApi::update(resource, mutated(object), context);
  }

private:
  Json mutated(Json object) const {
    if (mutate)
      mutate(object);
    return object;
  }
};

class ResistanceTest : public StatusWriterTest {
protected:
  ResistanceTest() {
    api = server;
    settings.happened = [this](const Happening& happening) {
      told.push_back(happening.reason);
      texts.push_back(happening.message);
    };
    start(settings);
    settle();
    told.clear();
    texts.clear();
    api->carried_out = [this](const FakeApi::Call& call) {
      const bool whole = !call.path.ends_with("/status"); // asked once whether there is such a subresource
      if (whole && (call.verb == "update" || call.verb == "create"))
        writes.push_back(system.now());
      if (const Json contested = condition("Contested");
          whole && contested.is_object() && contested["status"] == "True")
        condition_said = contested["message"];
    };
  }
  ~ResistanceTest() override { api->carried_out = nullptr; }

  void set_state(const std::string& value) {
    Json object = *api->object(connections, "compass-connection");
    object["status"]["connectionState"] = value;
    api->put(connections, object);
    observe();
  }
  /// Another program, so often; the agent's own cycles go on, one in 20 s.
  void fight(int writes_a_second, std::chrono::seconds duration) {
    const Point end = system.now() + duration;
    Point cycle = system.now() + 20s;
    while (system.now() < end) {
      set_state("Broken");
      system.advance(std::chrono::nanoseconds(1s) / writes_a_second);
      observe();
      if (system.now() < cycle)
        continue;
      cycle += 20s;
      system.tell(writer, connected());
      system.tell(writer, synchronized());
    }
  }
  Json condition(const std::string& type) {
    const Json object = api->object(connections, "compass-connection").value_or(Json::object());
    const Json conditions = object.value("/status/conditions"_json_pointer, Json::array());
    for (const Json& one : conditions)
      if (one["type"] == type)
        return one;
    return {};
  }

  std::shared_ptr<ServerApi> server = std::make_shared<ServerApi>();
  Settings settings;
  std::vector<std::string> told, texts;
  std::vector<Point> writes;
  std::string condition_said;
};

class OpponentTest : public ResistanceTest, public testing::WithParamInterface<int> {};

TEST_P(OpponentTest, IsNotAnsweredAtFullSpeedAndIsNamed) {
  const std::chrono::seconds duration = GetParam() == 1000 ? 3s : GetParam() == 10 ? 30s : 3min;
  fight(GetParam(), duration);
  EXPECT_EQ(tests::most_within(writes, 1s), 1u);
  const auto cycles = static_cast<std::size_t>(duration / 20s);
  EXPECT_LE(writes.size(), 15u + cycles + 3) << "the repairs, and what there was to tell";
  EXPECT_GE(writes.size(), 3u);
  EXPECT_THAT(told, ElementsAre("Contested"));
  ASSERT_FALSE(texts.empty());
  EXPECT_THAT(texts[0], HasSubstr("CompassConnection compass-connection: somebody else (field manager "
                                  "argocd-controller) keeps changing it"));

  writes.clear();
  system.advance(kubernetes::RepairPace::ceiling);
  observe();
  EXPECT_EQ(state(), "Synchronized") << "as soon as it has gone";
  EXPECT_THAT(condition_said, HasSubstr("argocd-controller"));
  system.advance(2min);
  pass_ten_cycles();
  EXPECT_EQ(condition("Contested")["status"], "False");
  EXPECT_THAT(told, ElementsAre("Contested", "NoLongerContested"));
}

INSTANTIATE_TEST_SUITE_P(WritesASecond, OpponentTest, testing::Values(1, 10, 1000));

TEST_F(ResistanceTest, PutsRightAPersonsEditAtOnce) {
  set_state("Broken");
  EXPECT_EQ(state(), "Synchronized");
  system.advance(10min);
  set_state("Broken");
  EXPECT_EQ(state(), "Synchronized");
  EXPECT_THAT(told, IsEmpty());
  EXPECT_TRUE(condition("Contested").is_null());
}

TEST_F(ResistanceTest, TellsAChangeOfStateAlsoInTheMidstOfAFight) {
  fight(10, 10s);
  ASSERT_THAT(told, ElementsAre("Contested"));
  SynchronizationReport report = synchronized();
  report.fetching = FakeApi::failure(FailureKind::unavailable, "Director");
  system.tell(writer, report);
  EXPECT_EQ(state(), "SynchronizationFailed");
}

TEST_F(ResistanceTest, DoesNotMakeAnewAtFullSpeedWhatIsDeletedAgainAndAgain) {
  for (int i = 0; i < 550; ++i) {
    if (api->object(connections, "compass-connection")) {
      api->erase(connections, "compass-connection");
      absent("absence-" + std::to_string(i));
    }
    system.advance(100ms);
  }
  EXPECT_EQ(tests::most_within(writes, 1s), 1u);
  EXPECT_LE(writes.size(), 3u);
  EXPECT_THAT(told, testing::Contains("Contested"));
  system.advance(2min);
  EXPECT_EQ(state(), "Synchronized");
}

TEST_F(ResistanceTest, ADefinitionThatDropsAFieldIsNoOpponentAndIsSaidOnce) {
  server->mutate = [](Json& object) {
    if (object.contains("status"))
      object["status"]["connectionStatus"].erase("lastSuccess");
  };
  pass_ten_cycles();
  EXPECT_EQ(tests::most_within(writes, 19s), 1u) << "one a cycle, as before";
  EXPECT_LE(writes.size(), 11u);
  writes.clear();
  system.advance(10min);
  EXPECT_THAT(writes, IsEmpty());
  EXPECT_EQ(state(), "Synchronized");
  EXPECT_THAT(told, ElementsAre("FieldsNotKept"));
  EXPECT_THAT(texts[0], HasSubstr("status.connectionStatus.lastSuccess"));
  EXPECT_THAT(texts[0], HasSubstr("kubectl apply -f deploy/chart/runtime-agent/crds"));
  observe();
  EXPECT_THAT(writes, IsEmpty()) << "its own write comes back";
  set_state("Broken");
  EXPECT_EQ(state(), "Synchronized") << "what it does keep is put right";
}

TEST_F(ResistanceTest, AWebhookThatChangesTheStateIsNoOpponent) {
  server->mutate = [](Json& object) {
    if (object.contains("status"))
      object["status"]["connectionState"] = "Connected";
  };
  pass_ten_cycles();
  EXPECT_LE(writes.size(), 11u);
  writes.clear();
  system.advance(10min);
  observe();
  EXPECT_THAT(writes, IsEmpty());
  EXPECT_THAT(told, ElementsAre("Connected", "FieldsNotKept"));
  EXPECT_THAT(texts[1], HasSubstr("mutating webhook"));
}

} // namespace resistance_test
} // namespace
} // namespace runtime_agent::status_writer
