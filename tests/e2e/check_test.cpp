#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/e2e/check_fixture.hpp"

/// `runtime-agent check` by the real binary: for each fault, which row names the part, the cause and the remedy.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(CheckInSandbox, FindsNothingWrongWhereNothingIs) {
  world().configure();
  connect();
  const auto before = compass().request_count("connector-token");
  const Report report = check();
  ASSERT_TRUE(report.document.is_object()) << report.output;
  EXPECT_EQ(report.code, 0);
  EXPECT_EQ(report.document["good"], true);
  std::set<std::string> passed;
  for (const Json& row : report.document["rows"]) {
    documented(row);
    EXPECT_NE(row["verdict"], "failed") << row;
    if (row["verdict"] == "passed")
      passed.insert(row["id"].get<std::string>());
  }
  EXPECT_THAT(passed, testing::IsSupersetOf({"api-server", "clock", "rights", "definitions", "writes", "configuration",
                                             "reachable", "tls", "certificate", "token", "connector", "director",
                                             "applications", "connection"}));
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_LE(compass().request_count("connector-token"), before + 1); // to see whether it answers
}

TEST_F(CheckInSandbox, ShowsSignsAndRemediesToAPerson) {
  world().configure({{"TOKEN", std::nullopt}});
  const Report report = check({"check"});
  EXPECT_EQ(report.code, 1);
  EXPECT_THAT(report.output, HasSubstr("✓ api-server: "));
  EXPECT_THAT(report.output, HasSubstr("✗ configuration: "));
  EXPECT_THAT(report.output, HasSubstr("‼ certificate: there is none yet"));
  EXPECT_THAT(report.output, HasSubstr("see deploy/CHECKS.md#check-configuration"));
}

TEST_F(CheckInSandbox, ChangesNothing) {
  world().configure();
  server().requests().clear();
  check();
  EXPECT_THAT(server().requests().effective_writes(), IsEmpty());
}

// -- before anything has been connected

