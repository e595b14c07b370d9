#pragma once

#include <chrono>
#include <string>

#include "messages/status.hpp"
#include "transport/kubernetes/api.hpp"

namespace runtime_agent::app {

/// Writes into the CompassConnection why the process ends, so that an operator who looks there finds it; the next
/// process's first success takes it away. Without StatusWriter, which may be what has failed. `reason` begins with the
/// actor's name, and the state is the one that fits what the actor does.
void say_last_words(kubernetes::Json& object, const std::string& reason, WallTime now);

/// The same in the cluster, within `limit`; where that does not succeed, the log and the trace file have to do.
void write_last_words(kubernetes::Api& api, const std::string& reason, WallTime now, std::chrono::milliseconds limit);

} // namespace runtime_agent::app
