#include <future>

#include <gtest/gtest.h>

#include "tests/unit/sandbox_compass/compass_client.hpp"

namespace runtime_agent::sandbox {
namespace {

const char* const labels_query = "query ($id: ID!) { runtime(id: $id) { labels } }";

class Faults : public testing::Test {
protected:
  void add(const nlohmann::json& fault) {
    const auto parsed = compass::fault_from_json(fault);
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    server.add_fault(*parsed);
  }
  Reply ask() { return client.post(labels_query, {{"id", server.runtime_id()}}, tenant_header(server)); }

  CompassServer server;
  TestIdentity identity = pair(server);
  CompassClient client{server, server.director_url(), &identity};
};

TEST_F(Faults, StrikeAfterTheSkippedOnesAndAsOftenAsAskedFor) {
  add({{"service", "director"}, {"field", "runtime"}, {"action", "http-500"}, {"skip", 1}, {"times", 2}});
  std::vector<int> statuses;
  for (int i = 0; i < 4; ++i)
    statuses.push_back(ask().status);
  EXPECT_EQ(statuses, (std::vector<int>{200, 500, 500, 200}));
}

TEST_F(Faults, LeaveOtherFieldsAlone) {
  add({{"service", "director"}, {"field", "applicationsForRuntime"}, {"action", "http-500"}, {"times", -1}});
  EXPECT_EQ(ask().status, 200);
}

TEST_F(Faults, CarryRetryAfter) {
  add({{"action", "http-429"}, {"retryAfter", 40}});
  const auto reply = ask();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.headers.find("Retry-After")->second, "40");
  EXPECT_EQ(reply.headers.find("Content-Type")->second, "text/html");
}

TEST_F(Faults, AnswerWithAPageWhereJsonIsExpected) {
  add({{"action", "html"}});
  const auto reply = ask();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body.rfind("<html>", 0), 0u);
}

TEST_F(Faults, AnswerWithNothing) {
  add({{"action", "empty"}});
  const auto reply = ask();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
}

TEST_F(Faults, TruncateTheJson) {
  add({{"action", "truncated"}});
  const auto reply = ask();
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.json().is_discarded());
}

TEST_F(Faults, EndTheConnectionInTheMiddleOfTheAnswer) {
  add({{"action", "cut"}});
  EXPECT_EQ(ask().status, 0);
  EXPECT_EQ(ask().status, 200);
}

TEST_F(Faults, ResetTheConnection) {
  add({{"action", "reset"}});
  EXPECT_EQ(ask().status, 0);
  EXPECT_EQ(ask().status, 200);
}

TEST_F(Faults, AddErrorsToPartialData) {
  add({{"action", "errors-partial"}, {"text", "half of it"}, {"errorCode", 20}});
  const auto reply = ask();
  EXPECT_TRUE(reply.data("runtime").is_object());
  EXPECT_EQ(reply.message(), "half of it");
  EXPECT_EQ(reply.json()["errors"][0]["extensions"]["error"], "NotFound");
}

TEST_F(Faults, AnswerWithErrorsAlone) {
  add({{"action", "errors"}});
  EXPECT_TRUE(ask().json()["data"].is_null());
}

TEST_F(Faults, StrikeOneCertificateWhereTheyNameIt) {
  add({{"action", "empty-400"}, {"serial", "another"}, {"times", -1}});
  EXPECT_EQ(ask().status, 200);
  add({{"action", "empty-400"}, {"serial", server.certificates().back().serial}, {"times", -1}});
  EXPECT_EQ(ask().status, 400);
}

/// The bodies of contract 2.2.
TEST_F(Faults, RefuseAsTheRealDirectorDoes) {
  add({{"service", "director"}, {"action", "no-scopes"}});
  EXPECT_EQ(ask().json(), nlohmann::json::parse(R"({"errors":[{"message":"insufficient scopes provided [actual=; )"
                                                R"(required=runtime:read]","path":["runtime"],"extensions":)"
                                                R"({"error":"InsufficientScopes","error_code":23}}],)"
                                                R"("data":{"runtime":null}})"));
  add({{"service", "director"}, {"action", "runtime-not-found"}});
  EXPECT_EQ(ask().json()["errors"][0]["extensions"]["error_code"], 20);
  add({{"service", "director"}, {"action", "tenant-not-found"}});
  const auto tenant = ask();
  EXPECT_EQ(tenant.status, 400);
  EXPECT_EQ(tenant.json()["errors"][0]["extensions"]["error_code"], 25);
  add({{"service", "director"}, {"action", "left-scenario"}});
  const auto left = ask();
  EXPECT_EQ(left.json()["errors"][0]["extensions"]["error_code"], 27);
  EXPECT_TRUE(left.data("runtime").is_object()) << "beside the data";
  add({{"service", "director"}, {"action", "empty-400"}});
  const auto empty = ask();
  EXPECT_EQ(empty.status, 400);
  EXPECT_EQ(empty.body, "");
}

TEST_F(Faults, RefuseAsTheRealConnectorDoes) {
  CompassClient connector(server, server.connector_url(), &identity);
  for (const char* action : {"invalid-subject", "consumer-type-not-found"}) {
    add({{"service", "connector"}, {"action", action}});
    const auto reply = connector.post(configuration_query);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.json()["data"].is_null());
    EXPECT_FALSE(reply.json()["errors"][0].contains("extensions")) << reply.body;
    EXPECT_EQ(reply.json()["errors"][0]["path"], nlohmann::json::array({"configuration"}));
    EXPECT_NE(reply.message().find("Failed to authenticate request"), std::string::npos);
  }
}

