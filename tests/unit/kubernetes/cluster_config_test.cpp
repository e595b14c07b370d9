#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;

/// The smallest kubeconfig: one context, one cluster, one user with these keys.
std::string small(const std::string& user = "token: abc", const std::string& cluster = "server: https://one:6443") {
  return fmt::format(R"(apiVersion: v1
kind: Config
current-context: main
contexts: [{{name: main, context: {{cluster: one, user: me}}}}]
clusters: [{{name: one, cluster: {{{}}}}}]
users: [{{name: me, user: {{{}}}}}]
)",
                     cluster, user);
}

Result<ClusterConfig> load(const TemporaryFolder& folder, const std::string& text) {
  return load_cluster_config(folder.file("config", text).string(), environment({}));
}

/// The Failure's sentence; "loaded" where there is none.
std::string complaint(const std::string& text) {
  const TemporaryFolder folder;
  const auto config = load(folder, text);
  return config ? "loaded" : config.error().text();
}

std::map<std::string, std::string> in_pod(const std::string& host) {
  return {{"KUBERNETES_SERVICE_HOST", host}, {"KUBERNETES_SERVICE_PORT", "443"}};
}

TEST(InCluster, TakesAddressTokenCaAndNamespaceOfThePod) {
  const TemporaryFolder folder;
  folder.file("token", "abc\n");
  folder.file("ca.crt", "PEM");
  folder.file("namespace", "kyma-system\n");
  const auto config = load_cluster_config("", environment(in_pod("10.0.0.1"), folder.path()));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://10.0.0.1:443");
  EXPECT_EQ(config->token.file, folder.path() / "token");
  EXPECT_EQ(config->ca.file, folder.path() / "ca.crt");
  EXPECT_EQ(config->namespace_, "kyma-system");
  EXPECT_TRUE(config->in_cluster);
}

TEST(InCluster, PutsBracketsAroundAnIpv6Address) {
  const TemporaryFolder folder;
  folder.file("token", "abc");
  folder.file("ca.crt", "PEM");
  const auto config = load_cluster_config("", environment(in_pod("fd00::1"), folder.path()));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->namespace_, "default");
}

TEST(InCluster, SaysWhichFileIsMissing) {
  const TemporaryFolder folder;
  folder.file("ca.crt", "PEM");
  const auto config = load_cluster_config("", environment(in_pod("10.0.0.1"), folder.path()));
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().kind, FailureKind::configuration);
  EXPECT_NE(config.error().where.find("/token"), std::string::npos);
  EXPECT_NE(config.error().next.find("ServiceAccount"), std::string::npos);
}

TEST(InCluster, SaysThatAPortIsNone) {
  const TemporaryFolder folder;
  auto variables = in_pod("10.0.0.1");
  variables["KUBERNETES_SERVICE_PORT"] = "https";
  const auto config = load_cluster_config("", environment(variables, folder.path()));
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().text().find("KUBERNETES_SERVICE_PORT=https"), std::string::npos);
}

TEST(Choice, TheCommandLinesFileGoesBeforeEverything) {
  const TemporaryFolder folder;
  const auto given = folder.file("given", small("token: abc", "server: https://given")).string();
  const auto other = folder.file("other", small()).string();
  const auto config = load_cluster_config(given, environment({{"KUBECONFIG", other}}));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://given");
}

TEST(Choice, KubeconfigGoesBeforeThePod) {
  const TemporaryFolder folder;
  auto variables = in_pod("10.0.0.1");
  variables["KUBECONFIG"] = folder.file("config", small()).string();
  const auto config = load_cluster_config("", environment(variables, folder.path()));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://one:6443");
}

TEST(Choice, ThePodGoesBeforeTheHomeFolder) {
  const TemporaryFolder folder;
  folder.file("token", "abc");
  folder.file("ca.crt", "PEM");
  folder.file(".kube/config", small());
  auto variables = in_pod("10.0.0.1");
  variables["HOME"] = folder.path().string();
  const auto config = load_cluster_config("", environment(variables, folder.path()));
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->in_cluster);
}

