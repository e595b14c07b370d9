#pragma once

#include <string>
#include <vector>

namespace runtime_agent::sandbox::kube {

/// The files of deploy/chart/runtime-agent/crds as they were at the build: the sandbox works without the source tree.
std::vector<std::string> embedded_definitions();

} // namespace runtime_agent::sandbox::kube
