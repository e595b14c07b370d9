#pragma once

#include <string>
#include <vector>

#include "transport/compass/types.hpp"
#include "transport/kubernetes/api.hpp"

/// The recorded cases of tests/vectors, as the agent's own types.
namespace runtime_agent::tests {

/// The names of all cases, sorted.
std::vector<std::string> vector_cases();
/// A file of a case; null where there is none.
kubernetes::Json vector_file(const std::string& name, const std::string& file);
/// A dataset as DirectorClient::fetch gives it.
compass::RuntimeDataPtr runtime_data(const kubernetes::Json& dataset);

} // namespace runtime_agent::tests
