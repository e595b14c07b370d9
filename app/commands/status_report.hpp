#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/status_writer/connection_status.hpp"
#include "app/pages/html.hpp"

/// `runtime-agent status` from what was read. Pure.
namespace runtime_agent::app {

struct SecretFacts {
  std::string name; ///< "compass-system/cluster-client-certificates"
  std::string created;
  std::vector<std::string> keys;
  std::string problem; ///< empty: it was read
};

struct StatusFacts {
  Json connection;     ///< the CompassConnection; null: see `problem`
  std::string problem; ///< why there is none
  std::vector<SecretFacts> secrets;
  Json events = Json::array();             ///< Event objects
  std::optional<std::size_t> applications; ///< those that belong to Compass; nullopt: they may not be listed
  Json agent;                              ///< its overview page; null: it is not reached from here
};

Json status_document(const StatusFacts& facts, WallTime now);
std::string status_text(const Json& document);

} // namespace runtime_agent::app
