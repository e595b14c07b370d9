#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "actors/connection_manager/pairing.hpp"
#include "transport/failure.hpp"
#include "transport/http/backoff.hpp"

namespace runtime_agent::connection_manager {

/// When one kind of work is due next, and its back-off. Not thread-safe.
class Lane {
public:
  using Milliseconds = std::chrono::milliseconds;

  /// `random` as http::Backoff takes it.
  Lane(Milliseconds initial, Milliseconds ceiling, std::function<double()> random);

  Time due() const { return due_; }
  void succeeded(Time next = Time::min());
  /// Nothing of what failed is as it was: the back-off starts over.
  void reset();
  /// Both return how long from `now` it will be: by the back-off, or at its slow end, and not before `Retry-After`.
  Milliseconds failed(Time now, const Failure& failure);
  Milliseconds failed_for_long(Time now, const Failure& failure);

private:
  Milliseconds put_off(Time now, Milliseconds delay, const Failure& failure);

  Milliseconds ceiling_;
  std::function<double()> random_;
  http::Backoff backoff_;
  Time due_ = Time::min();
};

} // namespace runtime_agent::connection_manager
