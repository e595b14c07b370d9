#include <thread>

#include <gtest/gtest.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/child_process.hpp"
#include "transport/kubernetes/credentials.hpp"
#include "transport/kubernetes/exec_plugin.hpp"
#include "transport/kubernetes/timestamp.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;

std::string authorization_of(const http::Request& request) {
  for (const auto& [name, value] : request.headers)
    if (name == "Authorization")
      return value;
  return {};
}

ClusterConfig pod_config(const TemporaryFolder& folder) {
  auto config = plain_config();
  config.token = {{}, folder.file("token", "one\n")};
  config.ca = {{}, folder.file("ca.crt", "CA one\n")};
  return config;
}

/// A kubeconfig's user that logs in with this shell script.
ClusterConfig plugin_config(const TemporaryFolder& folder, const std::string& script) {
  auto config = plain_config();
  config.token = {};
  config.exec.emplace();
  config.exec->api_version = "client.authentication.k8s.io/v1";
  config.exec->command = folder.file("login", "#!/bin/sh\n" + script, true).string();
  return config;
}

std::string credential(const std::string& status) {
  return R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" + status + "}";
}

CallContext within(std::chrono::milliseconds time) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + time;
  return context;
}

TEST(ServiceAccountLogin, TokenAndCaAreReadAgainEachMinute) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  for (int i = 0; i < 3; ++i)
    cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  folder.file("token", "two");
  folder.file("ca.crt", "CA two");
  cluster.clock.advance(seconds(59));
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  cluster.clock.advance(seconds(1));
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(1)), "Bearer one");
  EXPECT_EQ(authorization_of(cluster.client->requests.at(2)), "Bearer two");
  EXPECT_EQ(cluster.endpoints.front().ca_pem, "CA one");
  EXPECT_EQ(cluster.endpoints.back().ca_pem, "CA two");
}

TEST(ServiceAccountLogin, ANewTokenAloneKeepsTheConnections) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  cluster.client->answers(200, "{}");
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  folder.file("token", "two");
  cluster.clock.advance(seconds(60));
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.endpoints.size(), 2u);
}

TEST(ServiceAccountLogin, A401ReadsAgainAtOnceAndTriesOnceMore) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  cluster.client->then([&](const http::Request&, const http::DataReceiver*) -> Result<http::Response> {
    folder.file("token", "two");
    return http::Response{401, {}, status_body(401, "Unauthorized", "Unauthorized")};
  });
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(1)), "Bearer two");
}

TEST(ServiceAccountLogin, A401IsFinalWhereNothingNewIsThere) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  cluster.client->answers(401, status_body(401, "Unauthorized", "Unauthorized"));
  const auto answer = cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::unauthorized);
  EXPECT_EQ(cluster.client->requests.size(), 1u);
}

TEST(ServiceAccountLogin, ASecond401IsFinal) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  for (const char* token : {"two", "three"})
    cluster.client->then([&folder, token](const http::Request&, const http::DataReceiver*) -> Result<http::Response> {
      folder.file("token", token);
      return http::Response{401, {}, {}};
    });
  EXPECT_FALSE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.client->requests.size(), 2u);
}

TEST(ServiceAccountLogin, ARotatedCaIsReadAtOnceWhereTheHandshakeFails) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  cluster.client->then([&](const http::Request&, const http::DataReceiver*) -> Result<http::Response> {
    folder.file("ca.crt", "CA two");
    return failed({.kind = FailureKind::tls, .what = "unable to get local issuer certificate"});
  });
  cluster.client->answers(200, "{}");
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.endpoints.back().ca_pem, "CA two");
}

TEST(ServiceAccountLogin, AVanishedFileLeavesItsLastContentInUse) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(pod_config(folder));
  cluster.client->answers(200, "{}");
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  std::filesystem::remove(folder.path() / "token");
  folder.file("ca.crt", "");
  cluster.clock.advance(seconds(60));
  EXPECT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(1)), "Bearer one");
}

TEST(ServiceAccountLogin, AFileThatWasNeverThereIsTheRequestsFailure) {
  auto config = plain_config();
  config.token = {{}, "/nonexistent/token"};
  ScriptedCluster cluster(config);
  const auto answer = cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::configuration);
  EXPECT_NE(answer.error().text().find("/nonexistent/token"), std::string::npos);
}

TEST(Login, UserAndPasswordAreSentAsBasic) {
  auto config = plain_config();
  config.token = {};
  config.username = "me";
  config.password = Secret("pass");
  ScriptedCluster cluster(config);
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(0)), "Basic bWU6cGFzcw==");
}

TEST(Login, TheTokenFileGoesBeforeTheToken) {
  const TemporaryFolder folder;
  auto config = plain_config();
  config.token.file = folder.file("token", "from-file");
  ScriptedCluster cluster(config);
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(0)), "Bearer from-file");
}

