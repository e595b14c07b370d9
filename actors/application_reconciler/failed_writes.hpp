#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/application_reconciler/digest.hpp"

namespace runtime_agent::application_reconciler {

/// Applications that the API server refused: each is tried again after a back-off of its own, so that one that is
/// refused for ever (too large, an admission rule) costs next to nothing. Pure but for the random source.
class FailedWrites {
public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  /// From `initial` the back-off doubles up to `ceiling`. `random` returns values from 0 up to but not including 1.
  FailedWrites(Milliseconds initial, Milliseconds ceiling, std::function<double()> random);

  bool empty() const { return entries_.empty(); }
  /// Why it failed, where it is too early to try again; null: try. `wanted`: of what the Application should be; what
  /// has changed is tried at once.
  const std::vector<std::string>* waiting(const std::string& application, const Digest& wanted, TimePoint now) const;
  void failed(const std::string& application, const Digest& wanted, std::vector<std::string> reasons, TimePoint now);
  void succeeded(const std::string& application) { entries_.erase(application); }
  /// Forgets all but those.
  void keep(const std::set<std::string>& applications);
  /// When the next may be tried again.
  std::optional<TimePoint> next() const;

private:
  struct Entry {
    Digest wanted{};
    std::vector<std::string> reasons;
    Milliseconds delay{0};
    TimePoint not_before;
  };
  const Milliseconds initial_, ceiling_;
  const std::function<double()> random_;
  std::map<std::string, Entry> entries_;
};

} // namespace runtime_agent::application_reconciler
