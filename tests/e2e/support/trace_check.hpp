#pragma once

#include <string>
#include <vector>

#include "actors/supervision/trace_file.hpp"

namespace runtime_agent::e2e {

/// What is wrong with the trace of an agent, a sentence each: a span without its root in a cycle that does not say that
/// spans are left out, two roots in one cycle, a handler that used more than 20 ms of CPU time. `ended_orderly`: the
/// process has told everything to its end; else spans that were open have no record, and only the handlers are looked
/// at. Source: architecture §4.
std::vector<std::string> trace_problems(const supervision::TraceFile& trace, bool ended_orderly);

} // namespace runtime_agent::e2e
