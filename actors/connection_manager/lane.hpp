#pragma once

#include <chrono>

#include "actors/connection_manager/moment.hpp"
#include "transport/failure.hpp"
#include "transport/http/backoff.hpp"

namespace runtime_agent::connection_manager {

/// When one kind of work is due next, and its back-off. A value.
class Lane {
public:
  using Milliseconds = std::chrono::milliseconds;

  Lane(Milliseconds initial, Milliseconds ceiling);

  Time due() const { return due_; }
  void succeeded(Time next = Time::min());
  /// Nothing of what failed is as it was: the back-off starts over.
  void reset();
  /// Both return how long from the moment it will be: by the back-off (and no longer than `at_most`), or at its slow
  /// end, and not before `Retry-After`.
  Milliseconds failed(const Moment& moment, const Failure& failure, Milliseconds at_most = Milliseconds::max());
  Milliseconds failed_for_long(const Moment& moment, const Failure& failure);

private:
  Milliseconds put_off(Time now, Milliseconds delay, const Failure& failure);

  Milliseconds ceiling_;
  http::Backoff backoff_;
  Time due_ = Time::min();
};

} // namespace runtime_agent::connection_manager
