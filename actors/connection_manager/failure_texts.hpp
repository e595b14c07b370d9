#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "messages/configuration.hpp"
#include "transport/failure.hpp"

/// What the operator reads: each Failure says what happens next. Pure.
namespace runtime_agent::connection_manager {

/// How a refusal by a service is told, everywhere (contract 2.2).
inline constexpr std::string_view certificate_refused_text =
    "Compass refuses this certificate (revoked, or the Runtime was unregistered)";

/// `failure` with "trying again in 40 s".
Failure trying_again(Failure failure, std::chrono::milliseconds delay);

/// A token that has been used up by `failure`: what to do about it, and where.
Failure token_is_spent(Failure failure, const ConnectionConfiguration& configuration, std::chrono::milliseconds delay);

/// Something else than the Connector has answered: whether the token is spent shows when it is tried again.
Failure not_by_the_connector(Failure failure);

/// A service that answered refuses the certificate in use; `problem`: what getting another one met, if anything.
Failure certificate_is_refused(Failure refusal, const std::optional<Failure>& problem);

/// The agent stopped while the CSR was under way.
Failure reply_was_lost();

} // namespace runtime_agent::connection_manager
