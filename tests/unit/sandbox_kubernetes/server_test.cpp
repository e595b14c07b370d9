// What the conformance suite cannot ask of a real server: faults, control, rights, load.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sandbox/kubernetes/server.hpp"
#include "tests/sandbox/kubernetes/wire_client.hpp"

namespace runtime_agent::sandbox {
namespace {

using Cluster = WireClient;
using kube::FaultAction;
using nlohmann::json;

using testing::HasSubstr;

constexpr auto secrets = "/api/v1/namespaces/compass-system/secrets";
constexpr auto applications = "/apis/applicationconnector.kyma-project.io/v1alpha1/applications";

json secret(const std::string& name) {
  return {{"apiVersion", "v1"}, {"kind", "Secret"}, {"metadata", {{"name", name}, {"namespace", "compass-system"}}}};
}

json application(const std::string& name) {
  return {{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
          {"kind", "Application"},
          {"metadata", {{"name", name}}},
          {"spec", {{"description", "x"}}}};
}

class KubernetesServerTest : public testing::Test {
protected:
  KubernetesServerTest() { server.start(); }
  Cluster client() { return {server.url(), server.ca_pem(), server.admin_token()}; }
  Cluster client(const std::string& token) { return {server.url(), server.ca_pem(), token}; }

  KubernetesServer server;
};

TEST_F(KubernetesServerTest, AnswersAFaultsStatusAsOftenAsItWasToldTo) {
  server.faults().add({.verb = "list", .resource = "secrets", .status = 429, .retry_after = "7", .times = 2});
  EXPECT_EQ(client().get(secrets).status, 429);
  const auto second = client().get(secrets);
  EXPECT_EQ(second.body["reason"], "TooManyRequests");
  EXPECT_EQ(second.headers.find("Retry-After")->second, "7");
  EXPECT_EQ(client().get(secrets).status, 200);
}

TEST_F(KubernetesServerTest, LetsTheFirstRequestsThroughWhereAFaultSkipsThem) {
  const auto id = server.faults().add({.verb = "get", .name = "a*", .status = 500, .skip = 1});
  EXPECT_EQ(client().get(std::string(secrets) + "/ab").status, 404);
  EXPECT_EQ(client().get(std::string(secrets) + "/b").status, 404);
  EXPECT_EQ(client().get(std::string(secrets) + "/ab").status, 500);
  EXPECT_EQ(server.faults().hits(id), 1U);
}

TEST_F(KubernetesServerTest, DoesNothingBeforeAResetBeforeProcessing) {
  server.faults().add({.verb = "create", .action = FaultAction::reset_before});
  EXPECT_EQ(client().post(secrets, secret("a")).status, 0);
  EXPECT_EQ(server.count("secrets"), 0U);
}

TEST_F(KubernetesServerTest, HasWrittenBeforeAResetAfterProcessing) {
  server.faults().add({.verb = "create", .action = FaultAction::reset_after});
  EXPECT_EQ(client().post(secrets, secret("a")).status, 0);
  EXPECT_EQ(server.count("secrets"), 1U);
  EXPECT_EQ(server.requests().writes("secrets", "compass-system", "a"), 1U);
}

TEST_F(KubernetesServerTest, TruncatesAnAnswerInItsMiddle) {
  server.put_object(secret("a"));
  server.faults().add({.verb = "get", .action = FaultAction::truncated});
  EXPECT_EQ(client().get(std::string(secrets) + "/a").status, 0);
  EXPECT_EQ(client().get(std::string(secrets) + "/a").status, 200);
}

TEST_F(KubernetesServerTest, AnswersAGatewaysPage) {
  server.faults().add({.verb = "list", .action = FaultAction::html, .status = 502});
  const auto response = client().get(secrets);
  EXPECT_EQ(response.status, 502);
  EXPECT_THAT(response.text, HasSubstr("<html>"));
}

TEST_F(KubernetesServerTest, AnswersNothingAtAll) {
  server.faults().add({.verb = "list", .action = FaultAction::empty, .status = 200});
  const auto response = client().get(secrets);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.text.empty());
}

TEST_F(KubernetesServerTest, EndsAHangWithAReset) {
  server.faults().add({.verb = "list", .action = FaultAction::hang, .delay = std::chrono::milliseconds(50)});
  EXPECT_EQ(client().get(secrets).status, 0);
}

TEST_F(KubernetesServerTest, StopsAlthoughARequestHangsAndAWatchIsOpen) {
  const auto hang = server.faults().add({.verb = "get", .action = FaultAction::hang});
  std::thread hanging([this] { EXPECT_EQ(client().get(std::string(secrets) + "/a").status, 0); });
  std::thread watching([this] { client().watch(std::string(secrets) + "?watch=true"); });
  while (server.faults().hits(hang) == 0 || server.requests().count() == 0)
    std::this_thread::yield();
  server.stop();
  hanging.join();
  watching.join();
}

TEST_F(KubernetesServerTest, KeepsPortAndObjectsOverARestart) {
  server.put_object(secret("a"));
  const auto url = server.url();
  server.stop();
  EXPECT_EQ(client().get(secrets).status, 0);
  server.start();
  EXPECT_EQ(server.url(), url);
  EXPECT_EQ(client().get(std::string(secrets) + "/a").status, 200);
}

TEST_F(KubernetesServerTest, ExpiresContinueTokensWithOneThatGoesOnInconsistently) {
  server.put_object(secret("a"));
  server.put_object(secret("b"));
  const auto first = client().get(std::string(secrets) + "?limit=1").body;
  server.expire_versions();
  const auto expired =
      client().get(std::string(secrets) + "?limit=1&continue=" + first["metadata"]["continue"].get<std::string>());
  EXPECT_EQ(expired.status, 410);
  EXPECT_EQ(expired.body["reason"], "Expired");
  const auto rest =
      client().get(std::string(secrets) + "?continue=" + expired.body["metadata"]["continue"].get<std::string>()).body;
  ASSERT_EQ(rest["items"].size(), 1U);
  EXPECT_EQ(rest["items"][0]["metadata"]["name"], "b");
}

TEST_F(KubernetesServerTest, TellsAWatchFromAnExpiredVersionSoByAnErrorEvent) {
  const auto since = client().get(secrets).body["metadata"]["resourceVersion"].get<std::string>();
  server.expire_versions();
  const auto events = client().watch(std::string(secrets) + "?watch=true&timeoutSeconds=5&resourceVersion=" + since);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["type"], "ERROR");
  EXPECT_EQ(events[0]["object"]["code"], 410);
  EXPECT_EQ(events[0]["object"]["reason"], "Expired");
}

TEST_F(KubernetesServerTest, ExpiresWhatIsOlderThanItsHistory) {
  KubernetesServer::Options options;
  options.history = 2;
  KubernetesServer small(options);
  small.start();
  const Cluster cluster(small.url(), small.ca_pem(), small.admin_token());
  const auto since = cluster.get(secrets).body["metadata"]["resourceVersion"].get<std::string>();
  for (const auto* name : {"a", "b", "c"})
    small.put_object(secret(name));
  const auto events = cluster.watch(std::string(secrets) + "?watch=true&timeoutSeconds=5&resourceVersion=" + since);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0]["object"]["code"], 410);
}

