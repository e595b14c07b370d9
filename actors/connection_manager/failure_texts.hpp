#pragma once

#include <chrono>
#include <string>

#include "messages/configuration.hpp"
#include "transport/failure.hpp"

/// What the operator reads: each Failure says what happens next. Pure.
namespace runtime_agent::connection_manager {

/// `failure` with "trying again in 40 s".
Failure trying_again(Failure failure, std::chrono::milliseconds delay);

/// A token that has been used up by `failure`: what to do about it, and where.
Failure token_is_spent(Failure failure, const ConnectionConfiguration& configuration, std::chrono::milliseconds delay);

/// The agent stopped while the CSR was under way.
Failure reply_was_lost();

} // namespace runtime_agent::connection_manager