TEST(ExecPlugin, ItsTokenIsSentUntilItExpires) {
  const TemporaryFolder folder;
  // The fake clock stands at 2026-07-01T12:00:00Z.
  auto config =
      plugin_config(folder, "echo x >> \"" + (folder.path() / "runs").string() + "\"\necho '" +
                                credential(R"({"token":"t","expirationTimestamp":"2026-07-01T12:10:00Z"})") + "'\n");
  const auto runs = [&] { return read_file(folder.path() / "runs").value().size() / 2; };
  ScriptedCluster cluster(config);
  for (int i = 0; i < 3; ++i)
    cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(0)), "Bearer t");
  cluster.clock.advance(seconds(580));
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(runs(), 1u);
  cluster.clock.advance(seconds(15));
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(runs(), 2u);
}

TEST(ExecPlugin, A401RunsItAgain) {
  const TemporaryFolder folder;
  const auto count = (folder.path() / "runs").string();
  auto config = plugin_config(folder, "echo x >> \"" + count + "\"\nprintf '" + credential(R"({"token":"t%d"})") +
                                          "' $(wc -l < \"" + count + "\")\n");
  ScriptedCluster cluster(config);
  cluster.client->answers(401, "");
  cluster.client->answers(200, "{}");
  const auto answer = cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30)));
  ASSERT_TRUE(answer) << answer.error().text();
  EXPECT_EQ(authorization_of(cluster.client->requests.at(0)), "Bearer t1");
  EXPECT_EQ(authorization_of(cluster.client->requests.at(1)), "Bearer t2");
}

TEST(ExecPlugin, AFailedHandshakeDoesNotRunItAgain) {
  const TemporaryFolder folder;
  const auto runs = folder.path() / "runs";
  ScriptedCluster cluster(
      plugin_config(folder, "echo x >> \"" + runs.string() + "\"\necho '" + credential(R"({"token":"t"})") + "'\n"));
  cluster.client->fails(FailureKind::tls);
  EXPECT_FALSE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(read_file(runs).value(), "x\n");
}

TEST(ExecPlugin, RequestsAtOnceShareOneRun) {
  const TemporaryFolder folder;
  const auto runs = folder.path() / "runs";
  const auto config = plugin_config(folder, "echo x >> \"" + runs.string() + "\"\nsleep 0.1\necho '" +
                                                credential(R"({"token":"t"})") + "'\n");
  Credentials credentials(config, system_clock());
  std::vector<std::thread> threads;
  std::vector<LoginPtr> logins(8);
  for (auto& login : logins)
    threads.emplace_back([&] { login = credentials.current(within(seconds(30))).value(); });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(read_file(runs).value(), "x\n");
  for (const auto& login : logins)
    EXPECT_EQ(login, logins.front());
}

TEST(ExecPlugin, ItsClientCertificateIsUsed) {
  const TemporaryFolder folder;
  ScriptedCluster cluster(plugin_config(
      folder, "echo '" + credential(R"({"clientCertificateData":"CERT","clientKeyData":"KEY"})") + "'\n"));
  cluster.client->answers(200, "{}");
  ASSERT_TRUE(cluster.api->get(secrets("ns"), "x", cluster.within(seconds(30))));
  EXPECT_EQ(cluster.endpoints.at(0).certificate_pem, "CERT");
  EXPECT_EQ(cluster.endpoints.at(0).key_pem, Secret("KEY"));
  EXPECT_EQ(authorization_of(cluster.client->requests.at(0)), "");
}

TEST(ExecPlugin, IsToldArgumentsEnvironmentAndTheCluster) {
  const TemporaryFolder folder;
  auto config =
      plugin_config(folder, "echo \"$1|$EXTRA|$KUBERNETES_EXEC_INFO\" > \"" + (folder.path() / "told").string() +
                                "\"\necho '" + credential(R"({"token":"t"})") + "'\n");
  config.exec->arguments = {"get token"};
  config.exec->environment = {{"EXTRA", "value"}};
  config.exec->provide_cluster_info = true;
  config.tls_server_name = "api.example";
  ASSERT_TRUE(run_exec_plugin(config, "PEM", within(seconds(30))));
  const auto told = read_file(folder.path() / "told").value();
  const auto info = told.substr(told.rfind('|') + 1);
  EXPECT_EQ(told.substr(0, told.rfind('|')), "get token|value");
  EXPECT_EQ(Json::parse(info), Json::parse(R"({"kind":"ExecCredential",
    "apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{
    "server":"https://10.0.0.1:6443","tls-server-name":"api.example","certificate-authority-data":"UEVN","config":null}}})"));
}

TEST(ExecPlugin, AMissingProgramIsToldWithItsInstallHint) {
  auto config = plain_config();
  config.exec.emplace();
  config.exec->api_version = "client.authentication.k8s.io/v1";
  config.exec->command = "no-such-login-program";
  config.exec->install_hint = "kubectl krew install oidc-login";
  const auto answer = run_exec_plugin(config, "", within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, FailureKind::configuration);
  EXPECT_NE(answer.error().text().find("no-such-login-program"), std::string::npos);
  EXPECT_EQ(answer.error().next, "kubectl krew install oidc-login");
}

