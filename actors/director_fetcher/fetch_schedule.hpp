#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "transport/failure.hpp"
#include "transport/http/backoff.hpp"

/// When to call the Director next. Pure but for the random source. Source: contract §§1.2, 1.3, 4.
namespace runtime_agent::director_fetcher {

using Time = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

struct Pace {
  Milliseconds period{20'000};           ///< between synchronizations
  Milliseconds minimal_interval{10'000}; ///< least time between calls, but for a person's request
  Milliseconds ceiling{300'000};         ///< of the back-off
  /// Least time between two fetches that a person has asked for: nobody sees what has come of one sooner, and what asks
  /// more often is a program.
  Milliseconds between_requests{2'000};
  double jitter = 0.1; ///< of the period, so that a fleet does not call at once
};

/// One limiter for every path to a fetch: timer, new connection, a person's request, a confirmation.
class FetchSchedule {
public:
  /// `random` returns values from 0 up to but not including 1.
  FetchSchedule(Pace pace, std::function<double()> random);

  /// A fetch starts now.
  void started(Time now);
  /// It succeeded: the next is due after the period.
  void succeeded();
  /// It failed: the next is due after a back-off, and not before `Retry-After` has passed, whoever asks.
  void failed(Time now, const Failure& failure);
  /// Another call to the Director failed: its `Retry-After` counts for the next fetch as well.
  void heed(Time now, const Failure& failure);
  /// A new connection, or a confirmation that is wanted: as soon as the minimal interval allows.
  void soon();
  /// A person asks: now, but for a `Retry-After` and for what a person has asked for just before.
  void person_asks();

  /// Something of what is asked for has changed: the back-off starts over.
  void reset();

  /// How long from `now` until the next fetch may start; 0: now.
  Milliseconds wait(Time now) const;

private:
  Pace pace_;
  std::function<double()> random_;
  http::Backoff backoff_;
  std::optional<Time> last_start_;
  Milliseconds delay_{0};          ///< from the last start
  std::optional<Time> not_before_; ///< by Retry-After
  bool person_ = false;
  std::optional<Time> person_start_; ///< of the last fetch that a person has asked for
};

} // namespace runtime_agent::director_fetcher
