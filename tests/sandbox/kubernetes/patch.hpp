#pragma once

#include <string>

#include "tests/sandbox/kubernetes/resource_type.hpp"

namespace runtime_agent::sandbox::kube {

/// Applies a PATCH body of the given media type: JSON merge patch, JSON patch, or (built-in types only) a strategic
/// merge patch with the list keys that metadata needs. Server-side apply is not supported.
Answer<Json> patched(const ResourceType& type, Json object, const std::string& media_type, const std::string& body);

} // namespace runtime_agent::sandbox::kube
