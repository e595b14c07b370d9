#include "tests/e2e/support/trace_check.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "actors/supervision/trace_tree.hpp"

namespace runtime_agent::e2e {
namespace {

using supervision::Cycle;
using supervision::Span;
using supervision::SpanKind;

// Without optimisation, and with a sanitizer, the same handler takes several times as long.
#if defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t most_cpu = 100'000;
#elif !defined(__OPTIMIZE__)
constexpr std::uint32_t most_cpu = 60'000;
#else
constexpr std::uint32_t most_cpu = 20'000;
#endif

void look_at_tree(const Cycle& cycle, std::vector<std::string>& problems) {
  if (cycle.left_out > 0)
    return; // it says so
  std::set<std::uint64_t> known;
  for (const Span& span : cycle.spans)
    known.insert(span.record.span);
  std::size_t roots = 0;
  for (const Span& span : cycle.spans) {
    roots += span.record.parent == 0 ? 1 : 0;
    if (span.record.parent != 0 && !known.contains(span.record.parent))
      problems.push_back(fmt::format("trace {}: what has caused {} of {} is not there\n{}", cycle.trace.uuid(),
                                     span.name, span.receiver, render_tree(cycle)));
  }
  if (roots != 1)
    problems.push_back(fmt::format("trace {} has {} roots\n{}", cycle.trace.uuid(), roots, render_tree(cycle)));
}

void look_at_handlers(const Cycle& cycle, std::vector<std::string>& problems) {
  for (const Span& span : cycle.spans)
    if (span.record.cpu > most_cpu)
      problems.push_back(fmt::format("{} has used {} µs of CPU time for {} (at most {})", span.receiver,
                                     span.record.cpu, span.name, most_cpu));
}

} // namespace

std::vector<std::string> trace_problems(const supervision::TraceFile& trace, bool ended_orderly) {
  std::vector<std::string> problems;
  for (const Cycle& cycle : trace.cycles) {
    if (ended_orderly)
      look_at_tree(cycle, problems);
    look_at_handlers(cycle, problems);
  }
  constexpr std::size_t shown = 5;
  if (problems.size() > shown)
    problems.resize(shown);
  return problems;
}

} // namespace runtime_agent::e2e
