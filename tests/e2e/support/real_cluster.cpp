#include <cstdlib>
#include <stdexcept>

#include "tests/e2e/support/clusters.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/cluster_config.hpp"
#include "transport/kubernetes/lease.hpp"

namespace runtime_agent::e2e {
namespace {

using namespace std::chrono_literals;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (!value)
    throw std::runtime_error(std::string(name) + " is not set; ./dev test sets it");
  return value;
}

/// A kube-apiserver that other tests have used before: emptied of what the agent writes.
class RealCluster : public Cluster {
public:
  RealCluster() : admin_(make_admin()) {
    empty(kubernetes::compass_connections());
    empty(kubernetes::applications());
    for (const char* name : {"compass-system", "kyma-system", "istio-system"})
      for (const auto& resource : {kubernetes::secrets(name), kubernetes::config_maps(name), kubernetes::leases(name)})
        empty(resource);
  }
  kubernetes::Api& admin() override { return *admin_; }
  std::string agent_kubeconfig(Rights rights) override {
    return variable(rights == Rights::own ? "RUNTIME_AGENT_CLUSTER_OWN_KUBECONFIG"
                                          : "RUNTIME_AGENT_CLUSTER_TODAYS_KUBECONFIG");
  }

private:
  static std::unique_ptr<kubernetes::Api> make_admin() {
    auto config = kubernetes::load_cluster_config(variable("RUNTIME_AGENT_CLUSTER_KUBECONFIG"));
    if (!config)
      throw std::runtime_error(config.error().text());
    return kubernetes::make_api(std::move(*config), {});
  }

  void empty(const kubernetes::Resource& resource) {
    std::vector<std::string> names;
    const auto listed = admin_->list(
        resource, {}, [&](Json&& object) { names.push_back(object["metadata"]["name"]); }, ample_time());
    if (!listed)
      throw std::runtime_error(listed.error().text());
    for (const std::string& name : names)
      if (name != "kube-root-ca.crt")
        if (const auto removed = admin_->remove(resource, name, {}, ample_time());
            !removed && removed.error().kind != FailureKind::not_found)
          throw std::runtime_error(removed.error().text());
  }

  std::unique_ptr<kubernetes::Api> admin_;
};

} // namespace

std::unique_ptr<Cluster> make_real_cluster() {
  return std::make_unique<RealCluster>();
}

std::vector<ClusterKind> clusters() {
  if (std::getenv("RUNTIME_AGENT_CLUSTER_KUBECONFIG"))
    return {ClusterKind::sandbox, ClusterKind::real};
  return {ClusterKind::sandbox};
}

std::string name_of(ClusterKind kind) {
  return kind == ClusterKind::real ? "Real" : "Sandbox";
}

std::unique_ptr<Cluster> make_cluster(ClusterKind kind) {
  return kind == ClusterKind::real ? make_real_cluster() : make_sandbox_cluster();
}

} // namespace runtime_agent::e2e
