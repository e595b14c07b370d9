#pragma once

#include <optional>
#include <string>

#include "actors/connection_manager/connection_machine.hpp"

/// What the state says to others. Pure. Source: contract §5.4.
namespace runtime_agent::connection_manager {

/// What the DirectorFetcher needs; nullopt: there is no usable certificate, or it is not known whose it is.
std::optional<Connection> usable_connection(const ConnectionState& state, const Moment& moment, const Policy& policy);
bool same(const Connection& one, const Connection& other);

/// Where there is none: why, and what the state is to say of it.
ConnectionLost why_lost(const ConnectionState& state, const Moment& moment, const Policy& policy);

/// The whole present fact for the StatusWriter.
ConnectionReport connection_report(const ConnectionState& state, const Moment& moment, const Policy& policy);

} // namespace runtime_agent::connection_manager
