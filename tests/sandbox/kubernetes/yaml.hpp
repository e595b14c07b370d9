#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace runtime_agent::sandbox::kube {

/// One YAML document (JSON is one, too) as JSON. Throws std::invalid_argument where it is none.
nlohmann::json json_of_yaml(const std::string& yaml);

} // namespace runtime_agent::sandbox::kube
