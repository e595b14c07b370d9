#include <gtest/gtest.h>

#include "transport/rfc3339.hpp"

#include "actors/status_writer/connection_status.hpp"

namespace runtime_agent::status_writer {
namespace {

using kubernetes::Json;

WallTime at(int seconds) {
  return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

Failure failure(const std::string& what) {
  Failure failure;
  failure.where = "somewhere";
  failure.what = what;
  return failure;
}

ConnectionReport connected() {
  ConnectionReport report;
  report.connected = true;
  report.established = report.acquired = report.last_sync = report.last_success = at(0);
  report.validity = x509::Validity{at(-60), at(3600)};
  report.connector_url = "https://connector.example.com/graphql";
  report.director_url = "https://director.example.com/graphql";
  return report;
}

SynchronizationReport synchronized() {
  SynchronizationReport report;
  report.last_attempt = report.last_successful_fetch = report.last_successful_application = at(5);
  report.applied = std::make_shared<DesiredStateApplied>();
  report.synchronized = true;
  return report;
}

SynchronizationReport with_problems(std::vector<ApplicationProblem> problems) {
  SynchronizationReport report = synchronized();
  DesiredStateApplied applied;
  applied.counts.desired = 300;
  applied.problems = std::move(problems);
  report.applied = std::make_shared<DesiredStateApplied>(std::move(applied));
  report.synchronized = false;
  return report;
}

TEST(ConnectionState, IsTheFirstThatHolds) {
  Facts facts;
  facts.connection = connected();
  EXPECT_EQ(connection_state(facts, ""), "Connected");
  facts.synchronization = synchronized();
  EXPECT_EQ(connection_state(facts, ""), "Synchronized");
  facts.synchronization->labelling = failure("labels");
  EXPECT_EQ(connection_state(facts, ""), "MetadataUpdateFailed");
  DesiredStateApplied applied;
  applied.failure = failure("CRD");
  facts.synchronization->applied = std::make_shared<DesiredStateApplied>(applied);
  EXPECT_EQ(connection_state(facts, ""), "ResourceApplicationFailed");
  facts.synchronization->fetching = failure("500");
  EXPECT_EQ(connection_state(facts, ""), "SynchronizationFailed");
  facts.connection->maintaining = failure("connector");
  EXPECT_EQ(connection_state(facts, ""), "ConnectionMaintenanceFailed");
  facts.connection->connecting = failure("token");
  EXPECT_EQ(connection_state(facts, ""), "ConnectionFailed");
}

TEST(ConnectionState, KeepsWhatTheObjectSaysUntilThisProcessHasSynchronised) {
  Facts facts;
  facts.connection = connected();
  EXPECT_EQ(connection_state(facts, "Synchronized"), "Synchronized");
  EXPECT_EQ(connection_state(facts, "ConnectionFailed"), "Connected");
}

TEST(ConnectionStatus, HasEveryFieldOfTheContract) {
  Facts facts;
  facts.connection = connected();
  facts.connection->renewed = at(3);
  facts.synchronization = synchronized();
  Json object = new_object(facts, "");
  EXPECT_EQ(object["status"].erase("conditions"), 1u); // beside the contract, as are the counts
  EXPECT_EQ(object["status"]["synchronizationStatus"].erase(applications_field), 1u);
  EXPECT_EQ(object["status"]["synchronizationStatus"].erase(failed_applications_field), 1u);
  EXPECT_EQ(object, Json::parse(R"({
    "apiVersion": "compass.kyma-project.io/v1alpha1", "kind": "CompassConnection",
    "metadata": {"name": "compass-connection"},
    "spec": {"managementInfo": {"connectorUrl": "https://connector.example.com/graphql",
                                "directorUrl": "https://director.example.com/graphql"}},
    "status": {
      "connectionStatus": {
        "certificateStatus": {"notBefore": "2023-11-14T22:12:20Z", "notAfter": "2023-11-14T23:13:20Z",
                              "acquired": "2023-11-14T22:13:20Z"},
        "established": "2023-11-14T22:13:20Z", "renewed": "2023-11-14T22:13:23Z",
        "lastSync": "2023-11-14T22:13:20Z", "lastSuccess": "2023-11-14T22:13:20Z"},
      "connectionState": "Synchronized",
      "synchronizationStatus": {"lastAttempt": "2023-11-14T22:13:25Z", "lastSuccessfulFetch": "2023-11-14T22:13:25Z",
                                "lastSuccessfulApplication": "2023-11-14T22:13:25Z"}}})"));
}

TEST(ConnectionStatus, IsWhatTheCrdRequiresBeforeTheFirstConnection) {
  Facts facts;
  facts.connection = ConnectionReport{};
  facts.connection->connecting = failure("no configuration");
  facts.connection->last_sync = at(0);
  const Json object = new_object(facts, "absent-1");
  EXPECT_EQ(object["spec"]["managementInfo"], Json::parse(R"({"connectorUrl": "", "directorUrl": ""})"));
  EXPECT_EQ(object["status"]["connectionStatus"]["certificateStatus"], Json::object());
  EXPECT_EQ(object["status"]["connectionStatus"]["error"], "somewhere: no configuration");
  EXPECT_EQ(object["status"]["connectionState"], "ConnectionFailed");
  EXPECT_EQ(object["metadata"]["annotations"][reconnect_annotation], "absent-1");
  EXPECT_FALSE(object["status"].contains("synchronizationStatus"));
}

TEST(ConnectionStatus, IsLeftOutWhileTheFirstAttemptToConnectIsUnderWay) {
  Facts facts;
  facts.connection = ConnectionReport{};
  const Json object = new_object(facts, "absent-1");
  EXPECT_FALSE(object.contains("status"));
  EXPECT_EQ(object["metadata"]["annotations"][reconnect_annotation], "absent-1");
}

TEST(ConnectionStatus, SecondApplicationChangesNothing) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = synchronized();
  Json object = new_object(facts, "");
  EXPECT_EQ(apply_facts(object, facts), Change::none);
}

TEST(ConnectionStatus, TellsMovedTimesFromChangesThatMatter) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = synchronized();
  Json object = new_object(facts, "");
  facts.synchronization->last_attempt = at(25);
  facts.connection->last_sync = at(26);
  EXPECT_EQ(apply_facts(object, facts), Change::times);
  facts.connection->maintaining = failure("refused");
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
}

TEST(ConnectionStatus, CountsApplicationsAndNotTheirProblems) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = with_problems({{"mp-crm", "Secret a"}, {"mp-crm", "Secret b"}, {"mp-shop", "refused"}});
  Json object = new_object(facts, "");
  const Json& synchronization = object["status"]["synchronizationStatus"];
  EXPECT_EQ(synchronization[applications_field], 300);
  EXPECT_EQ(synchronization[failed_applications_field], 2);
  facts.synchronization = with_problems({});
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
  EXPECT_EQ(object["status"]["synchronizationStatus"][failed_applications_field], 0);
  EXPECT_EQ(apply_facts(object, facts), Change::none);
}

