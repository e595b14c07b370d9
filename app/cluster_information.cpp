#include "app/cluster_information.hpp"

#include <algorithm>

#include "actors/supervision/log.hpp"

namespace runtime_agent::app {
namespace {

using kubernetes::Json;

constexpr auto request_limit = std::chrono::seconds(30);

/// The text at a path of keys; empty where there is none.
std::string text_at(const Json& object, std::initializer_list<const char*> path) {
  const Json* at = &object;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key))
      return {};
    at = &(*at)[key];
  }
  return at->is_string() ? at->get<std::string>() : std::string();
}

/// `cpu ephemeralStorage memory pods` of a ResourceList at `path`.
Json quantities(const Json& object, const char* parent, const char* list) {
  const auto at = [&](const char* key) {
    return list ? text_at(object, {parent, list, key}) : text_at(object, {parent, key});
  };
  return {{"cpu", at("cpu")},
          {"ephemeralStorage", at("ephemeral-storage")},
          {"memory", at("memory")},
          {"pods", at("pods")}};
}

std::string instance_type(const Json& node) {
  const std::string type = text_at(node, {"metadata", "labels", "node.kubernetes.io/instance-type"});
  return type.empty() ? text_at(node, {"metadata", "labels", "beta.kubernetes.io/instance-type"}) : type;
}

Json claim(const Json& volume) {
  return {{"name", text_at(volume, {"spec", "claimRef", "name"})},
          {"namespace", text_at(volume, {"spec", "claimRef", "namespace"})}};
}

kubernetes::Resource cluster_resource(const char* group, const char* version, const char* plural, const char* kind) {
  kubernetes::Resource resource;
  resource.group = group;
  resource.version = version;
  resource.plural = plural;
  resource.kind = kind;
  return resource;
}

} // namespace

Json cluster_information(const std::vector<Json>& nodes, const std::optional<std::vector<Json>>& metrics,
                         const std::vector<Json>& volumes) {
  Json information = {{"resources", Json::array()}, {"usage", Json::array()}, {"persistentVolumes", Json::array()}};
  for (const Json& node : nodes)
    information["resources"].push_back({{"nodeName", text_at(node, {"metadata", "name"})},
                                        {"instanceType", instance_type(node)},
                                        {"capacity", quantities(node, "status", "capacity")}});
  for (const Json& metric : metrics.value_or(std::vector<Json>()))
    information["usage"].push_back({{"nodeName", text_at(metric, {"metadata", "name"})},
                                    {"startCollectingTimestamp", text_at(metric, {"timestamp"})},
                                    {"usage", quantities(metric, "usage", nullptr)}});
  for (const Json& volume : volumes) {
    Json entry = {{"name", text_at(volume, {"metadata", "name"})},
                  {"capacity", text_at(volume, {"spec", "capacity", "storage"})}};
    if (const Json owner = claim(volume); owner["name"] != "")
      entry["claim"] = owner;
    information["persistentVolumes"].push_back(std::move(entry));
  }
  return information;
}

ClusterInformationLog::ClusterInformationLog(std::shared_ptr<kubernetes::Api> api, std::chrono::milliseconds interval)
    : api_(std::move(api)), interval_(interval) {}

ClusterInformationLog::~ClusterInformationLog() {
  stop();
}

void ClusterInformationLog::start() {
  thread_ = std::thread([this] {
    while (!cancel_.wait_for(interval_))
      log_once();
  });
}

void ClusterInformationLog::stop() {
  cancel_.cancel();
  if (thread_.joinable())
    thread_.join();
}

void ClusterInformationLog::log_once() {
  const auto nodes = list(cluster_resource("", "v1", "nodes", "Node"), false);
  const auto metrics = list(cluster_resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics"), true);
  const auto volumes = list(cluster_resource("", "v1", "persistentvolumes", "PersistentVolume"), false);
  if (cancel_.cancelled())
    return;
  const Json information =
      cluster_information(nodes.value_or(std::vector<Json>()), metrics, volumes.value_or(std::vector<Json>()));
  log::info("cluster information",
            {{"metrics", true},
             log::Field::json("clusterInfo", information.dump(-1, ' ', false, Json::error_handler_t::replace))});
}

std::optional<std::vector<Json>> ClusterInformationLog::list(const kubernetes::Resource& resource,
                                                             bool may_be_lacking) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + request_limit;
  context.cancel = cancel_;
  std::vector<Json> objects;
  kubernetes::ListOptions options;
  options.on_restart = [&] { objects.clear(); };
  const auto listed = api_->list(
      resource, options, [&](Json&& object) { objects.push_back(std::move(object)); }, context);
  if (listed)
    return objects;
  const bool lacking = may_be_lacking && (listed.error().kind == FailureKind::not_found ||
                                          listed.error().kind == FailureKind::unavailable);
  if (!lacking && !cancel_.cancelled() && std::find(warned_.begin(), warned_.end(), resource.path()) == warned_.end()) {
    warned_.push_back(resource.path());
    log::warning("some of the cluster information cannot be read", {{"error", listed.error().text()}});
  }
  return std::nullopt;
}

} // namespace runtime_agent::app
