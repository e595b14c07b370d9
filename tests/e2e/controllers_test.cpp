#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// What the controllers of a real cluster do to the agent's objects: the garbage collector, the namespace controller
/// and the quota controller of kube-controller-manager, and people who delete with kubectl. Source: contract §9.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;

class Controllers : public EndToEnd, public testing::WithParamInterface<ClusterKind> {
protected:
  void SetUp() override {
    make_world(GetParam());
    tidy();
  }
  void TearDown() override {
    EndToEnd::TearDown();
    tidy();
  }

  /// What kubectl says, with an administrator's rights; a failure of it is one of the test.
  static std::string kubectl(const std::string& arguments) {
    const std::string program = std::filesystem::canonical("/proc/self/exe").parent_path() / "../../cluster/kubectl";
    const std::string command =
        program + " --kubeconfig '" + std::getenv("RUNTIME_AGENT_CLUSTER_KUBECONFIG") + "' " + arguments + " 2>&1";
    std::string said;
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 4096> piece{};
    while (pipe && std::fgets(piece.data(), piece.size(), pipe))
      said += piece.data();
    EXPECT_TRUE(pipe && pclose(pipe) == 0) << arguments << ": " << said;
    return said;
  }
  void tidy() {
    kubectl("-n kyma-system delete resourcequota --all");
    kubectl("delete namespace short-lived --ignore-not-found");
  }

  std::vector<Json> secrets_of(const std::string& application, const std::string& namespace_ = "kyma-system") {
    std::vector<Json> found;
    for (Json& object : world().list(kubernetes::secrets(namespace_)))
      if (object["metadata"].contains("labels") && object["metadata"]["labels"].value("app", "") == application)
        found.push_back(std::move(object));
    return found;
  }
  /// Each Application that Compass has is there, and each has its Secret, whose owner it is; and nobody else's is left.
  bool whole(std::size_t applications, const std::string& namespace_ = "kyma-system") {
    const auto names = world().application_names();
    std::size_t secrets = 0;
    for (const Json& object : world().list(kubernetes::secrets(namespace_)))
      secrets += object["metadata"].contains("ownerReferences") ? 1 : 0;
    return names.size() == applications && secrets == applications &&
           std::all_of(names.begin(), names.end(), [&](const std::string& name) {
             const auto found = secrets_of(name, namespace_);
             return found.size() == 1 &&
                    found[0]["metadata"]["ownerReferences"][0]["uid"] == live(name)["metadata"]["uid"];
           });
  }
  static std::string numbered(int number) {
    return "mp-app-00" + std::string(number < 10 ? "0" : "") + std::to_string(number);
  }
};

TEST_P(Controllers, ApplicationsThatAreDeletedInEachWayWhileTheAgentDeletesAreMadeWhole) {
  give_applications(18);
  synchronise(world().quick_environment());
  ASSERT_TRUE(comes_true([&] { return whole(18); }));
  // Of each way three that Compass keeps and three that it drops in the same moment.
  int number = 1;
  for (const char* way : {"foreground", "background", "orphan"}) {
    std::string names;
    for (int i = 0; i < 6; ++i)
      names += " " + numbered(number++);
    kubectl("delete applications" + names + " --wait=false --cascade=" + way);
  }
  auto dataset = compass().dataset();
  auto kept = nlohmann::json::array();
  for (std::size_t i = 0; i < dataset["applications"].size(); ++i)
    if (i % 2 == 0)
      kept.push_back(dataset["applications"][i]);
  dataset["applications"] = kept;
  give(dataset);
  EXPECT_TRUE(converges());
  EXPECT_TRUE(comes_true([&] { return whole(9); }));
  EXPECT_EQ(world().state(), "Synchronized");
}

TEST_P(Controllers, ObjectsWhoseOwnerNeverWasAreCollectedAndMadeAnew) {
  give_applications(3);
  synchronise(with_long_period());
  ASSERT_TRUE(comes_true([&] { return whole(3); }));
  const Json nobody = Json::array({Json{{"apiVersion", "applicationconnector.kyma-project.io/v1alpha1"},
                                        {"kind", "Application"},
                                        {"name", "never-was"},
                                        {"uid", "00000000-0000-4000-8000-000000000000"}}});
  const auto secret = secrets_of("mp-app-0001")[0];
  world().merge(kubernetes::secrets("kyma-system"), secret["metadata"]["name"],
                {{"metadata", {{"ownerReferences", nobody}}}});
  EXPECT_TRUE(comes_true([&] { return whole(3); }));
  const std::string before = live("mp-app-0002")["metadata"]["uid"];
  world().merge(kubernetes::applications(), "mp-app-0002", {{"metadata", {{"ownerReferences", nobody}}}});
  EXPECT_TRUE(comes_true([&] {
    const Json now = live("mp-app-0002");
    return !now.is_null() && now["metadata"]["uid"] != before && whole(3);
  })) << live("mp-app-0002");
  EXPECT_TRUE(reaches("Synchronized"));
}

