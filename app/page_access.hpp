#pragma once

#include <optional>
#include <string>

#include "app/web_server.hpp"

namespace runtime_agent::app {

/// Why a request to the pages is refused; nullopt: it is not. They are for whoever reaches the pod's loopback: the Host
/// header has to name loopback, so that no page of elsewhere gets at them through a name that it has made point here
/// (DNS rebinding); and a POST of a browser has to come from one of the pages themselves.
std::optional<std::string> refused(const WebRequest& request);

} // namespace runtime_agent::app
