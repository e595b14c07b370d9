#include "tests/sandbox/embedded_cluster.hpp"

#include <utility>

namespace runtime_agent::sandbox {
namespace {

using nlohmann::json;

constexpr std::pair<const char*, kube::FaultAction> actions[] = {
    {"status", kube::FaultAction::status},
    {"hang", kube::FaultAction::hang},
    {"reset_before", kube::FaultAction::reset_before},
    {"reset_after", kube::FaultAction::reset_after},
    {"truncated", kube::FaultAction::truncated},
    {"html", kube::FaultAction::html},
    {"empty", kube::FaultAction::empty},
    {"delay", kube::FaultAction::delay},
};

tl::expected<kube::Fault, std::string> parse_fault(const json& given) {
  kube::Fault fault;
  const auto action = given.value("action", "status");
  bool known = false;
  for (const auto& [name, value] : actions)
    if (action == name) {
      fault.action = value;
      known = true;
    }
  if (!known)
    return tl::unexpected("unknown action \"" + action + "\" for the cluster");
  fault.verb = given.value("verb", "");
  fault.resource = given.value("resource", "");
  fault.namespace_ = given.value("namespace", "");
  fault.name = given.value("name", "");
  fault.status = given.value("status", fault.status);
  if (const auto after = given.value("retryAfter", json()); !after.is_null())
    fault.retry_after = after.is_string() ? after.get<std::string>() : after.dump();
  fault.delay = std::chrono::milliseconds(given.value("delay", 0));
  fault.skip = given.value("skip", fault.skip);
  // -1, as for Compass; the server's own word for ever is 0.
  const int times = given.value("times", 1);
  fault.times = times < 0 ? 0 : static_cast<std::uint64_t>(times);
  return fault;
}

KubernetesServer::Options on_port(int port) {
  KubernetesServer::Options options;
  options.port = port;
  return options;
}

} // namespace

EmbeddedCluster::EmbeddedCluster(int port) : server_(on_port(port)) {
  server_.start();
}
EmbeddedCluster::~EmbeddedCluster() {
  stop();
}

ClusterAccess EmbeddedCluster::access() const {
  return {server_.url(), server_.ca_pem(), server_.admin_token(), "", ""};
}

std::string EmbeddedCluster::kubeconfig() const {
  return server_.kubeconfig(server_.admin_token());
}

std::string EmbeddedCluster::kubeconfig(const std::string& user, const std::vector<kube::Rule>& rights) {
  return server_.kubeconfig(server_.add_user(user, rights));
}

void EmbeddedCluster::stop() {
  server_.stop();
}

void EmbeddedCluster::put(const json& object, const std::string& resource) {
  const auto& metadata = object.at("metadata");
  auto present = server_.object(resource, metadata.value("namespace", ""), metadata.at("name").get<std::string>());
  if (present && object.contains("data"))
    (*present)["data"] = object["data"];
  server_.put_object(present ? *present : object);
}

tl::expected<std::uint64_t, std::string> EmbeddedCluster::add_fault(const json& given) {
  try {
    auto fault = parse_fault(given);
    if (!fault)
      return tl::unexpected(fault.error());
    const std::lock_guard lock(mutex_);
    const auto id = server_.faults().add(std::move(*fault));
    faults_[id] = given;
    return id;
  } catch (const json::exception& error) {
    return tl::unexpected(std::string("a value of a fault has the wrong type: ") + error.what());
  }
}

void EmbeddedCluster::remove_fault(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  server_.faults().remove(id);
  faults_.erase(id);
}

void EmbeddedCluster::clear_faults() {
  const std::lock_guard lock(mutex_);
  server_.faults().clear();
  faults_.clear();
}

json EmbeddedCluster::faults() {
  const std::lock_guard lock(mutex_);
  json out = json::array();
  for (const auto& [id, given] : faults_) {
    out.push_back(given);
    out.back()["id"] = id;
    out.back()["applied"] = server_.faults().hits(id);
  }
  return out;
}

json EmbeddedCluster::requests() {
  json out = json::array();
  for (const auto& record : server_.requests().records())
    out.push_back({{"time", std::chrono::duration<double>(record.time.time_since_epoch()).count()},
                   {"verb", record.verb},
                   {"resource", record.resource},
                   {"namespace", record.namespace_},
                   {"name", record.name},
                   {"status", record.status},
                   {"user", record.user},
                   {"userAgent", record.user_agent},
                   {"headers", record.headers}});
  return out;
}

void EmbeddedCluster::clear_requests() {
  server_.requests().clear();
}

} // namespace runtime_agent::sandbox
