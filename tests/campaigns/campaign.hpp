#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace runtime_agent::campaigns {

/// What a campaign of many runs is made with. In full with RUNTIME_AGENT_LONG=1; otherwise a sample, drawn with
/// RUNTIME_AGENT_SEED or a random seed, for a bounded time. RUNTIME_AGENT_RUN="name of a run" does that one alone.
struct Plan {
  bool whole = false;
  std::uint64_t seed = 0;
  std::string only;
  std::size_t sample = 0;         ///< how many runs a sample has at most
  std::chrono::seconds budget{0}; ///< after which a sample begins no more
};
Plan make_plan(std::size_t sample, std::chrono::seconds budget);

/// Which of `names` are to be run, and in which order.
std::vector<std::size_t> choose(const Plan& plan, const std::vector<std::string>& names);

/// Does `work` with each of `chosen`, on so many threads (0: RUNTIME_AGENT_WORKERS, or 4); those that a sample's budget
/// has no time for are left out. Returns how many were done.
std::size_t run_all(const Plan& plan, const std::vector<std::size_t>& chosen,
                    const std::function<void(std::size_t)>& work, std::size_t workers = 0);

/// The command that repeats one run.
std::string command_for(const std::string& test, const std::string& run);

} // namespace runtime_agent::campaigns
