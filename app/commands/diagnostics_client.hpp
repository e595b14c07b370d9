#pragma once

#include "app/commands/command.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::app {

/// The JSON document of a page of the agent that listens on this machine's loopback (`APP_DIAGNOSTICS_PORT`), with what
/// `path` asks for: "/actorz", "/tracez?last=". Failure: nothing listens there, which is said with how to reach the
/// agent of a pod; or the page's own refusal.
Result<nlohmann::ordered_json> diagnostics_page(std::uint16_t port, const std::string& path);

/// Says a Failure on `invocation.err`. Returns the exit code of a command that could not do its work.
int say_failure(const Invocation& invocation, const Failure& failure);

inline constexpr int exit_failed = 1;

} // namespace runtime_agent::app