TEST(ConnectionStatus, KeepsTheCountsWhereAPassEndedBeforeItsPlan) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = with_problems({{"mp-crm", "refused"}});
  Json object = new_object(facts, "");
  DesiredStateApplied blocked;
  blocked.failure = failure("Applications cannot be listed");
  facts.synchronization->applied = std::make_shared<DesiredStateApplied>(blocked);
  apply_facts(object, facts);
  EXPECT_EQ(object["status"]["synchronizationStatus"][applications_field], 300);
  EXPECT_EQ(object["status"]["synchronizationStatus"][failed_applications_field], 1);
}

TEST(ConnectionStatus, DoesNotMissCountsThatTheDefinitionDrops) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = with_problems({});
  Json object = new_object(facts, "");
  object["status"]["synchronizationStatus"].erase(applications_field);
  object["status"]["synchronizationStatus"].erase(failed_applications_field);
  facts.counts_pruned = true;
  EXPECT_EQ(apply_facts(object, facts), Change::none);
  EXPECT_EQ(object["status"]["synchronizationStatus"][applications_field], 300); // sent along all the same
  facts.counts_pruned = false;
  object["status"]["synchronizationStatus"].erase(
      applications_field); // an agent that does not know it wrote the object
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
}

TEST(ConnectionStatus, NeverErasesAnEarlierSuccessAndRemovesTheErrorWithSuccess) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = synchronized();
  Json object = new_object(facts, "");
  Facts restarted;
  restarted.connection = ConnectionReport{};
  restarted.connection->connecting = failure("refused");
  restarted.connection->last_sync = at(60);
  EXPECT_EQ(apply_facts(object, restarted), Change::significant);
  EXPECT_EQ(object["status"]["connectionStatus"]["lastSuccess"], rfc3339(at(0)));
  EXPECT_EQ(object["status"]["connectionStatus"]["established"], rfc3339(at(0)));
  EXPECT_EQ(object["status"]["synchronizationStatus"]["lastSuccessfulFetch"], rfc3339(at(5)));
  EXPECT_EQ(object["spec"]["managementInfo"]["directorUrl"], "https://director.example.com/graphql");
  EXPECT_TRUE(object["status"]["connectionStatus"].contains("error"));
  apply_facts(object, facts);
  EXPECT_FALSE(object["status"]["connectionStatus"].contains("error"));
}

