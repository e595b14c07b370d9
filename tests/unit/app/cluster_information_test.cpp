#include <gtest/gtest.h>

#include "app/cluster_information.hpp"

namespace runtime_agent::app {
namespace {

using kubernetes::Json;

const Json node = Json::parse(R"({"metadata": {"name": "node-1", "labels": {"node.kubernetes.io/instance-type": "m5"}},
  "status": {"capacity": {"cpu": "4", "ephemeral-storage": "80Gi", "memory": "16Gi", "pods": "110"}}})");
const Json metric = Json::parse(R"({"metadata": {"name": "node-1"}, "timestamp": "2026-03-01T12:00:00Z",
  "usage": {"cpu": "250m", "memory": "2Gi"}})");
const Json volume = Json::parse(R"({"metadata": {"name": "pv-1"}, "spec": {"capacity": {"storage": "10Gi"},
  "claimRef": {"name": "data", "namespace": "shop"}}})");

TEST(ClusterInformation, HasNodesUsageAndVolumesAsTheContractNamesThem) {
  EXPECT_EQ(cluster_information({node}, std::vector<Json>{metric}, {volume}), Json::parse(R"({
    "resources": [{"nodeName": "node-1", "instanceType": "m5",
                   "capacity": {"cpu": "4", "ephemeralStorage": "80Gi", "memory": "16Gi", "pods": "110"}}],
    "usage": [{"nodeName": "node-1", "startCollectingTimestamp": "2026-03-01T12:00:00Z",
               "usage": {"cpu": "250m", "ephemeralStorage": "", "memory": "2Gi", "pods": ""}}],
    "persistentVolumes": [{"name": "pv-1", "capacity": "10Gi", "claim": {"name": "data", "namespace": "shop"}}]})"));
}

TEST(ClusterInformation, HasTheRestWithoutTheMetricsApi) {
  const Json information = cluster_information({node}, std::nullopt, {volume});
  EXPECT_EQ(information["usage"], Json::array());
  EXPECT_EQ(information["resources"].size(), 1u);
}

TEST(ClusterInformation, IsNoCrashWhateverTheShapeOfTheObjects) {
  for (const char* text : {"null", "[]", "{}", R"({"metadata": null, "status": [], "spec": 5})"}) {
    const Json object = Json::parse(text);
    EXPECT_EQ(cluster_information({object}, std::vector<Json>{object}, {})["resources"].size(), 1u) << text;
  }
}

} // namespace
} // namespace runtime_agent::app