TEST(Choice, TheHomeFolderComesLast) {
  const TemporaryFolder folder;
  folder.file(".kube/config", small());
  const auto config = load_cluster_config("", environment({{"HOME", folder.path().string()}}));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->server, "https://one:6443");
}

TEST(Choice, SaysWhereItLookedWhereThereIsNothing) {
  const auto config = load_cluster_config("", environment({{"HOME", "/nonexistent"}}));
  ASSERT_FALSE(config);
  for (const char* place : {"--kubeconfig", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", "/nonexistent/.kube/config"})
    EXPECT_NE(config.error().what.find(place), std::string::npos) << config.error().what;
}

TEST(Choice, ANamedFileMustExist) {
  const auto config = load_cluster_config("/nonexistent/config", environment({}));
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().text().find("/nonexistent/config"), std::string::npos);
}

TEST(Kubeconfig, TheFirstFileThatSaysSomethingWins) {
  const TemporaryFolder folder;
  const auto first = folder.file("first", R"(clusters: [{name: one, cluster: {server: "https://first"}}])");
  const auto second = folder.file("second", small());
  const auto config =
      load_cluster_config("", environment({{"KUBECONFIG", first.string() + "::/nonexistent:" + second.string()}}));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://first");
  EXPECT_EQ(config->token.data, Secret("abc"));
}

TEST(Kubeconfig, TheFirstCurrentContextWins) {
  const TemporaryFolder folder;
  const auto first = folder.file("first", R"(current-context: other
contexts: [{name: other, context: {cluster: one, user: me, namespace: elsewhere}}])");
  const auto second = folder.file("second", small());
  const auto config = load_cluster_config("", environment({{"KUBECONFIG", first.string() + ":" + second.string()}}));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->namespace_, "elsewhere");
}

TEST(Kubeconfig, AnotherContextCanBeAskedFor) {
  const TemporaryFolder folder;
  const auto file = folder.file("config", small());
  const auto config = load_cluster_config(file.string(), environment({}), "absent");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().text().find("contexts has no entry 'absent'"), std::string::npos);
}