TEST_F(CheckInSandbox, NamesAMissingConfigurationObject) {
  expect({"configuration", "failed", {"compass-agent-configuration", "does not exist"}, {"create it"}});
}
TEST_F(CheckInSandbox, NamesAMissingKey) {
  world().configure({{"TOKEN", std::nullopt}});
  expect(
      {"configuration", "failed", {"Secret kyma-system/compass-agent-configuration", "TOKEN is missing"}, {"TOKEN"}});
}
TEST_F(CheckInSandbox, NamesABlankKey) {
  world().configure({{"RUNTIME_ID", " \n"}});
  expect({"configuration", "failed", {"RUNTIME_ID is blank"}, {"RUNTIME_ID"}});
}
TEST_F(CheckInSandbox, NamesAConfigurationObjectThatMayNotBeRead) {
  world().configure();
  log_in({{{"get", "create", "update", "delete"}, {""}, {"secrets"}, {"istio-system"}, {}},
          {{"create"}, {"authorization.k8s.io"}, {"selfsubjectaccessreviews"}, {}, {}}});
  expect({"configuration", "failed", {"compass-agent-configuration", "no permission to read"}, {"Role"}});
}
TEST_F(CheckInSandbox, NamesAHostWithoutAnAddress) {
  world().configure({{"CONNECTOR_URL", "https://compass.invalid/graphql"}});
  expect({"dns", "failed", {"compass.invalid", "has no address"}, {"compass.invalid", "nslookup"}});
}
TEST_F(CheckInSandbox, NamesAPortThatNobodyListensOn) {
  world().configure({{"CONNECTOR_URL", "https://127.0.0.1:" + std::to_string(free_port()) + "/graphql"}});
  expect({"reachable", "failed", {"127.0.0.1", "refused"}, {"NetworkPolicies"}});
}
TEST_F(CheckInSandbox, NamesAnUnknownCertificationAuthority) {
  world().configure();
  const std::string file = (folder_.path() / "other-ca.pem").string();
  std::ofstream(file) << compass().client_ca_pem();
  variables_["SSL_CERT_FILE"] = file;
  expect({"tls", "failed", {"certificate is not accepted"}, {"SSL_CERT_FILE"}});
}
TEST_F(CheckInSandbox, NamesAWrongHostName) {
  auto options = World::fast_options();
  options.certificate_hosts = {"compass.example.com"};
  fresh(std::move(options));
  world().configure();
  expect({"tls", "failed", {"certificate is not accepted", "127.0.0.1"}, {"CONNECTOR_URL"}});
}
TEST_F(CheckInSandbox, SaysAloudThatTlsIsNotVerified) {
  world().configure();
  variables_["APP_SKIP_COMPASS_TLS_VERIFY"] = "true";
  expect({"tls", "warning", {"not verified"}, {"APP_SKIP_COMPASS_TLS_VERIFY"}});
}
TEST_F(CheckInSandbox, NamesAMissingNamespace) {
  world().configure();
  server().remove_object("namespaces", "", "istio-system");
  expect({"namespaces", "failed", {"istio-system", "does not exist"}, {"kubectl create namespace istio-system"}});
}
TEST_F(CheckInSandbox, NamesAMissingDefinition) {
  world().configure();
  server().remove_object("customresourcedefinitions", "", "applications.applicationconnector.kyma-project.io");
  expect({"definitions",
          "failed",
          {"applications.applicationconnector.kyma-project.io", "missing"},
          {"kubectl apply -f deploy/chart/runtime-agent/crds"}});
}
TEST_F(CheckInSandbox, NamesAnApiServerThatIsSlow) {
  world().configure();
  sandbox::kube::Fault fault;
  fault.resource = "selfsubjectaccessreviews";
  fault.action = sandbox::kube::FaultAction::delay;
  fault.delay = 2500ms;
  server().faults().add(fault);
  expect({"api-server", "warning", {"slow"}, {"load"}});
}
TEST_F(CheckInSandbox, NamesAnApiServerThatIsNotThere) {
  server().stop();
  expect({"api-server", "failed", {"refused"}, {"kubeconfig"}});
}
TEST_F(CheckInSandbox, NamesAnApiServerThatTakesNoWrites) {
  world().configure();
  refuse_writes(503, "etcdserver: mvcc: database space exceeded");
  expect({"writes", "failed", {"database space exceeded"}, {"read-only or out of space"}});
}
TEST_F(CheckInSandbox, NamesAnAdmissionWebhookThatRefuses) {
  world().configure();
  refuse_writes(403, "admission webhook \"policy.example.com\" denied the request: not in this cluster");
  expect({"admission", "failed", {"policy.example.com", "not in this cluster"}, {"exempt"}});
}
TEST_F(CheckInSandbox, NamesAnAdmissionWebhookThatRefusesApplications) {
  world().configure();
  refuse_writes(403, "admission webhook \"apps.example.com\" denied the request: no", "applications");
  expect({"admission", "failed", {"Application", "apps.example.com"}, {"exempt"}});
}
TEST_F(CheckInSandbox, NamesAQuotaThatIsExceeded) {
  world().configure();
  refuse_writes(403, "secrets \"runtime-agent-check\" is forbidden: exceeded quota: few, requested: count/secrets=1, "
                     "used: count/secrets=10, limited: count/secrets=10");
  expect({"quota", "failed", {"exceeded quota: few"}, {"ResourceQuota"}});
}
TEST_F(CheckInSandbox, NamesAClockThatIsWrong) {
  world().configure();
  server().set_clock_offset(10min);
  expect({"clock", "failed", {"behind the API server's"}, {"NTP"}});
}
TEST_F(CheckInSandbox, NamesALeaseThatAnotherProgramHolds) {
  world().configure();
  server().put_object(
      {{"apiVersion", "coordination.k8s.io/v1"},
       {"kind", "Lease"},
       {"metadata", {{"name", "runtime-agent"}, {"namespace", "kyma-system"}}},
       {"spec",
        {{"holderIdentity", "intruder"}, {"leaseDurationSeconds", 15}, {"renewTime", "2199-01-01T00:00:00.000000Z"}}}});
  expect({"lease", "failed", {"held by intruder"}, {"kubectl -n kyma-system delete lease runtime-agent"}});
}

struct NeededRight {
  std::string verb, group, resource, namespace_, name;
};

/// What the agent cannot do without, in this environment.
std::vector<NeededRight> needed_rights() {
  std::vector<NeededRight> rights;
  const auto add = [&](const std::string& verbs, const NeededRight& right) {
    std::istringstream words(verbs);
    for (std::string verb; words >> verb;) {
      rights.push_back(right);
      rights.back().verb = verb;
    }
  };
  add("get create update", {"", "compass.kyma-project.io", "compassconnections", "", ""});
  add("get list create update delete", {"", "applicationconnector.kyma-project.io", "applications", "", ""});
  add("get create update delete", {"", "", "secrets", "kyma-system", ""});
  add("create", {"", "", "secrets", "istio-system", ""});
  add("get update", {"", "", "secrets", "istio-system", "kyma-gateway-certs-cacert"});
  return rights;
}

TEST_F(CheckInSandbox, NamesEachRightThatIsLacking) {
  world().configure();
  const auto rights = needed_rights();
  for (std::size_t lacking = 0; lacking < rights.size(); ++lacking) {
    std::vector<sandbox::kube::Rule> rules = {
        {{"create"}, {"authorization.k8s.io"}, {"selfsubjectaccessreviews"}, {}, {}}};
    for (std::size_t i = 0; i < rights.size(); ++i) {
      const NeededRight& right = rights[i];
      if (i == lacking)
        continue;
      sandbox::kube::Rule rule{{right.verb}, {right.group}, {right.resource}, {}, {}};
      if (!right.namespace_.empty())
        rule.namespaces = {right.namespace_};
      if (!right.name.empty())
        rule.names = {right.name};
      rules.push_back(rule);
    }
    log_in(rules);
    const NeededRight& right = rights[lacking];
    SCOPED_TRACE(right.verb + " " + right.resource + " " + right.namespace_ + " " + right.name);
    const std::string kind = right.resource == "secrets"        ? "Secret"
                             : right.resource == "applications" ? "Application"
                                                                : "CompassConnection";
    expect({"rights", "failed", {"may not " + right.verb + " " + kind, right.namespace_, right.name}, {"rbac.yaml"}});
  }
}

