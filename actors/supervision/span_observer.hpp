#pragma once

#include "actors/supervision/span.hpp"

namespace runtime_agent::supervision {

/// Hears of every span, those over the limit of their cycle included. Called by whoever records: thread-safe, lock-free
/// and without allocation.
class SpanObserver {
public:
  virtual ~SpanObserver() = default;
  virtual void recorded(const SpanRecord& record) noexcept = 0;
};

} // namespace runtime_agent::supervision