TEST(Kubeconfig, RelativePathsAreTheFilesFolders) {
  const TemporaryFolder folder;
  const auto config = load(folder, small("client-certificate: pki/me.crt, client-key: pki/me.key, tokenFile: ../token",
                                         "server: https://one, certificate-authority: pki/ca.crt"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->ca.file, folder.path() / "pki/ca.crt");
  EXPECT_EQ(config->client_certificate.file, folder.path() / "pki/me.crt");
  EXPECT_EQ(config->client_key.file, folder.path() / "pki/me.key");
  EXPECT_EQ(config->token.file, folder.path() / "../token");
}

TEST(Kubeconfig, DataGoesBeforeFiles) {
  const TemporaryFolder folder;
  const auto config = load(folder, small("token: abc", "server: https://one, certificate-authority: /x, "
                                                       "certificate-authority-data: UEVN"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ca.data, Secret("PEM"));
  EXPECT_TRUE(config->ca.file.empty());
}

TEST(Kubeconfig, ReadsTheClustersOtherKeys) {
  const TemporaryFolder folder;
  const auto config =
      load(folder, small("username: me, password: hunter2",
                         "server: https://one/prefix/, insecure-skip-tls-verify: true, tls-server-name: api.example, "
                         "proxy-url: 'http://proxy:3128'"));
  ASSERT_TRUE(config) << config.error().text();
  EXPECT_EQ(config->server, "https://one/prefix");
  EXPECT_TRUE(config->insecure_skip_tls_verify);
  EXPECT_EQ(config->tls_server_name, "api.example");
  EXPECT_EQ(config->proxy_url, "http://proxy:3128");
  EXPECT_EQ(config->username, "me");
  EXPECT_EQ(config->password, Secret("hunter2"));
}

TEST(Kubeconfig, ReadsAnExecPlugin) {
  const TemporaryFolder folder;
  const auto config = load(folder, small(R"(exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./login,
      args: [get-token, --oidc-issuer-url=https://kyma], env: [{name: A, value: b}], installHint: "get it",
      provideClusterInfo: true, interactiveMode: IfAvailable})"));
  ASSERT_TRUE(config) << config.error().text();
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->command, (folder.path() / "./login").string());
  EXPECT_EQ(config->exec->arguments, (std::vector<std::string>{"get-token", "--oidc-issuer-url=https://kyma"}));
  EXPECT_EQ(config->exec->environment.at(0), (std::pair<std::string, std::string>{"A", "b"}));
  EXPECT_EQ(config->exec->install_hint, "get it");
  EXPECT_TRUE(config->exec->provide_cluster_info);
  EXPECT_FALSE(config->exec->needs_terminal);
}

TEST(Kubeconfig, ABareCommandIsSearchedInThePath) {
  const TemporaryFolder folder;
  const auto config =
      load(folder, small("exec: {apiVersion: client.authentication.k8s.io/v1, command: kubectl-oidc_login}"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->exec->command, "kubectl-oidc_login");
}

TEST(Kubeconfig, ImpersonationIsSentOrRefused) {
  const TemporaryFolder folder;
  const auto config = load(folder, small("token: abc, as: robot, as-groups: [a, b]"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->impersonation.size(), 3u);
  EXPECT_NE(complaint(small("token: abc, as: robot, as-user-extra: {a: [b]}")).find("as-user-extra"),
            std::string::npos);
}

TEST(Kubeconfig, MistakesNameFileKeyAndExpectation) {
  struct Case {
    std::string text;
    std::string expected;
  };
  const std::vector<Case> cases{
      {small("token: abc", "server: one"), "clusters[one].cluster.server"},
      {small("token: abc", "tls-server-name: x"), "server: is missing"},
      {small("token: abc", "server: https://one, certificate-authority-data: '%%'"),
       "certificate-authority-data: base64"},
      {small("token: abc", "server: https://one, insecure-skip-tls-verify: perhaps"), "true or false"},
      {small("token: abc", "server: https://one, insecure-skip-tls-verify: true, certificate-authority: x"),
       "only one"},
      {small("token: abc", "server: https://one, proxy-url: socks5://p:1"), "proxy-url"},
      {small("client-certificate: x"), "need each other"},
      {small("token: abc, username: me"), "only one of them"},
      {small("auth-provider: {name: oidc}"), "auth-provider"},
      {small("exec: {command: x}"), "exec.apiVersion"},
      {small("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"), "v1 or v1beta1"},
      {small("exec: {apiVersion: client.authentication.k8s.io/v1}"), "exec.command: is missing"},
      {small("exec: 7"), "a mapping was expected"},
      {"clusters: [", "is not valid YAML"},
      {"[]", "a mapping was expected"},
      {"clusters: 7", "a list was expected"},
      {"clusters: [{cluster: {}}]", "entries with a name"},
      {"", "current-context is missing"},
      {"current-context: main", "contexts has no entry 'main'"},
      {"current-context: main\ncontexts: [{name: main, context: {cluster: x}}]",
       "clusters has no entry 'x', which context 'main' names"},
  };
  for (const auto& each : cases) {
    const auto sentence = complaint(each.text);
    EXPECT_NE(sentence.find(each.expected), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("/config"), std::string::npos) << sentence;
  }
}

TEST(Kubeconfig, MistakesNeverQuoteSecrets) {
  for (const auto& text :
       {small("token: hunter2, username: me"), small("client-key-data: '%hunter2%', client-certificate: x"),
        small("token: hunter2\n  oops: [")})
    EXPECT_EQ(complaint(text).find("hunter2"), std::string::npos) << complaint(text);
}

} // namespace
} // namespace runtime_agent::kubernetes