TEST_F(CheckInSandbox, TellsOfRightsThatWouldBeOfUse) {
  world().configure();
  log_in(sandbox::kube::todays_rights({"compass-system", "kyma-system", "istio-system"}));
  expect({"rights", "warning", {"may not watch Applications"}, {"rbac.yaml"}});
  expect({"rights", "warning", {"may not watch Secret kyma-system/cluster-client-certificates"}, {"rbac.yaml"}});
  expect({"rights", "warning", {"may not get Lease kyma-system/runtime-agent"}, {"rbac.yaml"}});
}

// -- with an agent that has run

TEST_F(CheckInSandbox, NamesASpentTokenWithoutSendingIt) {
  world().configure({{"TOKEN", "a-token-that-compass-does-not-know"}});
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ConnectionFailed"));
  end_agent();
  const auto sent = compass().request_count("connector-token", "configuration");
  expect({"token", "failed", {"the token is spent"}, {"new token", "compass-agent-configuration"}});
  EXPECT_EQ(compass().request_count("connector-token", "configuration"), sent);
}
TEST_F(CheckInSandbox, NamesACertificateThatHasExpired) {
  compass().set_certificate_validity(4s);
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(
      comes_true([this] { return !world().field("/status/connectionStatus/certificateStatus/notAfter").empty(); }));
  world().agent().signal(SIGKILL); // no renewal any more
  std::optional<Report> report;
  ASSERT_TRUE(eventually(60s, [&] { // until it has
    report = check();
    return report->output.find("expired") != std::string::npos || report->code != 0;
  }));
  expect({"certificate", "failed", {"expired"}, {"new token"}});
}
TEST_F(CheckInSandbox, NamesACertificateThatIsRevoked) {
  world().configure();
  connect();
  ASSERT_TRUE(compass().revoke(world().latest_serial()));
  expect({"certificate", "failed", {"refuses the client certificate"}, {"revoked", "new token"}});
}
struct RealRefusal {
  const char* service;
  const char* action;
  const char* said;
};
class CheckOfARealRefusal : public CheckInSandbox, public testing::WithParamInterface<RealRefusal> {};

/// In the forms of contract 2.2.
TEST_P(CheckOfARealRefusal, SendsForAFreshToken) {
  world().configure();
  connect();
  add_fault({{"service", GetParam().service}, {"action", GetParam().action}, {"times", -1}});
  expect({"certificate",
          "failed",
          {"Compass refuses this certificate (revoked, or the Runtime was unregistered)", GetParam().said},
          {"new token"}});
}

INSTANTIATE_TEST_SUITE_P(Each, CheckOfARealRefusal,
                         testing::Values(RealRefusal{"connector", "invalid-subject", "Invalid subject"},
                                         RealRefusal{"connector", "consumer-type-not-found", "consumer type not found"},
                                         RealRefusal{"connector", "empty-400", "400"},
                                         RealRefusal{"director", "no-scopes", "is TENANT"},
                                         RealRefusal{"director", "runtime-not-found", "is RUNTIME_ID"},
                                         RealRefusal{"director", "tenant-not-found", "is TENANT"}),
                         [](const auto& parameter) {
                           std::string name = std::string(parameter.param.service) + parameter.param.action;
                           name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                           return name;
                         });

TEST_F(CheckInSandbox, NamesTwoApplicationsWithOneName) {
  give_applications_of_one_name();
  world().configure();
  world().start(world().quick_environment());
  ASSERT_TRUE(reaches("ResourceApplicationFailed"));
  end_agent();
  expect({"applications", "failed", {"mp-shop", "id-one", "id-two"}, {"rename it"}});
  expect({"connection", "failed", {"ResourceApplicationFailed", "mp-shop"}, {"names each Application"}});
}

struct DirectorFault {
  const char* action;
  const char* cause;
  const char* remedy;
};

class CheckOfDirectorInSandbox : public CheckInSandbox, public testing::WithParamInterface<DirectorFault> {};

TEST_P(CheckOfDirectorInSandbox, NamesIt) {
  world().configure();
  connect();
  add_fault({{"service", "director"}, {"action", GetParam().action}, {"times", -1}});
  expect({"director", "failed", {"Director", GetParam().cause}, {GetParam().remedy}});
}

INSTANTIATE_TEST_SUITE_P(Each, CheckOfDirectorInSandbox,
                         testing::Values(DirectorFault{"http-403", "403", "TENANT"},
                                         DirectorFault{"http-429", "429", "nothing to do here"},
                                         DirectorFault{"http-500", "500", "the problem is in Compass"}),
                         [](const auto& parameter) { return std::string(parameter.param.action).substr(5); });

} // namespace
} // namespace runtime_agent::e2e
