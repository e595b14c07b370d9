#pragma once

#include <string_view>

#include "actors/supervision/log.hpp"

/// The level as it is at the moment: for the page that shows and sets it.
namespace runtime_agent::log {

/// From which level on lines are written. Thread-safe.
Level level();
/// "debug", "info", "warning", "error"; "off".
std::string_view to_string(Level level);

} // namespace runtime_agent::log
