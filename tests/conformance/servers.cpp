// Which servers the suite runs on.
#include "tests/conformance/fixture.hpp"

namespace runtime_agent::conformance {
namespace {

std::vector<std::string> servers() {
  if (std::getenv("RUNTIME_AGENT_CLUSTER_KUBECONFIG"))
    return {"sandbox", "cluster"};
  return {"sandbox"};
}

} // namespace

INSTANTIATE_TEST_SUITE_P(On, KubernetesApi, testing::ValuesIn(servers()), [](const auto& one) { return one.param; });

} // namespace runtime_agent::conformance
