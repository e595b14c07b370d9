#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/e2e/support/world.hpp"

namespace runtime_agent::e2e {

/// One of the agent's requests: the how-many-th of its kind in a run.
struct Point {
  std::string service; ///< "kubernetes", "connector-token", "connector", "director"
  std::string request; ///< "update secrets kyma-system/cluster-client-certificates", "configuration"
  int occurrence = 1;

  std::string text() const { return service + " " + request + " #" + std::to_string(occurrence); }
  auto operator<=>(const Point&) const = default;
};

/// Whether a request to the cluster is the agent's, and not the test's own.
bool is_agents(const sandbox::kube::RequestRecord& record);
/// Its kind; `occurrence` is left at 1.
Point kind_of(const sandbox::kube::RequestRecord& record);
Point kind_of(const sandbox::compass::RequestRecord& record);

/// All of the agent's requests so far, in the order in which they came.
std::vector<Point> points_of(World& world);

} // namespace runtime_agent::e2e