TEST_F(KubernetesServerTest, ClosesWatchesWithoutAnError) {
  std::atomic<bool> ended = false;
  std::vector<json> events;
  std::thread watching([&] {
    events = client().watch(std::string(secrets) + "?watch=true&resourceVersion=100");
    ended = true;
  });
  while (!ended) {
    server.close_watches();
    std::this_thread::yield();
  }
  watching.join();
  EXPECT_TRUE(events.empty());
}

TEST_F(KubernetesServerTest, GivesTodaysRightsAndNoMore) {
  const auto agent = client(server.add_user("agent", kube::todays_rights({"compass-system", "kyma-system"})));
  EXPECT_EQ(agent.get(std::string(secrets) + "/a").status, 404);
  EXPECT_EQ(agent.get(secrets).status, 403);
  EXPECT_EQ(agent.get("/api/v1/namespaces/default/secrets/a").status, 403);
  EXPECT_EQ(agent.get(applications).status, 200);
  EXPECT_EQ(agent.get(std::string(applications) + "?watch=true").status, 403);
  EXPECT_EQ(agent.get("/api/v1/namespaces/compass-system/configmaps/x").status, 403);
  EXPECT_EQ(agent.get("/apis").status, 200);
}

TEST_F(KubernetesServerTest, KnowsARemovedTokenNoLonger) {
  const auto token = server.add_user("agent", kube::all_rights());
  EXPECT_EQ(client(token).get(secrets).status, 200);
  server.remove_token(token);
  EXPECT_EQ(client(token).get(secrets).status, 401);
}

TEST_F(KubernetesServerTest, RecordsRequestsWithUserAndStatus) {
  client().get(std::string(secrets) + "/a");
  const auto records = server.requests().records();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].verb, "get");
  EXPECT_EQ(records[0].resource, "secrets");
  EXPECT_EQ(records[0].namespace_, "compass-system");
  EXPECT_EQ(records[0].name, "a");
  EXPECT_EQ(records[0].status, 404);
  EXPECT_EQ(records[0].user, "admin");
}

