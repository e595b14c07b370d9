#pragma once

#include <chrono>

#include "messages/status.hpp"

namespace runtime_agent::connection_manager {

using Time = std::chrono::steady_clock::time_point;

/// When an event comes: all that a decision may take from outside.
struct Moment {
  Time now;          ///< for back-offs and intervals
  WallTime wall;     ///< for validities, and for what is shown; may be wrong
  double chance = 0; ///< drawn for this event, from 0 up to but not including 1: for jitter
};

} // namespace runtime_agent::connection_manager
