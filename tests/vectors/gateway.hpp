#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

/// How the central gateway resolves URLs, written apart from the agent's own rule. Source: contract §9.
namespace runtime_agent::vectors {

/// Of Applications as the cluster holds them, those of Compass: each `centralGatewayUrl` for which the gateway does not
/// find exactly one API entry, by the Application's name. Empty: every URL works.
std::map<std::string, std::set<std::string>> unresolvable(const std::vector<nlohmann::ordered_json>& applications);

} // namespace runtime_agent::vectors
