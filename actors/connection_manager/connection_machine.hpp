#pragma once

#include "actors/connection_manager/connection_state.hpp"

/// The connection's life as a state machine: state + event + moment → state + action. Pure, so the actor only carries
/// out what it says, and the model check (tests/unit/connection_model) explores this very machine. Its diagram is in
/// CONTRIBUTING.md. Source: contract §§2.1, 2, 5.4.
namespace runtime_agent::connection_manager {

/// Takes `event` into account and decides. Where no action is under way, the result is begun at once, and the state
/// says so: the caller carries it out and brings the answer as an event. `wait`: until `due`, unless an event comes
/// first; while an action is under way, until its answer.
Next advance(ConnectionState& state, Event event, const Moment& moment, const Policy& policy);

/// What the state means at this moment, for `standing` and `next_action` of pairing.hpp.
Situation situation(const ConnectionState& state, const Moment& moment, const Policy& policy);

} // namespace runtime_agent::connection_manager
