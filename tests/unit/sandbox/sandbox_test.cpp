#include "tests/sandbox/sandbox.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace runtime_agent::sandbox {
namespace {

using nlohmann::json;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

json configuration(Sandbox& sandbox) {
  return sandbox.kubernetes()
      .object("configmaps", "compass-system", "compass-agent-configuration")
      .value_or(json::object())
      .value("data", json::object());
}

TEST(Sandbox, WritesTheConfigurationWithAGoodToken) {
  Sandbox sandbox;
  const auto data = configuration(sandbox);
  EXPECT_EQ(data["CONNECTOR_URL"], sandbox.compass().token_connector_url());
  EXPECT_EQ(data["RUNTIME_ID"], sandbox.compass().runtime_id());
  EXPECT_EQ(data["TENANT"], sandbox.compass().tenant());
  EXPECT_EQ(data["TOKEN"], sandbox.compass().tokens().at(0).value);
}

TEST(Sandbox, WritesASecretWhereToldTo) {
  SandboxOptions options;
  options.configuration = {ConfigurationObject::Kind::secret, "kyma-system", "compass-agent-configuration"};
  Sandbox sandbox(options);
  const auto secret = sandbox.kubernetes().object("secrets", "kyma-system", "compass-agent-configuration");
  ASSERT_TRUE(secret.has_value());
  EXPECT_EQ(secret->at("data").size(), 4u);
  EXPECT_EQ(sandbox.environment().at("APP_AGENT_CONFIGURATION_SECRET"), "kyma-system/compass-agent-configuration");
}

TEST(Sandbox, ReplacesTheTokenAndLeavesOutWhatIsNull) {
  Sandbox sandbox;
  ASSERT_TRUE(sandbox.write_configuration({{"token", "wrong"}, {"tenant", nullptr}}));
  const auto data = configuration(sandbox);
  EXPECT_EQ(data["TOKEN"], "wrong");
  EXPECT_FALSE(data.contains("TENANT"));
}

TEST(Sandbox, LeavesTheLogOfRequestsToTheAgent) {
  Sandbox sandbox;
  ASSERT_TRUE(sandbox.write_configuration());
  EXPECT_EQ(sandbox.kubernetes().requests().count(), 0u);
}

TEST(Sandbox, WritesTheConfigurationWhateverFaultsTheClusterHas) {
  Sandbox sandbox;
  ASSERT_TRUE(sandbox.embedded_cluster()->add_fault({{"resource", "configmaps"}, {"times", -1}}).has_value());
  ASSERT_TRUE(sandbox.write_configuration({{"token", "fresh"}}));
  EXPECT_EQ(configuration(sandbox)["TOKEN"], "fresh");
}

TEST(Sandbox, RemovesTheConfiguration) {
  Sandbox sandbox;
  ASSERT_TRUE(sandbox.remove_configuration());
  EXPECT_TRUE(configuration(sandbox).empty());
}

TEST(Sandbox, GivesFilesThatGoWithIt) {
  std::filesystem::path folder;
  {
    Sandbox sandbox;
    folder = sandbox.directory();
    const auto environment = sandbox.environment();
    EXPECT_EQ(content(environment.at("SSL_CERT_FILE")), sandbox.compass().server_ca_pem());
    EXPECT_TRUE(read_kubeconfig(environment.at("KUBECONFIG")).has_value());
    EXPECT_NE(content(folder / "agent.env").find("SSL_CERT_FILE="), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(Sandbox, LetsTheAgentInWithItsRightsOnly) {
  SandboxOptions options;
  options.agent_rights = kube::todays_rights({"compass-system"});
  Sandbox sandbox(options);
  const auto access = read_kubeconfig(sandbox.environment().at("KUBECONFIG"));
  ASSERT_TRUE(access.has_value()) << access.error();
  const ClusterClient agent(*access);
  EXPECT_TRUE(agent.get("/apis/applicationconnector.kyma-project.io/v1alpha1/applications").has_value());
  EXPECT_FALSE(agent.get("/api/v1/namespaces").has_value());
}

TEST(Sandbox, WorksOnAClusterThatIsGiven) {
  Sandbox owner;
  SandboxOptions options;
  options.cluster = SandboxOptions::Cluster::external;
  options.kubeconfig = owner.directory() / "kubeconfig";
  options.configuration.namespace_ = "another";
  Sandbox guest(options);
  const auto written = owner.kubernetes().object("configmaps", "another", "compass-agent-configuration");
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->at("data").at("CONNECTOR_URL"), guest.compass().token_connector_url());
}

TEST(Sandbox, SaysWhatIsWrongWithAKubeconfig) {
  SandboxOptions options;
  options.cluster = SandboxOptions::Cluster::external;
  options.kubeconfig = "/nowhere/kubeconfig";
  try {
    Sandbox sandbox(options);
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/kubeconfig"), std::string::npos);
  }
}

TEST(Sandbox, DoesWithoutACluster) {
  SandboxOptions options;
  options.cluster = SandboxOptions::Cluster::none;
  Sandbox sandbox(options);
  EXPECT_EQ(sandbox.environment().count("KUBECONFIG"), 0u);
  EXPECT_FALSE(sandbox.write_configuration().has_value());
}

TEST(ExportLines, QuoteForAShell) {
  EXPECT_EQ(export_lines({{"A", "it's"}}), "export A='it'\\''s'\n");
}

} // namespace
} // namespace runtime_agent::sandbox