TEST(ExecPlugin, AFailureIsToldInItsOwnWords) {
  const TemporaryFolder folder;
  const auto answer = run_exec_plugin(plugin_config(folder, "echo hunter2\necho 'please log in' >&2\nexit 3\n"), "",
                                      within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("ended with 3: please log in"), std::string::npos) << answer.error().what;
  EXPECT_EQ(answer.error().text().find("hunter2"), std::string::npos);
}

TEST(ExecPlugin, OneThatNeedsATerminalIsRefused) {
  const TemporaryFolder folder;
  auto config = plugin_config(folder, "exit 0\n");
  config.exec->needs_terminal = true;
  const auto answer = run_exec_plugin(config, "", within(seconds(30)));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("terminal"), std::string::npos);
}

TEST(ExecPlugin, OutputThatIsNoCredentialIsRefusedWithoutQuotingIt) {
  const std::string v1 = "client.authentication.k8s.io/v1";
  for (const auto& output :
       {std::string("hunter2"), std::string("[]"), credential(R"({"expirationTimestamp":"2026-07-01T12:10:00Z"})"),
        credential(R"({"token":"hunter2","expirationTimestamp":"soon"})"),
        credential(R"({"clientCertificateData":"hunter2"})"),
        std::string(R"({"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential",
                        "status":{"token":"hunter2"}})"),
        std::string(R"({"apiVersion":"client.authentication.k8s.io/v1","kind":"Pod","status":{"token":"hunter2"}})")}) {
    const auto parsed = parse_exec_credential(output, v1);
    ASSERT_FALSE(parsed) << output;
    EXPECT_EQ(parsed.error().text().find("hunter2"), std::string::npos) << parsed.error().text();
  }
}

TEST(ChildProcess, IsKilledAtTheDeadline) {
  const TemporaryFolder folder;
  const auto script = folder.file("slow", "#!/bin/sh\nsleep 60 &\nsleep 60\n", true).string();
  const auto begun = std::chrono::steady_clock::now();
  const auto result = run_process({script, {}, {"PATH=/usr/bin:/bin"}}, within(milliseconds(200)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::timeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

TEST(ChildProcess, ACancelEndsIt) {
  auto context = within(seconds(60));
  const auto begun = std::chrono::steady_clock::now();
  std::thread cancels([token = context.cancel] { token.cancel(); });
  const auto result = run_process({"sleep", {"60"}, {"PATH=/usr/bin:/bin"}}, context);
  cancels.join();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

TEST(ChildProcess, AGrandchildThatKeepsThePipeOpenIsNotWaitedFor) {
  const auto begun = std::chrono::steady_clock::now();
  const auto result = run_process({"sh", {"-c", "sleep 20 & echo done"}, {"PATH=/usr/bin:/bin"}}, within(seconds(60)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(10));
}

TEST(ChildProcess, OutputIsBounded) {
  ProcessRequest request{"sh", {"-c", "while :; do echo xxxxxxxxxxxxxxxx; done"}, {"PATH=/usr/bin:/bin"}};
  request.output_limit = 100'000;
  const auto result = run_process(request, within(seconds(60)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, FailureKind::too_large);
}

TEST(ChildProcess, LargeOutputsArriveWhole) {
  const auto result = run_process(
      {"sh",
       {"-c", "i=0; while [ $i -lt 5000 ]; do echo 0123456789012345678; echo e >&2; i=$((i+1)); done; exit 7"},
       {"PATH=/usr/bin:/bin"}},
      within(seconds(60)));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 100'000u);
  EXPECT_EQ(result->exit_code, 7);
}

TEST(Timestamp, ReadsRfc3339) {
  const auto noon = std::chrono::system_clock::time_point(seconds(1782907200));
  EXPECT_EQ(parse_rfc3339("2026-07-01T12:00:00Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-01T12:00:00.123456789Z"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-01T14:30:00+02:30"), noon);
  EXPECT_EQ(parse_rfc3339("2026-07-01T04:00:00-08:00"), noon);
}

TEST(Timestamp, TakesWhatTheClockCannotSayForTheFarFutureOrPast) {
  const auto in_2200 = parse_rfc3339("2200-01-01T00:00:00Z");
  EXPECT_EQ(in_2200, std::chrono::system_clock::time_point(seconds(7'258'118'400)));
  EXPECT_LT(parse_rfc3339("2199-12-31T23:59:59Z"), in_2200);
  EXPECT_EQ(parse_rfc3339("2262-04-11T23:47:17Z"), in_2200);
  EXPECT_EQ(parse_rfc3339("9999-12-31T23:59:59Z"), in_2200);
  const auto in_1700 = parse_rfc3339("1700-01-01T00:00:00Z");
  EXPECT_EQ(in_1700, std::chrono::system_clock::time_point(seconds(-8'520'336'000)));
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), in_1700); // Go's zero
}

TEST(Timestamp, RefusesEverythingElse) {
  for (const char* text : {"", "2026-07-01", "2026-07-01T12:00:00", "2026-02-30T12:00:00Z", "2026-07-01T24:00:00Z",
                           "2026-07-01T12:00:00.Z", "2026-07-01T12:00:00Zx", "-026-07-01T12:00:00Z", "soon"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

} // namespace
} // namespace runtime_agent::kubernetes
