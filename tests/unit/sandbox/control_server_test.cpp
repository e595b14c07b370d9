#include "tests/sandbox/control_server.hpp"

#include <atomic>

#include <gtest/gtest.h>
#include <httplib.h>

namespace runtime_agent::sandbox {
namespace {

using nlohmann::json;

class ControlPort : public testing::Test {
protected:
  struct Reply {
    int status = 0;
    std::string text;
    json body() const { return json::parse(text, nullptr, false); }
  };
  Reply send(const char* method, const std::string& path, const std::string& body = "") {
    httplib::Client client("127.0.0.1", control.port());
    httplib::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    const auto result = client.send(request);
    return result ? Reply{result->status, result->body} : Reply{};
  }

  Sandbox sandbox;
  std::atomic<int> shutdowns{0};
  ControlServer control{sandbox, 0, [this] { ++shutdowns; }};
};

TEST_F(ControlPort, ExplainsItself) {
  EXPECT_NE(send("GET", "/").text.find("POST   /configuration"), std::string::npos);
}

TEST_F(ControlPort, ReplacesTheDataset) {
  EXPECT_EQ(send("POST", "/dataset", R"({"applications":[{"id":"1","name":"a"}]})").status, 200);
  EXPECT_EQ(send("GET", "/dataset").body()["applications"][0]["name"], "a");
}

TEST_F(ControlPort, GeneratesADataset) {
  EXPECT_EQ(send("POST", "/dataset?applications=7&bundles=2").body()["applications"], 7);
  EXPECT_EQ(sandbox.compass().dataset()["applications"][6]["bundles"].size(), 2u);
}

TEST_F(ControlPort, SaysWhatIsWrongWithADataset) {
  const auto reply = send("POST", "/dataset", "[]");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.body()["error"], "a dataset is a JSON object");
}

TEST_F(ControlPort, IssuesATokenWithoutABody) {
  const auto token = send("POST", "/token").body()["token"];
  EXPECT_EQ(sandbox.compass().tokens().back().value, token);
}

TEST_F(ControlPort, WritesAndRemovesTheConfiguration) {
  EXPECT_EQ(send("POST", "/configuration", R"({"token":"mine"})").status, 200);
  const auto written = sandbox.kubernetes().object("configmaps", "compass-system", "compass-agent-configuration");
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->at("data").at("TOKEN"), "mine");
  EXPECT_EQ(send("DELETE", "/configuration").status, 200);
  EXPECT_FALSE(sandbox.kubernetes().object("configmaps", "compass-system", "compass-agent-configuration").has_value());
}

TEST_F(ControlPort, AddsListsAndRemovesFaultsOfBothSides) {
  EXPECT_EQ(
      send("POST", "/faults",
           R"([{"service":"director","action":"http-503"},{"service":"kubernetes","resource":"secrets","times":-1}])")
          .status,
      200);
  const auto faults = send("GET", "/faults").body();
  EXPECT_EQ(faults["compass"][0]["action"], "http-503");
  EXPECT_EQ(faults["kubernetes"][0]["resource"], "secrets");
  EXPECT_EQ(send("DELETE", "/faults").status, 200);
  EXPECT_TRUE(send("GET", "/faults").body()["kubernetes"].empty());
  EXPECT_TRUE(sandbox.compass().faults().empty());
}

TEST_F(ControlPort, RefusesAFaultThatItDoesNotKnow) {
  EXPECT_EQ(send("POST", "/faults", R"({"action":"nonsense"})").status, 400);
  EXPECT_EQ(send("POST", "/faults", R"({"service":"kubernetes","action":"nonsense"})").status, 400);
}

TEST_F(ControlPort, TellsTheRequestsOfBothSidesAndForgetsThem) {
  ASSERT_TRUE(sandbox.cluster()->get("/api/v1/namespaces").has_value());
  const auto requests = send("GET", "/requests?clear").body();
  EXPECT_TRUE(requests["compass"].is_array());
  EXPECT_FALSE(requests["kubernetes"].empty());
  EXPECT_TRUE(send("GET", "/requests").body()["kubernetes"].empty());
}

TEST_F(ControlPort, SetsTheValidity) {
  EXPECT_EQ(send("PUT", "/validity", R"({"seconds":60})").status, 200);
  EXPECT_EQ(sandbox.compass().connector_settings().certificate_validity, std::chrono::seconds(60));
  EXPECT_EQ(send("PUT", "/validity", R"({"seconds":-1})").status, 400);
}

TEST_F(ControlPort, HasNoCertificateToRevokeAtFirst) {
  EXPECT_EQ(send("POST", "/revoke").status, 404);
}

TEST_F(ControlPort, PassesARequestToEndOn) {
  EXPECT_EQ(send("POST", "/shutdown").status, 200);
  EXPECT_EQ(shutdowns, 1);
}

} // namespace
} // namespace runtime_agent::sandbox
