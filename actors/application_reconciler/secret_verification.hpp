#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "actors/application_reconciler/desired_objects.hpp"
#include "actors/application_reconciler/observed_state.hpp"

/// Secrets that may not be listed are read by name: each before the first plan that needs it, and then again and again,
/// spread over the verification period. Pure but for the random source. Source: architecture §8.
namespace runtime_agent::application_reconciler {

class SecretVerification {
public:
  /// Read in one call: its overhead is a small part then.
  static constexpr std::size_t reads_in_a_call = 25;

  struct Choice {
    std::vector<std::string> unread; ///< sorted
    std::set<std::string> read;      ///< those of `read` that still matter
  };
  /// Of all Secrets that may be there (of what is desired, what the Applications refer to, and what was seen), those
  /// that are not in `read`. Looks at everything: for I/O threads.
  static Choice choose(const DesiredObjects& desired, const ObservedState& observed, std::set<std::string> read);

  /// `random` returns values from 0 up to but not including 1.
  SecretVerification(std::chrono::milliseconds period, std::function<double()> random);

  /// Something may have been missed: all have to be read before the next plan.
  void restart() { read_.clear(); }
  /// It was read, or written: whether it is there, is known.
  void was_read(const std::string& name) { read_.insert(name); }
  /// It has to be read before the next plan.
  void forget(const std::string& name) { read_.erase(name); }
  /// What `choose` works on; empty until it is given back.
  std::set<std::string> take() { return std::exchange(read_, {}); }
  void give_back(std::set<std::string> read) { read_.merge(std::move(read)); }

  /// Those to be read again next: a few, so that each has its turn once in the period.
  std::vector<std::string> next();
  /// What came of the last `next` could not be used: the same again.
  void again() { next_ = last_; }
  /// How long to wait until then: with all others, and jitter, no longer than the period.
  std::chrono::milliseconds pause() const;

private:
  static constexpr std::size_t turns_at_least = 30; // in a period, where there are so many Secrets
  std::size_t turns() const;

  const std::chrono::milliseconds period_;
  const std::function<double()> random_;
  std::set<std::string> read_;
  std::vector<std::string> round_; ///< each has its turn once
  std::size_t next_ = 0;           ///< in round_
  std::size_t last_ = 0;           ///< where `next` last began
};

} // namespace runtime_agent::application_reconciler