TEST_P(Controllers, ANamespaceThatIsBeingDeletedIsNamedAndItsSecretsAreBackWhenItIs) {
  kubectl("create namespace short-lived");
  auto variables = world().quick_environment();
  variables["KUBECONFIG"] = std::getenv("RUNTIME_AGENT_CLUSTER_KUBECONFIG"); // our rights end with the namespace
  variables["APP_INTEGRATION_NAMESPACE"] = "short-lived";
  give_applications(3);
  synchronise(variables);
  ASSERT_TRUE(comes_true([&] { return whole(3, "short-lived"); }));
  kubectl("-n short-lived create configmap holds-it");
  kubectl("-n short-lived patch configmap holds-it -p '{\"metadata\":{\"finalizers\":[\"test/held\"]}}'");
  kubectl("delete namespace short-lived --wait=false");
  EXPECT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_TRUE(comes_true([&] { return world().errors().find("terminat") != std::string::npos; }));
  EXPECT_THAT(world().errors(), HasSubstr("short-lived"));
  kubectl("-n short-lived patch configmap holds-it -p '{\"metadata\":{\"finalizers\":null}}'");
  kubectl("wait --for=delete namespace/short-lived --timeout=60s");
  kubectl("create namespace short-lived");
  EXPECT_TRUE(reaches("Synchronized", 60s));
  EXPECT_TRUE(comes_true([&] { return whole(3, "short-lived"); }));
}

TEST_P(Controllers, AQuotaOnSecretsIsNamedAndTheRestIsWrittenWhenItIsLifted) {
  give_applications(2);
  synchronise();
  const auto there = world().list(kubernetes::secrets("kyma-system")).size();
  kubectl("-n kyma-system create quota few-secrets --hard=count/secrets=" + std::to_string(there + 1));
  ASSERT_TRUE(comes_true([&] { // its controller has counted
    return kubectl("-n kyma-system get quota few-secrets -o jsonpath='{.status.hard}'").find("count/secrets") !=
           std::string::npos;
  }));
  give_applications(5);
  EXPECT_TRUE(reaches("ResourceApplicationFailed"));
  EXPECT_THAT(world().errors(), HasSubstr("exceeded quota: few-secrets"));
  kubectl("-n kyma-system delete quota few-secrets");
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_TRUE(comes_true([&] { return whole(5); }));
}

TEST_P(Controllers, AQuotaOnLeasesLeavesTheAgentWaitingAndSaidAndItLeadsWhenItIsLifted) {
  kubectl("-n kyma-system create quota no-leases --hard=count/leases.coordination.k8s.io=0");
  ASSERT_TRUE(comes_true([&] {
    return kubectl("-n kyma-system get quota no-leases -o jsonpath='{.status.hard}'").find("leases") !=
           std::string::npos;
  }));
  auto variables = world().quick_environment();
  variables["APP_LEADER_ELECTION"] = "on";
  give_applications(1);
  world().configure();
  world().start(variables);
  EXPECT_TRUE(comes_true([&] {
    const auto lines = world().agent().lines();
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("exceeded quota: no-leases") != std::string::npos;
    });
  }));
  EXPECT_EQ(world().tokens_spent(), 0u) << "who does not lead writes nothing";
  kubectl("-n kyma-system delete quota no-leases");
  EXPECT_TRUE(reaches("Synchronized", 60s));
}

/// The sandbox has no controllers.
std::vector<ClusterKind> with_controllers() {
  auto all = clusters();
  std::erase(all, ClusterKind::sandbox);
  return all;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Controllers);
INSTANTIATE_TEST_SUITE_P(Each, Controllers, testing::ValuesIn(with_controllers()), cluster_name);

} // namespace
} // namespace runtime_agent::e2e
