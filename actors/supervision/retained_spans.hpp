#pragma once

#include <cstddef>
#include <vector>

#include "actors/supervision/span.hpp"

namespace runtime_agent::supervision {

/// The records of at most `limit` of a cycle's spans, in their order: those that failed and what led to them come
/// first, then the cycle from its beginning.
std::vector<SpanRecord> worth_keeping(const std::vector<Span>& spans, std::size_t limit);

} // namespace runtime_agent::supervision
