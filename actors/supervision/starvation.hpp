#pragma once

#include <chrono>

#include "actors/supervision/watchdog.hpp"

/// A process that gets a hundredth of a CPU is slow, not stuck: to end it would only make it begin anew.
namespace runtime_agent::supervision {

/// With less than this share of one CPU, and more wanted, what gets no answer is taken for starved.
inline constexpr double starved_below = 0.2;

/// How much of `elapsed` counts against one that is silent. `used`: CPU time of the whole process in it. Where nobody
/// waits for the CPU, all: whoever is silent is blocked. Where somebody does, as much as the process got: in a loop
/// without an end, the deadline comes after the same work.
std::chrono::steady_clock::duration time_that_counts(std::chrono::steady_clock::duration elapsed,
                                                     std::chrono::nanoseconds used, bool wanted);

/// Of this process, from the kernel.
CpuSource cpu_of_this_process();

} // namespace runtime_agent::supervision
