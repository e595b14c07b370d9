#pragma once

#include <string>

#include "tests/unit/connection_model/explorer.hpp"

namespace runtime_agent::connection_model {

/// The Mermaid state diagram of what was explored: the machine's standings, and the events that lead from one to
/// another. With the lines around it that mark its place in CONTRIBUTING.md.
std::string diagram(const Exploration& exploration);

} // namespace runtime_agent::connection_model
