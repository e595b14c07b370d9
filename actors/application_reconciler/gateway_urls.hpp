#pragma once

#include <string>

#include "transport/compass/types.hpp"

/// Which of an Application's URLs the central gateway cannot resolve. Source: contract §9.
namespace runtime_agent::application_reconciler {

/// The gateway takes the API entry whose normalised name, and whose bundle's, are those of the path, and answers 400
/// "multiple services found" where several have them. Names each such path with its definitions; empty where every URL
/// has exactly one. The order of bundles and definitions does not show. At most reason_limit bytes.
std::string gateway_warning(const compass::Application& source);

} // namespace runtime_agent::application_reconciler
