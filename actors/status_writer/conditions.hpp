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

/// Updates `status.conditions`, with a fourth, Contested, once somebody else has kept changing this object:
/// other types stay, and `lastTransitionTime` moves to `facts.now` where a status
/// changes. Returns whether anything has changed.
bool apply_conditions(kubernetes::Json& status, const Facts& facts, std::string_view state);

/// Whether somebody has changed `object` since its conditions were written. Never where the definition drops the field.
bool conditions_are_behind(const kubernetes::Json& object);

/// For an object that is about to be written with a change: there is no status subresource, so that the write makes the
/// next generation, and it is that one which the conditions are about.
void observe_next_generation(kubernetes::Json& object);

} // namespace runtime_agent::status_writer