TEST(ConnectionStatus, FillsInAnObjectWithoutStatusAndKeepsWhatIsNotOurs) {
  Json object = Json::parse(R"({"metadata": {"name": "compass-connection", "labels": {"mine": "yes"}},
                                "spec": {"somethingElse": 12345678901234567890}})");
  Facts facts;
  facts.connection = connected();
  facts.connection->established.reset();
  facts.connection->acquired.reset();
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
  EXPECT_EQ(object["metadata"]["labels"]["mine"], "yes");
  EXPECT_EQ(object["spec"]["somethingElse"].get<std::uint64_t>(), 12345678901234567890u);
  EXPECT_EQ(object["status"]["connectionState"], "Connected");
  // Nowhere on record: taken from the certificate's validity.
  EXPECT_EQ(object["status"]["connectionStatus"]["established"], rfc3339(at(-60)));
  EXPECT_EQ(object["status"]["connectionStatus"]["certificateStatus"]["acquired"], rfc3339(at(-60)));
}

TEST(ConnectionStatus, IsWholeInANewObjectAfterARestartAndARenewal) {
  Facts facts;
  facts.connection = connected();
  facts.connection->established.reset(); // by another process; the object that said when is deleted
  facts.connection->renewed = at(0);
  const Json status = new_object(facts, "absence")["status"]["connectionStatus"];
  EXPECT_EQ(status["established"], rfc3339(at(-60)));
  EXPECT_EQ(status["renewed"], rfc3339(at(0)));
  EXPECT_EQ(status["certificateStatus"],
            Json({{"notBefore", rfc3339(at(-60))}, {"notAfter", rfc3339(at(3600))}, {"acquired", rfc3339(at(0))}}));
}

TEST(ConnectionStatus, SetsAWishBackOnceItWasServedAndNotBefore) {
  Facts facts;
  facts.connection = connected();
  facts.synchronization = synchronized();
  facts.resync_id = "7";
  facts.refresh_id = "8";
  Json object = new_object(facts, "");
  object["spec"]["resyncNow"] = true;
  object["spec"]["refreshCredentialsNow"] = true;
  apply_facts(object, facts);
  EXPECT_EQ(object["spec"]["resyncNow"], true);
  facts.synchronization->resync_served = "7";
  facts.connection->refresh_served = "6"; // an earlier one
  apply_facts(object, facts);
  EXPECT_EQ(object["spec"]["resyncNow"], false);
  EXPECT_EQ(object["spec"]["refreshCredentialsNow"], true);
}

