#include <algorithm>
#include <string>

#include <gmock/gmock.h>

#include "tests/e2e/support/credentials.hpp"
#include "tests/e2e/support/end_to_end.hpp"
#include "tests/e2e/support/stop_point.hpp"

/// What is on record, and what the real binary makes of it at its start. Each row of contract §2.1's table, and the
/// sentences below it. Rows that need no crash: job_connection_test.cpp.
namespace runtime_agent::e2e {
namespace {

using sandbox::Stage;
using testing::HasSubstr;

constexpr const char* annotation_prefix = "runtime-agent.kyma-project.io/";
const std::string update_pending = std::string("update secrets kyma-system/") + pending_secret;

class RecordOnSandbox : public EndToEnd {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(1);
  }

  void start(int clock_offset_seconds = 0) {
    Variables variables = world().quick_environment();
    variables["RUNTIME_AGENT_TEST_CLOCK_OFFSET"] = std::to_string(clock_offset_seconds);
    world().start(variables);
  }
  void killed_at(const std::string& service, const std::string& request, Stage stage, int occurrence = 1) {
    world().configure();
    StopPoint point(world(), service, request, stage, occurrence);
    start();
    ASSERT_TRUE(point.kills_the_agent());
  }
  /// The second token is stored, and the next write would say that the CSR is about to be sent. By the step on record:
  /// how often the pending Secret was written before depends on when a wish came.
  void killed_before_the_csr_is_announced() {
    world().configure();
    const auto paired = [this] { return data_of(secret(world(), pending_secret), "step") == "paired"; };
    StopPoint point(world(), "kubernetes", update_pending, Stage::arrived, 1, paired);
    start();
    ASSERT_TRUE(point.kills_the_agent());
    ASSERT_TRUE(paired());
  }
  testing::AssertionResult says(const std::string& text) {
    return comes_true([&] { return world().errors().find(text) != std::string::npos; });
  }
  std::size_t exchanges() { return compass().request_count("connector-token", "configuration"); }
  std::size_t signings() { return compass().request_count("connector-token", signing_field); }

  std::optional<nlohmann::json> certificates() { return secret(world(), certificates_secret); }
  std::optional<nlohmann::json> ca() { return secret(world(), ca_secret, "istio-system"); }
  void set_data(nlohmann::json object, const char* key, const std::string& base64) {
    object["data"][key] = base64;
    world().sandbox_server()->put_object(std::move(object));
  }
};

// -- the rows

TEST_F(RecordOnSandbox, NothingMakesTheConnectionWaitsForTheConfigurationAndPairs) {
  start();
  ASSERT_TRUE(reaches("ConnectionFailed"));
  world().configure();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, AConnectionWithoutACertificatePairsWithTheConfigurationsToken) {
  world().sandbox_server()->put_object({{"apiVersion", "compass.kyma-project.io/v1alpha1"},
                                        {"kind", "CompassConnection"},
                                        {"metadata", {{"name", "compass-connection"}}},
                                        {"spec", {{"managementInfo", {{"connectorUrl", ""}, {"directorUrl", ""}}}}}});
  synchronise();
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, ALostCertificatePairsWithTheConfigurationsToken) {
  synchronise();
  ASSERT_TRUE(comes_true([this] { return nothing_is_pending(world()); }));
  end_agent();
  world().sandbox_server()->remove_object("secrets", "kyma-system", certificates_secret);
  world().sandbox_server()->remove_object("secrets", "istio-system", ca_secret);
  world().configure();
  start();
  EXPECT_TRUE(comes_true([this] { return compass().certificates().size() == 2 && world().state() == "Synchronized"; }));
}

TEST_F(RecordOnSandbox, PairedSendsTheCsrWithTheStoredToken) {
  killed_before_the_csr_is_announced();
  start();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(exchanges(), 1u);
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, PairedWithATokenOfMoreThanFiveMinutesAgoIsAsWithout) {
  killed_before_the_csr_is_announced();
  start(6 * 60);
  EXPECT_TRUE(says("the token is spent"));
  EXPECT_EQ(signings(), 0u);
  world().configure();
  EXPECT_TRUE(reaches("Synchronized"));
}

TEST_F(RecordOnSandbox, SigningSaysThatTheTokenIsSpentAndTakesAChangedOne) {
  killed_at("connector-token", signing_field, Stage::carried_out);
  start();
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_TRUE(says("the token is spent, give a new one"));
  world().configure();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().tokens_spent(), 2u);
}

