#pragma once

#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

namespace runtime_agent::sandbox::kube {

constexpr std::string_view protobuf_type = "application/vnd.kubernetes.protobuf";

/// The object of a body in Kubernetes' protobuf form, which kubectl uses for `create namespace`, `create secret`,
/// `create configmap`, `create serviceaccount`, `auth can-i` and options of deletions; nothing for other kinds.
std::optional<nlohmann::json> json_of_protobuf(std::string_view body);

} // namespace runtime_agent::sandbox::kube
