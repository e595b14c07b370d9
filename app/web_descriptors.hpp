#pragma once

#include <cstddef>

namespace runtime_agent::app {

/// `wanted` connections, or a quarter of this process's descriptors where that is less, so that the agent's own calls
/// always find one; four in any case, since some have to be possible.
std::size_t connections_allowed(std::size_t wanted);

} // namespace runtime_agent::app