TEST_F(Faults, PutNullWhereTheSchemaForbidsIt) {
  add({{"action", "null"}, {"path", "/runtime/labels"}});
  EXPECT_EQ(ask().json(), (nlohmann::json{{"data", {{"runtime", {{"labels", nullptr}}}}}}));
  add({{"action", "null"}});
  EXPECT_EQ(ask().json(), (nlohmann::json{{"data", {{"runtime", nullptr}}}}));
}

TEST_F(Faults, AnswerWithTooMuch) {
  add({{"action", "oversized"}, {"bytes", 3000000}});
  EXPECT_GT(ask().body.size(), 3000000u);
}

TEST_F(Faults, HangUntilReleased) {
  add({{"action", "hang"}});
  auto reply = std::async(std::launch::async, [&] { return ask(); });
  while (server.faults().front().applied == 0)
    std::this_thread::yield();
  EXPECT_EQ(reply.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  server.release_hanging();
  EXPECT_EQ(reply.get().status, 0);
}

TEST_F(Faults, DoNotHoldUpTheEnd) {
  add({{"action", "hang"}});
  auto reply = std::async(std::launch::async, [&] { return ask(); });
  while (server.faults().front().applied == 0)
    std::this_thread::yield();
  const auto started = std::chrono::steady_clock::now();
  server.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(2));
  EXPECT_EQ(reply.get().status, 0);
}

TEST_F(Faults, TrickleTheAnswer) {
  add({{"action", "trickle"}, {"delay", 1}});
  EXPECT_TRUE(ask().data("runtime").is_object());
}

TEST_F(Faults, DelayTheAnswer) {
  add({{"action", "delay"}, {"delay", 60}});
  const auto started = std::chrono::steady_clock::now();
  EXPECT_EQ(ask().status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(60));
}

TEST_F(Faults, CarryOutTheMutationWhoseAnswerIsLost) {
  add({{"field", "setRuntimeLabel"}, {"action", "reset"}});
  const char* const mutation = "mutation ($id: ID!) { setRuntimeLabel(runtimeID: $id, key: \"k\", value: 1) { key } }";
  EXPECT_EQ(client.post(mutation, {{"id", server.runtime_id()}}, tenant_header(server)).status, 0);
  EXPECT_EQ(server.runtime_labels(), (nlohmann::json{{"k", 1}}));
}

TEST_F(Faults, LeaveTheMutationOutWhereTheyStrikeBefore) {
  add({{"field", "setRuntimeLabel"}, {"action", "http-502"}, {"when", "before"}});
  const char* const mutation = "mutation ($id: ID!) { setRuntimeLabel(runtimeID: $id, key: \"k\", value: 1) { key } }";
  EXPECT_EQ(client.post(mutation, {{"id", server.runtime_id()}}, tenant_header(server)).status, 502);
  EXPECT_EQ(server.runtime_labels(), nlohmann::json::object());
}

TEST_F(Faults, RefuseTheClientCertificateInTheHandshake) {
  ASSERT_EQ(ask().status, 200);
  add({{"service", "director"}, {"action", "alert"}, {"times", -1}});
  EXPECT_EQ(ask().status, 0);
  server.clear_faults();
  EXPECT_EQ(ask().status, 200);
}

TEST_F(Faults, ReturnACertificateForAnotherKey) {
  add({{"field", "signCertificateSigningRequest"}, {"action", "wrong-key-certificate"}});
  const auto other = pair(server);
  EXPECT_NE(X509_check_private_key(other.certificate.get(), test_key()), 1);
}

TEST_F(Faults, OfferAMalformedSubject) {
  add({{"field", "configuration"}, {"action", "malformed-subject"}, {"text", "O=Org,CN"}});
  const auto configuration = ask_configuration(server, server.issue_token()).data("configuration");
  EXPECT_EQ(configuration["certificateSigningRequestInfo"]["subject"], "O=Org,CN");
}

TEST_F(Faults, LeaveTheUrlsOut) {
  add({{"field", "configuration"}, {"action", "missing-urls"}});
  const auto configuration = ask_configuration(server, server.issue_token()).data("configuration");
  EXPECT_TRUE(configuration["managementPlaneInfo"]["directorURL"].is_null());
}

TEST_F(Faults, ReturnGarbageInsteadOfBase64) {
  add({{"field", "signCertificateSigningRequest"}, {"action", "garbage-base64"}});
  const auto subject = compass::parse_subject("O=Org,OU=OrgUnit,L=Locality,ST=State,C=DE,CN=" + server.runtime_id());
  const auto reply = ask_signature(server, server.issue_token(), make_csr(subject.value()));
  EXPECT_EQ(reply.data("signCertificateSigningRequest")["clientCertificate"], "%%%");
}

TEST(FaultText, IsRefusedWithWhatWouldBeRight) {
  EXPECT_EQ(compass::fault_from_json({{"action", "nonsense"}}).error(), "unknown action \"nonsense\"");
  EXPECT_NE(compass::fault_from_json({{"action", "reset"}, {"service", "x"}}).error().find("connector-token"),
            std::string::npos);
  EXPECT_FALSE(compass::fault_from_json({{"action", "http-99"}}).has_value());
  EXPECT_FALSE(compass::fault_from_json({{"action", "reset"}, {"tmies", 1}}).has_value());
}

} // namespace
} // namespace runtime_agent::sandbox