TEST_F(KubernetesServerTest, CountsNoWriteWhereNothingChanges) {
  const auto made = client().post(secrets, secret("a")).body;
  client().put(std::string(secrets) + "/a", made);
  EXPECT_EQ(server.requests().writes("secrets", "compass-system", "a"), 1U);
}

TEST_F(KubernetesServerTest, LosesAResourceWithItsDefinition) {
  client().post(applications, application("a"));
  const auto definition =
      *server.object("customresourcedefinitions", "", "applications.applicationconnector.kyma-project.io");
  server.remove_object("customresourcedefinitions", "", "applications.applicationconnector.kyma-project.io");
  EXPECT_EQ(client().get(applications).status, 404);
  server.put_object(definition);
  EXPECT_TRUE(client().get(applications).body["items"].empty());
}

TEST_F(KubernetesServerTest, ServesNodeMetricsWhereTheyAreOn) {
  EXPECT_EQ(client().get("/apis/metrics.k8s.io/v1beta1/nodes").status, 404);
  server.set_metrics_api(true);
  server.put_object({{"apiVersion", "metrics.k8s.io/v1beta1"}, {"kind", "NodeMetrics"}, {"metadata", {{"name", "n"}}}});
  EXPECT_EQ(client().get("/apis/metrics.k8s.io/v1beta1/nodes").body["items"].size(), 1U);
}

TEST_F(KubernetesServerTest, ServesManyConnectionsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> fine = 0;
  for (int i = 0; i < 24; ++i)
    threads.emplace_back([&, i] {
      if (i % 2 == 0)
        fine += client().watch(std::string(secrets) + "?watch=true&timeoutSeconds=20&resourceVersion=100", 1).empty()
                    ? 0
                    : 1;
      else
        fine += client().post(secrets, secret("s" + std::to_string(i))).status == 201;
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(fine, 24);
}

TEST_F(KubernetesServerTest, PagesThroughTenThousandApplications) {
  for (int i = 0; i < 10'000; ++i)
    server.put_object(application("a" + std::to_string(i)));
  std::size_t seen = 0;
  std::string next;
  do {
    const auto page =
        client().get(std::string(applications) + "?limit=1000" + (next.empty() ? "" : "&continue=" + next)).body;
    seen += page["items"].size();
    next = page["metadata"].value("continue", "");
  } while (!next.empty());
  EXPECT_EQ(seen, 10'000U);
}

/// With the real kubectl, where RUNTIME_AGENT_KUBECTL names it (tests/cluster/cluster.sh build makes one).
TEST_F(KubernetesServerTest, IsGoodEnoughForKubectl) {
  const char* kubectl = std::getenv("RUNTIME_AGENT_KUBECTL");
  if (!kubectl)
    GTEST_SKIP() << "RUNTIME_AGENT_KUBECTL names no kubectl";
  const std::string folder = testing::TempDir() + "sandbox-kubectl-" + std::to_string(server.port());
  ASSERT_EQ(std::system(("mkdir -p " + folder).c_str()), 0);
  std::ofstream(folder + "/kubeconfig") << server.kubeconfig(server.admin_token());
  std::ofstream(folder + "/application.json") << application("demo");
  const auto run = [&](const std::string& arguments) {
    return std::system(("HOME=" + folder + " KUBE_EDITOR='sed -i s/description:.x/description:\\ edited/' " + kubectl +
                        " --kubeconfig=" + folder + "/kubeconfig " + arguments + " >>" + folder + "/log 2>&1")
                           .c_str());
  };
  for (const auto& arguments : std::vector<std::string>{
           "version", "api-resources", "apply -f " + folder + "/application.json", "get applications -o wide",
           "get app demo -o yaml", "describe app demo", "edit app demo", "label app demo a=b", "annotate app demo a=b",
           "create namespace extra", "create secret generic s --from-literal=a=b -n extra",
           "create configmap c --from-literal=a=b -n extra", "describe secret s -n extra",
           "label secret s a=b -n extra", "get secrets,configmaps,leases,events -A", "get crd",
           "auth can-i list secrets", "delete secret s -n extra", "delete namespace extra"})
    EXPECT_EQ(run(arguments), 0) << arguments << "; see " << folder << "/log";
  EXPECT_EQ(server.object("applications", "", "demo")->at("spec").at("description"), "edited");
  EXPECT_EQ(run("delete app demo"), 0);
  EXPECT_EQ(server.count("applications"), 0U);
}

} // namespace
} // namespace runtime_agent::sandbox
