#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/connection_model/world_model.hpp"

namespace runtime_agent::connection_model {

struct Exploration {
  std::size_t states = 0;
  std::size_t transitions = 0;
  std::size_t depth = 0; ///< happenings from the beginning to the farthest state
  /// The first invariant that broke, with what had happened; empty: none.
  std::string violation;
  /// What made the machine's standing change from one to another.
  std::map<std::pair<Standing, Standing>, std::set<std::string>> edges;
};

/// Explores every state that can be reached with at most so many disturbances and any ordinary course between them.
/// Checks the invariants of each transition, and from each state that the ordinary course leads to one that
/// `WorldModel::unsettled` has nothing to say against.
Exploration explore(const std::vector<WorldModel>& beginnings, unsigned most_disturbances);

} // namespace runtime_agent::connection_model
