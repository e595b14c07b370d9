#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "transport/http/backoff.hpp"

/// Two programs that write one object must not fight at full speed: the one rule for every object that the agent
/// writes. Source: contract §§5.2, 5.4.
namespace runtime_agent::kubernetes {

/// When one object that somebody else changes is put right: at once, but not twice within a second; after three repairs
/// within a minute only with a back-off of full jitter up to the ceiling, until it has been left alone for a minute.
/// What is written because something else is wanted than before is no repair. Pure: time and chance are given. A value.
class RepairPace {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::size_t at_once = 3;
  static constexpr std::chrono::seconds period{60};
  static constexpr std::chrono::seconds least_interval{1};
  static constexpr std::chrono::seconds backoff_initial{20}; ///< never more than `at_once` in a period
  static constexpr std::chrono::seconds ceiling{300};

  /// It differs: when it is to be put right; `now` or earlier: now.
  TimePoint due(TimePoint now);
  /// It has been put right. `chance`: from 0 up to but not including 1.
  void repaired(TimePoint now, double chance);
  /// Somebody else keeps changing it: what differed had to wait, and it has not been left alone for a period since.
  bool contested(TimePoint now) const { return contested_ && !quiet(now); }
  /// It has been left alone for so long that nothing of the past counts.
  bool quiet(TimePoint now) const { return !trouble_ || now - *trouble_ >= period; }

private:
  std::vector<TimePoint> repairs_; ///< within a period, oldest first, at most `at_once`
  http::Backoff backoff_{backoff_initial, ceiling};
  TimePoint due_ = TimePoint::min();
  std::optional<TimePoint> trouble_; ///< it differed last, or is to be put right
  bool backs_off_ = false;
  bool contested_ = false;
};

/// The same for many objects, by any name that tells them apart.
class RepairPaces {
public:
  using TimePoint = RepairPace::TimePoint;

  bool empty() const { return paces_.empty(); }
  /// As of RepairPace. Nothing is kept of an object that was never put right.
  TimePoint due(const std::string& object, TimePoint now);
  void repaired(const std::string& object, TimePoint now, double chance) { paces_[object].repaired(now, chance); }
  bool contested(const std::string& object, TimePoint now) const;
  /// How many objects somebody else keeps changing.
  std::size_t contested(TimePoint now) const;
  /// Forgets what no longer counts.
  void prune(TimePoint now);

private:
  std::map<std::string, RepairPace> paces_;
};

/// For people: what is done about an object that somebody else keeps changing. `manager`: the other's field manager,
/// empty where the object names none.
std::string contested_text(const std::string& manager);

} // namespace runtime_agent::kubernetes
