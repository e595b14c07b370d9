#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// The cluster information in the log, by the real binary. Source: contract §7.
namespace runtime_agent::e2e {
namespace {

kubernetes::Resource cluster_scoped(const char* group, const char* version, const char* plural, const char* kind) {
  return {group, version, plural, "", kind};
}
const kubernetes::Resource nodes = cluster_scoped("", "v1", "nodes", "Node");
const kubernetes::Resource volumes = cluster_scoped("", "v1", "persistentvolumes", "PersistentVolume");
const kubernetes::Resource metrics = cluster_scoped("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics");
const kubernetes::Resource definitions =
    cluster_scoped("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition");

const Json node = Json::parse(R"({"apiVersion": "v1", "kind": "Node",
  "metadata": {"name": "node-1", "labels": {"node.kubernetes.io/instance-type": "m5"}},
  "status": {"capacity": {"cpu": "4", "ephemeral-storage": "80Gi", "memory": "16Gi", "pods": "110"}}})");
const Json volume = Json::parse(R"({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
  "spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"},
           "claimRef": {"name": "data", "namespace": "shop"}}})");
const Json usage = Json::parse(R"({"apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
  "metadata": {"name": "node-1"}, "timestamp": "2026-03-01T12:00:00Z", "window": "10s",
  "usage": {"cpu": "250m", "memory": "2Gi"}})");
/// Stands in for the metrics server where the API server is a real one, which has no such API of itself.
const Json metrics_api = Json::parse(R"({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
  "metadata": {"name": "nodes.metrics.k8s.io",
               "annotations": {"api-approved.kubernetes.io": "unapproved, for tests only"}},
  "spec": {"group": "metrics.k8s.io", "scope": "Cluster",
           "names": {"kind": "NodeMetrics", "listKind": "NodeMetricsList", "plural": "nodes",
                     "singular": "nodemetrics"},
           "versions": [{"name": "v1beta1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
             {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})");

class JobClusterInformation : public OnEachCluster {
protected:
  void SetUp() override {
    OnEachCluster::SetUp();
    create(nodes, node);
    create(volumes, volume);
  }
  void TearDown() override {
    world().remove(nodes, "node-1");
    world().remove(volumes, "pv-1");
    if (GetParam() == ClusterKind::real && world().get(definitions, "nodes.metrics.k8s.io"))
      world().remove(definitions, "nodes.metrics.k8s.io");
    OnEachCluster::TearDown();
  }

  testing::AssertionResult create(const kubernetes::Resource& resource, const Json& object) {
    CallContext context;
    context.deadline = std::chrono::steady_clock::now() + 10s;
    const auto created = world().api().create(resource, object, context);
    return created ? testing::AssertionSuccess() : testing::AssertionFailure() << created.error().text();
  }
  void give_metrics_api() {
    if (auto* sandbox = world().sandbox_server()) {
      sandbox->set_metrics_api(true);
      sandbox->put_object(nlohmann::json::parse(usage.dump())); // as a metrics server, it lets nobody write
      return;
    }
    EXPECT_TRUE(create(definitions, metrics_api));
    // A definition takes a moment until it is served.
    EXPECT_TRUE(comes_true([this] { return static_cast<bool>(last_ = create(metrics, usage)); })) << last_.message();
  }
  Variables variables() {
    Variables variables = world().quick_environment();
    variables["APP_METRICS_LOGGING_TIME_INTERVAL"] = "200ms";
    return variables;
  }
  testing::AssertionResult last_ = testing::AssertionSuccess();

  /// Of the last such line; null where there is none.
  Json latest() {
    Json found;
    for (const std::string& line : world().agent().lines()) {
      const Json entry = Json::parse(line, nullptr, false);
      if (entry.is_object() && entry.contains("metrics") && entry["metrics"] == true)
        found = entry["clusterInfo"];
    }
    return found;
  }
};

TEST_P(JobClusterInformation, IsOneLineAsTheContractNamesIt) {
  give_metrics_api();
  world().start(variables());
  EXPECT_TRUE(comes_true([this] { return !latest().is_null(); }));
  EXPECT_EQ(latest(), Json::parse(R"({
    "resources": [{"nodeName": "node-1", "instanceType": "m5",
                   "capacity": {"cpu": "4", "ephemeralStorage": "80Gi", "memory": "16Gi", "pods": "110"}}],
    "usage": [{"nodeName": "node-1", "startCollectingTimestamp": "2026-03-01T12:00:00Z",
               "usage": {"cpu": "250m", "ephemeralStorage": "", "memory": "2Gi", "pods": ""}}],
    "persistentVolumes": [{"name": "pv-1", "capacity": "10Gi", "claim": {"name": "data", "namespace": "shop"}}]})"))
      << latest().dump(2);
}

TEST_P(JobClusterInformation, HasTheRestInAClusterWithoutTheMetricsApi) {
  world().start(variables());
  EXPECT_TRUE(comes_true([this] { return !latest().is_null(); }));
  EXPECT_EQ(latest().value("usage", Json()), Json::array());
  EXPECT_EQ(latest().value("resources", Json()).size(), 1u);
  EXPECT_EQ(latest().value("persistentVolumes", Json()).size(), 1u);
  EXPECT_THAT(world().agent().output(), testing::Not(testing::HasSubstr("cannot be read")));
}

TEST_P(JobClusterInformation, NeedsNoMoreThanTodaysRights) {
  give_metrics_api();
  Variables with_todays_rights = world().quick_environment(Rights::todays);
  with_todays_rights["APP_METRICS_LOGGING_TIME_INTERVAL"] = "200ms";
  world().start(with_todays_rights);
  EXPECT_TRUE(comes_true([this] { return !latest().is_null(); }));
  EXPECT_EQ(latest().value("usage", Json()).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Each, JobClusterInformation, testing::ValuesIn(clusters()), cluster_name);

} // namespace
} // namespace runtime_agent::e2e
