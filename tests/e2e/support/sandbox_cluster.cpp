#include <fstream>
#include <stdexcept>

#include "tests/e2e/support/clusters.hpp"
#include "tests/sandbox/embedded_cluster.hpp"
#include "transport/kubernetes/api_client.hpp"
#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::e2e {
namespace {

/// The sandbox's API server, in this process, new for each test.
class SandboxCluster : public Cluster {
public:
  SandboxCluster() : cluster_(0) {
    auto config = kubernetes::load_cluster_config(write("admin", cluster_.kubeconfig()));
    if (!config)
      throw std::runtime_error(config.error().text());
    admin_ = kubernetes::make_api(std::move(*config), {});
  }
  kubernetes::Api& admin() override { return *admin_; }
  std::string agent_kubeconfig(Rights rights) override {
    if (rights == Rights::own)
      return write("agent", cluster_.kubeconfig());
    return write("todays", cluster_.kubeconfig("agent", sandbox::kube::todays_rights(
                                                            {"compass-system", "kyma-system", "istio-system"})));
  }
  sandbox::KubernetesServer* sandbox_server() override { return &cluster_.server(); }

private:
  std::string write(const std::string& name, const std::string& text) const {
    const std::string file = (folder_.path() / name).string();
    std::ofstream(file) << text;
    return file;
  }

  TemporaryFolder folder_;
  sandbox::EmbeddedCluster cluster_;
  std::unique_ptr<kubernetes::Api> admin_;
};

} // namespace

std::unique_ptr<Cluster> make_sandbox_cluster() {
  return std::make_unique<SandboxCluster>();
}

} // namespace runtime_agent::e2e