TEST(ConnectionStatus, KeepsTheReconnectAnnotationUntilItIsServed) {
  Facts facts;
  facts.connection = connected();
  Json object = new_object(facts, "uid-1");
  EXPECT_EQ(object["metadata"]["annotations"][reconnect_annotation], "uid-1");
  EXPECT_EQ(apply_facts(object, facts), Change::none);
  facts.connection->reconnect_served = "uid-1";
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
  EXPECT_FALSE(object["metadata"]["annotations"].contains(reconnect_annotation));
}

TEST(ConnectionStatus, SaysInsecureSettingsAloud) {
  Facts facts;
  facts.connection = connected();
  facts.warning = "TLS checks are off";
  Json object = new_object(facts, "");
  EXPECT_EQ(object["metadata"]["annotations"][std::string(warning_annotation)], "TLS checks are off");
  facts.warning.clear();
  EXPECT_EQ(apply_facts(object, facts), Change::significant);
  EXPECT_FALSE(object["metadata"]["annotations"].contains(std::string(warning_annotation)));
}

TEST(ConnectionStatus, SaysWhereCompassIsWhereNobodyVerifiesWhoSaysSo) {
  const std::string name(warning_annotation);
  Facts facts;
  facts.connection = connected();
  facts.connection->director_url = "http://director.example.com/graphql";
  facts.connection->connector_url = "https://169.254.169.254/graphql";
  EXPECT_FALSE(new_object(facts, "")["metadata"].contains("annotations")) << "verified, http: is not used at all";
  facts.warning = "TLS checks are off";
  const std::string said = "TLS checks are off; directorUrl http://director.example.com is not encrypted; connectorUrl "
                           "https://169.254.169.254 is a link-local address, where a cloud keeps its credentials";
  Json object = new_object(facts, "");
  EXPECT_EQ(object["metadata"]["annotations"][name], said);
  facts.connection.reset(); // a new process does not know yet
  apply_facts(object, facts);
  EXPECT_EQ(object["metadata"]["annotations"][name], said);
  facts.connection = connected();
  apply_facts(object, facts);
  EXPECT_EQ(object["metadata"]["annotations"][name], "TLS checks are off");
}

TEST(SynchronizationError, NamesTheApplicationsThatFailedInBoundedText) {
  EXPECT_EQ(synchronization_error(with_problems({{"mp-crm", "two Applications have this name"}})),
            "1 of 300 Applications failed: mp-crm: two Applications have this name");
  EXPECT_EQ(synchronization_error(with_problems({{"mp-crm", "Secret a"}, {"mp-crm", "Secret b"}})),
            "1 of 300 Applications failed: mp-crm: Secret a; mp-crm: Secret b");
  std::vector<ApplicationProblem> many;
  for (int i = 0; i < 300; ++i)
    many.push_back({"mp-application-" + std::to_string(i), std::string(50, 'x')});
  const std::string text = synchronization_error(with_problems(many));
  EXPECT_LT(text.size(), 2100u);
  EXPECT_NE(text.find("mp-application-0: "), std::string::npos);
  EXPECT_NE(text.find("more"), std::string::npos);
}

TEST(SynchronizationError, IsNeverCutWithinACharacter) {
  std::string name;
  for (int i = 0; i < 2000; ++i)
    name += "ü";
  for (std::size_t shift = 0; shift < 2; ++shift)
    EXPECT_NO_THROW(
        (void)kubernetes::Json(synchronization_error(with_problems({{std::string(shift, 'x') + name, "too long"}})))
            .dump());
}

// Names come from outside: what looks like a page is a name all the same.
TEST(SynchronizationError, NamesAnApplicationWhateverItsNameLooksLike) {
  EXPECT_EQ(synchronization_error(with_problems({{"<html>  <title>shop</title>", "no name"}})),
            "1 of 300 Applications failed: <html>  <title>shop</title>: no name");
}

} // namespace
} // namespace runtime_agent::status_writer
