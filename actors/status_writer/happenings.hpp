#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/status_writer/connection_status.hpp"

/// What is worth an Event: changes, never one a cycle. Source: architecture §8.
namespace runtime_agent::status_writer {

/// Something that has happened to the CompassConnection or to an Application, in words for `kubectl describe`.
struct Happening {
  bool warning = false;
  std::string reason; ///< CamelCase
  std::string message;
  std::string application; ///< name of an Application in the cluster; empty: the CompassConnection
  bool operator==(const Happening&) const = default;
};

/// The connection's state has changed to `state`, for the reason that `facts` hold.
Happening state_changed(const Facts& facts, std::string_view state);

/// Problems and warnings of Applications as they were told last: by name, without ids of requests.
struct ToldProblems {
  std::map<std::string, std::string> problems;
  std::map<std::string, std::string> warnings;
};

/// Applications whose problem or warning is new, has changed, or is resolved; updates `told`. At most 50 at a time, and
/// one entry that says how many more there are.
std::vector<Happening> problems_changed(const DesiredStateApplied& applied, ToldProblems& told);

/// `text` without " (x-request-id …)", which differs in each cycle.
std::string without_request_id(std::string text);

} // namespace runtime_agent::status_writer
