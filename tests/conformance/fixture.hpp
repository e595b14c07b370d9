#pragma once

#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sandbox/kubernetes/server.hpp"
#include "tests/sandbox/kubernetes/wire_client.hpp"

namespace runtime_agent::conformance {

using Json = nlohmann::json;
using sandbox::WireClient;
using Response = sandbox::Response;

constexpr auto applications = "/apis/applicationconnector.kyma-project.io/v1alpha1/applications";
constexpr auto connections = "/apis/compass.kyma-project.io/v1alpha1/compassconnections";
constexpr auto secrets = "/api/v1/namespaces/compass-system/secrets";
constexpr auto config_maps = "/api/v1/namespaces/compass-system/configmaps";
constexpr auto leases = "/apis/coordination.k8s.io/v1/namespaces/compass-system/leases";

/// The same assertions on the sandbox, started here, and on the real API server whose kubeconfig
/// RUNTIME_AGENT_CLUSTER_KUBECONFIG names (tests/cluster/cluster.sh up gives one).
class KubernetesApi : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    if (GetParam() == "sandbox") {
      server_ = std::make_unique<sandbox::KubernetesServer>();
      server_->start();
      cluster_ = std::make_unique<WireClient>(server_->url(), server_->ca_pem(), server_->admin_token());
    } else {
      cluster_ =
          std::make_unique<WireClient>(WireClient::from_kubeconfig(std::getenv("RUNTIME_AGENT_CLUSTER_KUBECONFIG")));
    }
    prefix_ = "conformance-" + std::to_string(std::random_device{}());
  }

  void TearDown() override {
    for (const auto& path : created_) {
      const auto found = cluster().get(path);
      if (found.status != 200)
        continue;
      if (found.body["metadata"].contains("finalizers"))
        cluster().request("PATCH", path, Json{{"metadata", {{"finalizers", nullptr}}}}, "application/merge-patch+json");
      cluster().remove(path);
    }
  }

  const WireClient& cluster() const { return *cluster_; }
  WireClient& cluster() { return *cluster_; }
  /// A name that nobody else has.
  std::string name(const std::string& suffix = "a") const { return prefix_ + "-" + suffix; }
  /// Removed at the end of the test.
  std::string at(const std::string& collection, const std::string& object_name) {
    created_.push_back(collection + "/" + object_name);
    return created_.back();
  }

  Json application(const std::string& object_name, Json spec = Json::object()) const {
    return {{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
            {"kind", "Application"},
            {"metadata", {{"name", object_name}}},
            {"spec", std::move(spec)}};
  }
  Json secret(const std::string& object_name, Json data = Json::object()) const {
    return {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", object_name}}}, {"data", std::move(data)}};
  }
  /// Creates it and returns it as the server made it.
  Json create(const std::string& collection, const Json& object) {
    at(collection, object["metadata"]["name"].get<std::string>());
    const auto response = cluster().post(collection, object);
    EXPECT_EQ(response.status, 201) << response.text;
    return response.body;
  }

  static void expect_status(const Response& response, int code, const std::string& reason) {
    EXPECT_EQ(response.status, code) << response.text;
    ASSERT_TRUE(response.body.is_object()) << response.text;
    EXPECT_EQ(response.body["kind"], "Status");
    EXPECT_EQ(response.body["status"], "Failure");
    EXPECT_EQ(response.body["code"], code);
    EXPECT_EQ(response.body.value("reason", ""), reason) << response.text;
  }
  static std::vector<std::string> causes(const Response& response) {
    std::vector<std::string> fields;
    for (const auto& cause : response.body.value(Json::json_pointer("/details/causes"), Json::array()))
      fields.push_back(cause["field"].get<std::string>());
    return fields;
  }
  static std::string message(const Response& response) { return response.body.value("message", ""); }

private:
  std::unique_ptr<sandbox::KubernetesServer> server_;
  std::unique_ptr<WireClient> cluster_;
  std::string prefix_;
  std::vector<std::string> created_;
};

} // namespace runtime_agent::conformance
