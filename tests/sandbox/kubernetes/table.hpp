#pragma once

#include <vector>

#include "tests/sandbox/kubernetes/resource_type.hpp"

namespace runtime_agent::sandbox::kube {

/// The objects as meta.k8s.io/v1 Table, as kubectl shows them. `whole_objects`: each row carries its object rather than
/// its metadata alone.
Json make_table(const ResourceType& type, const std::vector<Json>& objects, bool whole_objects, Json list_metadata);

} // namespace runtime_agent::sandbox::kube
