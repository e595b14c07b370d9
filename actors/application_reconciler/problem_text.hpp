#pragma once

#include <cstddef>

#include "transport/utf8.hpp"

namespace runtime_agent::application_reconciler {

/// How long the reason of one Application's problem may be, in bytes: it goes into a status and into log lines.
inline constexpr std::size_t reason_limit = 600;

/// Of a write that conflicts, or of a deletion of what changes. Source: architecture §6.
inline constexpr int attempts_at_most = 5;

} // namespace runtime_agent::application_reconciler
