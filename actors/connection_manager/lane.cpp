#include "actors/connection_manager/lane.hpp"

#include <algorithm>

namespace runtime_agent::connection_manager {

Lane::Lane(Milliseconds initial, Milliseconds ceiling)
    : ceiling_(std::max(initial, ceiling)), backoff_(initial, ceiling) {}

void Lane::succeeded(Time next) {
  backoff_.reset();
  due_ = next;
}

void Lane::reset() {
  backoff_.reset();
  due_ = Time::min();
}

Lane::Milliseconds Lane::failed(const Moment& moment, const Failure& failure, Milliseconds at_most) {
  return put_off(moment.now, std::min(backoff_.next(moment.chance), at_most), failure);
}

Lane::Milliseconds Lane::failed_for_long(const Moment& moment, const Failure& failure) {
  // Some jitter here as well: tokens of a fleet run out together.
  const auto share = 0.8 + 0.2 * moment.chance;
  return put_off(moment.now,
                 Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(ceiling_.count()) * share)), failure);
}

Lane::Milliseconds Lane::put_off(Time now, Milliseconds delay, const Failure& failure) {
  delay = std::max(delay, failure.retry_after.value_or(Milliseconds(0)));
  due_ = now + delay;
  return delay;
}

} // namespace runtime_agent::connection_manager
