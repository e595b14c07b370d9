#pragma once

#include <array>
#include <string>
#include <string_view>

#include "actors/status_writer/connection_status.hpp"

/// `status.conditions`: what `kubectl wait` and other controllers look at, beside the contract's own fields.
namespace runtime_agent::status_writer {

struct Condition {
  std::string_view type;
  std::string_view status; ///< "True", "False" or "Unknown"
  std::string reason;      ///< CamelCase
  std::string message;
};

/// Connected: there is a usable certificate, and connecting anew does not fail. Synchronized: the last cycle did all of
/// its work. Ready: both, and maintaining the connection does not fail either. `state`: as `connection_state` says.
std::array<Condition, 3> conditions(const Facts& facts, std::string_view state);

/// Brings `status.conditions` in line: other types stay, and `lastTransitionTime` moves to `facts.now` where a status
/// changes. Returns whether anything has changed.
bool apply_conditions(kubernetes::Json& status, const Facts& facts, std::string_view state);

} // namespace runtime_agent::status_writer
