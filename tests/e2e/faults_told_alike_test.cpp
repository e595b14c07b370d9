#include <functional>
#include <regex>

#include <gmock/gmock.h>

#include "tests/e2e/check_fixture.hpp"

/// One fault, three voices: `runtime-agent check`, the CompassConnection and the metrics name the same part and cause,
/// while the agent runs into it.
namespace runtime_agent::e2e {
namespace {

class FaultsToldAlike : public CheckInSandbox {
public:
  /// Gives the access that the table of faults needs.
  World& world_of_fault() { return world(); }
  using CheckInSandbox::add_fault;
  using CheckInSandbox::fresh;
  using CheckInSandbox::give_applications;
  using CheckInSandbox::give_applications_of_one_name;
  using CheckInSandbox::log_in;
  using CheckInSandbox::refuse_writes;
  using CheckInSandbox::variables_;
};

struct FaultToldAlike {
  friend void PrintTo(const FaultToldAlike& fault, std::ostream* out) { *out << fault.name; }

  std::string name;
  bool connected; ///< the fault comes when the agent is synchronised; else before it starts
  std::function<void(FaultsToldAlike&)> inject;
  ExpectedRow row;
  std::string state; ///< of the CompassConnection
  std::vector<std::string> errors;
  std::string metric; ///< expression for a line of /metrics
};

void configure(FaultsToldAlike& test, const World::Values& changes) {
  test.world_of_fault().configure(changes);
}

std::string requests(const std::string& target, const std::string& code) {
  return "http_requests_total\\{target=\"" + target + "\",code=\"" + code + "\"\\} [1-9]";
}
std::string state_is(const std::string& state) {
  return "connection_state\\{state=\"" + state + "\"\\} 1";
}

/// The configuration object is wrong, or what it names is: connecting fails.
FaultToldAlike of_configuration(const std::string& name, const World::Values& changes, const ExpectedRow& row,
                                const std::vector<std::string>& errors, const std::string& metric) {
  return {name,   false, [changes](FaultsToldAlike& test) { configure(test, changes); }, row, "ConnectionFailed",
          errors, metric};
}

FaultToldAlike of_director(const std::string& status, const std::string& remedy) {
  return {"Director" + status,
          true,
          [status](FaultsToldAlike& test) {
            test.add_fault({{"service", "director"}, {"action", "http-" + status}, {"times", -1}});
          },
          {"director", "failed", {"Director", status}, {remedy}},
          "SynchronizationFailed",
          {"Director", status},
          requests("director", status)};
}

std::vector<FaultToldAlike> faults() {
  return {
      of_configuration("MissingKey", {{"TOKEN", std::nullopt}},
                       {"configuration", "failed", {"TOKEN is missing"}, {"TOKEN"}}, {"TOKEN is missing"},
                       state_is("ConnectionFailed")),
      of_configuration("BlankKey", {{"RUNTIME_ID", " \n"}},
                       {"configuration", "failed", {"RUNTIME_ID is blank"}, {"RUNTIME_ID"}}, {"RUNTIME_ID is blank"},
                       state_is("ConnectionFailed")),
      of_configuration("HostWithoutAddress", {{"CONNECTOR_URL", "https://compass.invalid/graphql"}},
                       {"dns", "failed", {"compass.invalid", "has no address"}, {"nslookup"}},
                       {"compass.invalid", "has no address"}, requests("connector", "network")),
      {"NobodyListens",
       false,
       [](auto& test) { // a port that is free now, not when this table was made
         configure(test, {{"CONNECTOR_URL", "https://127.0.0.1:" + std::to_string(free_port()) + "/graphql"}});
       },
       {"reachable", "failed", {"127.0.0.1", "refused"}, {"NetworkPolicies"}},
       "ConnectionFailed",
       {"127.0.0.1", "refused"},
       requests("connector", "network")},
      {"WrongHostName",
       false,
       [](auto& test) {
         auto options = World::fast_options();
         options.certificate_hosts = {"compass.example.com"};
         test.fresh(std::move(options));
         configure(test, {});
       },
       {"tls", "failed", {"certificate is not accepted"}, {"CONNECTOR_URL"}},
       "ConnectionFailed",
       {"certificate is not accepted"},
       requests("connector", "tls")},
      of_configuration("SpentToken", {{"TOKEN", "a-token-that-compass-does-not-know"}},
                       {"token", "failed", {"the token is spent"}, {"new token"}}, {"token", "give a new one"},
                       state_is("ConnectionFailed")),
      {"RevokedCertificate",
       true,
       [](auto& test) { test.world_of_fault().compass().revoke(test.world_of_fault().latest_serial()); },
       {"certificate", "failed", {"refuses the client certificate"}, {"new token"}},
       "ConnectionFailed",
       {"refuses the client certificate", "give a new one"},
       requests("connector", "certificate_refused")},
      {"MissingRight",
       false,
       [](auto& test) {
         configure(test, {});
         test.log_in({{{"get", "list", "watch", "create", "update", "delete"},
                       {"", "compass.kyma-project.io"},
                       {"secrets", "compassconnections", "compassconnections/status"},
                       {},
                       {}},
                      {{"get", "list", "watch", "create", "update"},
                       {"applicationconnector.kyma-project.io"},
                       {"applications"},
                       {},
                       {}},
                      {{"create"}, {"authorization.k8s.io"}, {"selfsubjectaccessreviews"}, {}, {}}});
         // Something that is there and has to go needs the right that is lacking.
         test.world_of_fault().sandbox_server()->put_object(
             {{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
              {"kind", "Application"},
              {"metadata", {{"name", "mp-old"}}},
              {"spec",
               {{"description", "old"},
                {"services", Json::array()},
                {"compassMetadata", {{"applicationId", "old"}, {"authentication", {{"clientIds", Json::array()}}}}}}}});
       },
       {"rights", "failed", {"may not delete Application"}, {"rbac.yaml"}},
       "ResourceApplicationFailed",
       {"mp-old", "forbidden"},
       "missing_right\\{operation=\"delete applications\"\\} 1"},
      of_director("403", "TENANT"),
      of_director("429", "nothing to do here"),
      of_director("500", "the problem is in Compass"),
      {"OneNameForTwo",
       true,
       [](auto& test) { test.give_applications_of_one_name(); },
       {"applications", "failed", {"mp-shop", "id-one", "id-two"}, {"rename it"}},
       "ResourceApplicationFailed",
       {"mp-shop", "id-one", "id-two"},
       "applications\\{state=\"refused\"\\} [1-9]"},
      {"AdmissionWebhook",
       true,
       [](auto& test) {
         test.refuse_writes(403, "admission webhook \"apps.example.com\" denied the request: no", "applications");
         test.give_applications_of_one_name(); // of which one is to be created
       },
       {"admission", "failed", {"Application", "apps.example.com"}, {"exempt"}},
       "ResourceApplicationFailed",
       {"mp-other", "apps.example.com"},
       "applications\\{state=\"failed\"\\} 1"},
      {"Quota",
       true,
       [](auto& test) {
         test.refuse_writes(403, "secrets \"mp-app-0003\" is forbidden: exceeded quota: few, requested: "
                                 "count/secrets=1, used: count/secrets=10, limited: count/secrets=10");
         test.give_applications(3);
       },
       {"quota", "failed", {"exceeded quota: few"}, {"ResourceQuota"}},
       "ResourceApplicationFailed",
       {"mp-app-0003", "exceeded quota: few"},
       "applications\\{state=\"failed\"\\} 1"},
  };
}

class FaultToldAlikeBy : public FaultsToldAlike, public testing::WithParamInterface<FaultToldAlike> {};

TEST_P(FaultToldAlikeBy, CheckConditionAndMetric) {
  const FaultToldAlike& fault = GetParam();
  give_applications(2);
  if (fault.connected) {
    synchronise(variables_);
    fault.inject(*this);
  } else {
    fault.inject(*this);
    world().start(variables_);
  }
  EXPECT_TRUE(reaches(fault.state));
  for (const std::string& word : fault.errors)
    EXPECT_TRUE(comes_true([&] { return world().errors().find(word) != std::string::npos; }))
        << word << " in " << world().errors();
  const auto metrics = [this] { return world().agent().health_body("/metrics"); };
  EXPECT_TRUE(comes_true([&] { return std::regex_search(metrics(), std::regex(fault.metric)); }))
      << fault.metric << " in\n"
      << metrics();
  expect(fault.row);
}

INSTANTIATE_TEST_SUITE_P(Each, FaultToldAlikeBy, testing::ValuesIn(faults()),
                         [](const auto& parameter) { return parameter.param.name; });

} // namespace
} // namespace runtime_agent::e2e
