#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "transport/kubernetes/cluster_config.hpp"

namespace runtime_agent::kubernetes {

/// Merges the files as client-go does (of two entries with one name, and of two current-contexts, the first file's
/// wins) and takes `context` out, or the current one where it is empty. Relative paths are the folder's of the file
/// that has them. Failure (configuration): file, key, what was expected.
Result<ClusterConfig> kubeconfig(const std::vector<std::filesystem::path>& files, const std::string& context);

} // namespace runtime_agent::kubernetes