TEST_F(RecordOnSandbox, SigningWhoseCsrHadNotLeftNeedsNobody) {
  killed_at("connector-token", signing_field, Stage::arrived);
  start();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, ADeletedConnectionIsMadeAnewAndTheOldCertificateStaysInUseUntilThereIsAToken) {
  synchronise();
  end_agent();
  const std::string not_after = world().field("/status/connectionStatus/certificateStatus/notAfter");
  world().remove(kubernetes::compass_connections(), "compass-connection");
  start();
  ASSERT_TRUE(reaches("ConnectionFailed"));
  EXPECT_TRUE(
      comes_true([&] { return world().field("/status/connectionStatus/certificateStatus/notAfter") == not_after; }));
  give_applications(2);
  EXPECT_TRUE(comes_true([this] { return world().application_names().size() == 2; }));
  EXPECT_EQ(compass().certificates().size(), 1u);
  world().configure();
  EXPECT_TRUE(comes_true([this] { return compass().certificates().size() == 2 && world().state() == "Synchronized"; }));
}

TEST_F(RecordOnSandbox, ConnectedClearsWhatIsPendingOnceTheCertificateHasBeenUsed) {
  killed_at("kubernetes", std::string("delete secrets kyma-system/") + pending_secret, Stage::arrived);
  EXPECT_GE(compass().request_count("connector") + compass().request_count("director"), 1u);
  ASSERT_TRUE(secret(world(), pending_secret));
  start();
  EXPECT_TRUE(comes_true([this] { return !secret(world(), pending_secret); }));
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(compass().certificates().size(), 1u);
  EXPECT_EQ(world().tokens_spent(), 1u);
}

// -- the sentences below the table

TEST_F(RecordOnSandbox, ACrashBetweenTheTwoSecretsIsMendedFromThePendingOne) {
  killed_at("kubernetes", "create secrets istio-system", Stage::arrived);
  ASSERT_TRUE(certificates());
  ASSERT_FALSE(ca());
  start();
  ASSERT_TRUE(reaches("Synchronized"));
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_EQ(compass().certificates().size(), 1u);
}

TEST_F(RecordOnSandbox, ACaSecretOfAnotherPairingIsMendedFromMemory) {
  synchronise();
  set_data(*ca(), "cacert", (*certificates())["data"]["crt"]);
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_EQ(compass().certificates().size(), 1u);
}

TEST_F(RecordOnSandbox, ACaSecretOfAnotherPairingIsMendedAfterARestart) {
  synchronise();
  end_agent();
  set_data(*ca(), "cacert", (*certificates())["data"]["crt"]);
  start();
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, TodaysSecretWithoutAnnotationsIsAdoptedAndAnnotated) {
  synchronise();
  end_agent();
  auto object = *certificates();
  object["metadata"].erase("annotations");
  object["metadata"]["labels"] = {{"app", "todays-agent"}};
  world().sandbox_server()->put_object(object);
  compass().clear_requests();
  start();
  ASSERT_TRUE(comes_true([this] { return (*certificates())["metadata"].contains("annotations"); }));
  const auto annotations = (*certificates())["metadata"]["annotations"];
  EXPECT_EQ(annotations.value(std::string(annotation_prefix) + "runtime-id", ""), compass().runtime_id());
  EXPECT_EQ(annotations.value(std::string(annotation_prefix) + "tenant", ""), compass().tenant());
  EXPECT_EQ(annotations.value(std::string(annotation_prefix) + "director-url", ""), compass().director_url());
  EXPECT_EQ(annotations.value(std::string(annotation_prefix) + "connector-url", ""), compass().connector_url());
  EXPECT_EQ((*certificates())["metadata"]["labels"].value("app", ""), "todays-agent");
  ASSERT_TRUE(another_cycle());
  EXPECT_EQ(compass().request_count("connector-token"), 0u);
}

TEST_F(RecordOnSandbox, ALostDefinitionIsWaitedForAndTheIdentityIsKept) {
  synchronise();
  const std::string name = "compassconnections.compass.kyma-project.io";
  auto definition = *world().sandbox_server()->object("customresourcedefinitions", "", name);
  const auto before = certificates();
  ASSERT_TRUE(world().sandbox_server()->remove_object("customresourcedefinitions", "", name));
  ASSERT_TRUE(another_cycle());
  definition["metadata"].erase("resourceVersion");
  definition["metadata"].erase("uid");
  world().sandbox_server()->put_object(definition);
  ASSERT_TRUE(comes_true([this] { return world().connection().has_value(); }));
  EXPECT_EQ((*certificates())["data"], (*before)["data"]);
  world().configure(); // an absence is taken for a deletion
  EXPECT_TRUE(reaches("Synchronized"));
}

