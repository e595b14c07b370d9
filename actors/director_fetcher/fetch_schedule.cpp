#include "actors/director_fetcher/fetch_schedule.hpp"

#include <algorithm>
#include <cmath>

namespace runtime_agent::director_fetcher {

FetchSchedule::FetchSchedule(Pace pace, std::function<double()> random)
    : pace_(pace), random_(random), backoff_(pace.minimal_interval, pace.ceiling, std::move(random)) {}

void FetchSchedule::started(Time now) {
  last_start_ = now;
  if (person_)
    person_start_ = now;
  person_ = false;
}

void FetchSchedule::succeeded() {
  backoff_.reset();
  not_before_.reset();
  const double factor = 1 + pace_.jitter * (2 * random_() - 1);
  const Milliseconds jittered(std::llround(static_cast<double>(pace_.period.count()) * factor));
  delay_ = std::max(jittered, pace_.minimal_interval);
}

void FetchSchedule::failed(Time now, const Failure& failure) {
  delay_ = backoff_.next();
  heed(now, failure);
}

void FetchSchedule::heed(Time now, const Failure& failure) {
  if (failure.retry_after)
    not_before_ = std::max(not_before_.value_or(Time::min()), now + *failure.retry_after);
}

void FetchSchedule::soon() {
  delay_ = Milliseconds(0);
}

void FetchSchedule::person_asks() {
  person_ = true;
}

void FetchSchedule::reset() {
  backoff_.reset();
}

Milliseconds FetchSchedule::wait(Time now) const {
  Time due = now;
  if (last_start_ && !person_)
    due = std::max(due, *last_start_ + std::max(delay_, pace_.minimal_interval));
  if (person_ && person_start_)
    due = std::max(due, *person_start_ + pace_.between_requests);
  if (not_before_)
    due = std::max(due, *not_before_);
  return std::chrono::ceil<Milliseconds>(due - now);
}

} // namespace runtime_agent::director_fetcher
