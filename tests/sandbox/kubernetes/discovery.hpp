#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/resource_type.hpp"

namespace runtime_agent::sandbox::kube {

/// What kubectl asks first: /version, /api, /apis, /api/v1, /apis/G, /apis/G/V, /openapi/v3 and what is below it.
/// Nothing for other paths.
std::optional<Json> discover(const std::vector<std::string>& segments, const std::vector<ResourceType>& types);

} // namespace runtime_agent::sandbox::kube