// -- defects 4 to 8 of contract §8: what is left of them after the rows above

TEST_F(RecordOnSandbox, RenewalLeavesLabelsAnnotationsAndOtherKeysOfBothSecrets) {
  synchronise();
  for (auto object : {*certificates(), *ca()}) {
    object["metadata"]["labels"] = {{"team", "sales"}};
    object["metadata"]["annotations"]["note"] = "call Ada";
    object["data"]["more"] = "bW9yZQ==";
    world().sandbox_server()->put_object(object);
  }
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_EQ(compass().certificates().size(), 2u);
  for (const auto& object : {*certificates(), *ca()}) {
    EXPECT_EQ(object["metadata"]["labels"].value("team", ""), "sales");
    EXPECT_EQ(object["metadata"]["annotations"].value("note", ""), "call Ada");
    EXPECT_EQ(data_of(object, "more"), "more");
  }
  EXPECT_EQ(wrong_with_credentials(world()), "");
}

TEST_F(RecordOnSandbox, ACertificateForAnotherKeyNeverReplacesAPairThatWorks) {
  synchronise();
  const auto before = certificates();
  add_fault({{"service", "connector"}, {"action", "wrong-key-certificate"}, {"field", signing_field}, {"times", -1}});
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(reaches("ConnectionMaintenanceFailed"));
  EXPECT_TRUE(says("key"));
  EXPECT_EQ((*certificates())["data"], (*before)["data"]);
  ASSERT_TRUE(another_cycle());
  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_TRUE(comes_true([&] { return (*certificates())["data"] != (*before)["data"]; }));
  EXPECT_EQ(wrong_with_credentials(world()), "");
}

TEST_F(RecordOnSandbox, ASecretThatAnotherWriterHasChangedIsReadAgainAndMerged) {
  synchronise();
  // Between the agent's read and its write, each time: the version it has read is out of date.
  sandbox::kube::Fault conflict;
  conflict.verb = "update";
  conflict.resource = "secrets";
  conflict.name = certificates_secret;
  conflict.status = 409;
  conflict.times = 3;
  world().sandbox_server()->faults().add(conflict);
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_TRUE(comes_true([this] { return wrong_with_credentials(world()).empty(); }));
  EXPECT_TRUE(comes_true([this] { return serial_in(data_of(certificates(), "crt")) == world().latest_serial(); }));
}

TEST_F(RecordOnSandbox, AConnectionWithoutStatusIsFilledIn) {
  synchronise();
  auto object = *world().sandbox_server()->object("compassconnections", "", "compass-connection");
  object.erase("status");
  world().sandbox_server()->put_object(object);
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_NE(world().field("/status/connectionStatus/certificateStatus/notAfter"), "");
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(RecordOnSandbox, AConnectionWithoutStatusIsFilledInAfterARestart) {
  synchronise();
  end_agent();
  auto object = *world().sandbox_server()->object("compassconnections", "", "compass-connection");
  object.erase("status");
  world().sandbox_server()->put_object(object);
  start();
  EXPECT_TRUE(reaches("Synchronized"));
  for (const char* field : {"established", "certificateStatus/acquired", "certificateStatus/notAfter"})
    EXPECT_NE(world().field(std::string("/status/connectionStatus/") + field), "") << field;
}

struct SubjectCase {
  const char* name;
  const char* subject;
};

class SubjectsOnSandbox : public EndToEnd, public testing::WithParamInterface<SubjectCase> {};

/// The Connector refuses a CSR whose subject is not exactly the one that it has given.
TEST_P(SubjectsOnSandbox, AreTakenAsTheyAreGiven) {
  auto options = World::fast_options();
  options.connector.subject = GetParam().subject;
  make_world(ClusterKind::sandbox, options);
  synchronise();
  EXPECT_EQ(compass().certificates().size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Each, SubjectsOnSandbox,
    testing::Values(SubjectCase{"EscapedComma", "O=Org\\, Inc,OU=OrgUnit,L=Locality,ST=State,C=DE,CN={runtime}"},
                    SubjectCase{"RepeatedAttribute", "O=Org,OU=One,OU=Two,OU=Three,C=DE,CN={runtime}"},
                    SubjectCase{"EqualsInAValue", "O=Org,OU=a=b=c,C=DE,CN={runtime}"},
                    SubjectCase{"AbsentAttributes", "CN={runtime}"},
                    SubjectCase{"AnotherOrder", "CN={runtime},C=DE,O=Org"},
                    SubjectCase{"Utf8", "O=Größe,OU=Ort,C=DE,CN={runtime}"}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

} // namespace
} // namespace runtime_agent::e2e
