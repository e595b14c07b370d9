#include "actors/status_writer/conditions.hpp"

#include <gmock/gmock.h>

#include "actors/status_writer/happenings.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Failure failure_in(const std::string& what) {
  return {.kind = FailureKind::refused, .where = "somewhere", .what = what, .request_id = "runtime_1234"};
}

Facts connected_facts() {
  Facts facts;
  facts.connection.emplace();
  facts.connection->connected = true;
  facts.now = WallTime(std::chrono::seconds(1'700'000'000));
  return facts;
}

Facts synchronized_facts() {
  Facts facts = connected_facts();
  facts.synchronization.emplace();
  facts.synchronization->last_attempt = facts.now;
  facts.synchronization->synchronized = true;
  return facts;
}

std::shared_ptr<const DesiredStateApplied> applied(std::vector<ApplicationProblem> problems) {
  DesiredStateApplied applied;
  applied.problems = std::move(problems);
  return std::make_shared<const DesiredStateApplied>(std::move(applied));
}

/// "Ready=True/Synchronized Connected=… Synchronized=…"
std::string in_words(const Facts& facts, std::string_view present = "") {
  std::string text;
  for (const Condition& condition : conditions(facts, connection_state(facts, present)))
    text += (text.empty() ? "" : " ") + std::string(condition.type) + "=" + std::string(condition.status) + "/" +
            condition.reason;
  return text;
}

TEST(Conditions, FollowTheFacts) {
  Facts facts;
  EXPECT_EQ(in_words(facts), "Ready=False/NothingSynchronizedYet Connected=Unknown/NothingKnownYet "
                             "Synchronized=False/NothingSynchronizedYet");
  facts = connected_facts();
  EXPECT_EQ(in_words(facts), "Ready=False/NothingSynchronizedYet Connected=True/CertificateValid "
                             "Synchronized=False/NothingSynchronizedYet");
  facts = synchronized_facts();
  EXPECT_EQ(in_words(facts), "Ready=True/Synchronized Connected=True/CertificateValid Synchronized=True/Synchronized");
  facts.synchronization->labelling = failure_in("labels");
  EXPECT_EQ(in_words(facts), "Ready=False/MetadataUpdateFailed Connected=True/CertificateValid "
                             "Synchronized=False/MetadataUpdateFailed");
  facts.synchronization->fetching = failure_in("503");
  EXPECT_EQ(in_words(facts), "Ready=False/SynchronizationFailed Connected=True/CertificateValid "
                             "Synchronized=False/SynchronizationFailed");
  facts = synchronized_facts();
  facts.connection->maintaining = failure_in("renewing");
  EXPECT_EQ(in_words(facts), "Ready=False/ConnectionMaintenanceFailed Connected=True/ConnectionMaintenanceFailed "
                             "Synchronized=True/Synchronized");
  facts.connection->connecting = failure_in("the token is spent");
  EXPECT_EQ(in_words(facts),
            "Ready=False/ConnectionFailed Connected=False/ConnectionFailed Synchronized=True/Synchronized");
}

TEST(Conditions, SayTheCause) {
  Facts facts = synchronized_facts();
  facts.synchronization->fetching = failure_in("429 Too Many Requests");
  for (const Condition& condition : conditions(facts, "SynchronizationFailed"))
    if (condition.type != "Connected") {
      EXPECT_THAT(condition.message, HasSubstr("429 Too Many Requests")) << condition.type;
    }
}

TEST(Conditions, StandForTheProcessBeforeUntilThisOneHasTried) {
  EXPECT_EQ(in_words(connected_facts(), "Synchronized"),
            "Ready=True/Synchronized Connected=True/CertificateValid Synchronized=True/Synchronized");
}

TEST(ApplyConditions, MovesTheTransitionTimeWithTheStatusAlone) {
  Json status = Json::object();
  Facts facts = synchronized_facts();
  EXPECT_TRUE(apply_conditions(status, facts, "Synchronized"));
  ASSERT_THAT(status["conditions"], SizeIs(3));
  const std::string first = status["conditions"][0]["lastTransitionTime"];
  facts.now += std::chrono::hours(1);
  EXPECT_FALSE(apply_conditions(status, facts, "Synchronized"));
  facts.synchronization->labelling = failure_in("one");
  EXPECT_TRUE(apply_conditions(status, facts, "MetadataUpdateFailed"));
  const std::string second = status["conditions"][0]["lastTransitionTime"];
  EXPECT_NE(second, first);
  EXPECT_EQ(status["conditions"][1]["lastTransitionTime"], first); // Connected as before
  facts.now += std::chrono::hours(1);
  facts.synchronization->labelling = failure_in("two");
  EXPECT_TRUE(apply_conditions(status, facts, "MetadataUpdateFailed"));
  EXPECT_EQ(status["conditions"][0]["lastTransitionTime"], second);
}

TEST(ApplyConditions, AreOfTheGenerationThatTheirWriteMakes) {
  Json object{{"metadata", {{"generation", 7}}}, {"spec", Json::object()}};
  const Facts facts = synchronized_facts();
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
  for (const Json& condition : object["status"]["conditions"])
    EXPECT_EQ(condition["observedGeneration"], 8);
  object["metadata"]["generation"] = 8; // as the API server has it after that write
  EXPECT_EQ(apply_facts(object, facts), Change::none);
  object["metadata"]["generation"] = 9; // somebody else's change
  EXPECT_EQ(apply_facts(object, facts), Change::times) << "told with the next write";
  EXPECT_EQ(object["status"]["conditions"][0]["observedGeneration"], 10);
}

TEST(ApplyConditions, MissNoGenerationThatTheDefinitionDrops) {
  Json object{{"metadata", {{"generation", 7}}}, {"spec", Json::object()}};
  const Facts facts = synchronized_facts();
  apply_facts(object, facts);
  for (Json& condition : object["status"]["conditions"])
    condition.erase("observedGeneration");
  object["metadata"]["generation"] = 8;
  EXPECT_EQ(apply_facts(object, facts), Change::none);
}

TEST(ApplyConditions, LeavesThoseOfOthers) {
  Json status{{"conditions", {{{"type", "Paused"}, {"status", "False"}}}}};
  apply_conditions(status, synchronized_facts(), "Synchronized");
  EXPECT_EQ(status["conditions"][0], (Json{{"type", "Paused"}, {"status", "False"}}));
  EXPECT_THAT(status["conditions"], SizeIs(4));
}

TEST(ApplyFacts, DoesNotMissConditionsThatTheDefinitionDrops) {
  Facts facts = synchronized_facts();
  Json object = Json::object();
  apply_facts(object, facts);
  object["status"].erase("conditions");
  facts.conditions_pruned = true;
  EXPECT_EQ(apply_facts(object, facts), Change::none);
  EXPECT_TRUE(object["status"].contains("conditions")); // sent along with whatever else is written
}

// -- what is worth an Event

TEST(Happenings, NameTheStateAndItsCauseWithoutTheRequest) {
  Facts facts = synchronized_facts();
  EXPECT_EQ(state_changed(facts, "Synchronized"),
            (Happening{false, "Synchronized", "the cluster's Applications match the Director", ""}));
  facts.synchronization->fetching = failure_in("500");
  EXPECT_EQ(state_changed(facts, "SynchronizationFailed"),
            (Happening{true, "SynchronizationFailed", "somewhere: 500", ""}));
}

TEST(Happenings, AreChangesOfProblemsAndNotTheProblemsOfEachCycle) {
  ToldProblems told;
  EXPECT_THAT(problems_changed(*applied({{"mp-a", "quota (x-request-id r_1)"}, {"mp-b", "conflict"}}), told),
              ElementsAre(Happening{true, "ApplicationFailed", "quota", "mp-a"},
                          Happening{true, "ApplicationFailed", "conflict", "mp-b"}));
  EXPECT_THAT(problems_changed(*applied({{"mp-a", "quota (x-request-id r_2)"}, {"mp-b", "conflict"}}), told),
              IsEmpty());
  EXPECT_THAT(problems_changed(*applied({{"mp-b", "forbidden"}}), told),
              ElementsAre(Happening{true, "ApplicationFailed", "forbidden", "mp-b"},
                          Happening{false, "ApplicationInLine", "Recovered: Application synchronized", "mp-a"}));
}

TEST(Happenings, AreChangesOfWarningsToo) {
  ToldProblems told;
  DesiredStateApplied warned;
  warned.problems = {{"mp-b", "conflict"}};
  warned.warnings = {{"mp-a", "two share /x/y"}};
  EXPECT_THAT(problems_changed(warned, told),
              ElementsAre(Happening{true, "ApplicationFailed", "conflict", "mp-b"},
                          Happening{true, "ApplicationAmbiguous", "two share /x/y", "mp-a"}));
  EXPECT_THAT(problems_changed(warned, told), IsEmpty());
  warned.warnings.clear();
  EXPECT_THAT(problems_changed(warned, told),
              ElementsAre(Happening{false, "ApplicationUnambiguous", "the central gateway can resolve each of its URLs",
                                    "mp-a"}));
}

TEST(Happenings, AreBounded) {
  std::vector<ApplicationProblem> problems;
  for (int i = 0; i < 1000; ++i)
    problems.push_back({"mp-" + std::to_string(i), "refused"});
  ToldProblems told;
  const auto all = problems_changed(*applied(problems), told);
  EXPECT_THAT(all, SizeIs(51));
  EXPECT_THAT(all.back().message, HasSubstr("950 more"));
}

} // namespace
} // namespace runtime_agent::status_writer
