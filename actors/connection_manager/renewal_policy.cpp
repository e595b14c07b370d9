#include "actors/connection_manager/renewal_policy.hpp"

#include <algorithm>

namespace runtime_agent::connection_manager {
namespace {

using Seconds = std::chrono::duration<double>;

/// In floating point, since the extremes of the clock do not fit its own unit.
Seconds between(x509::TimePoint from, x509::TimePoint to) {
  return Seconds(to.time_since_epoch()) - Seconds(from.time_since_epoch());
}

} // namespace

bool renewal_due(const RenewalPolicy& policy, const RenewalFacts& facts) {
  if (facts.requested)
    return true;
  const Seconds whole = std::max(between(facts.validity.not_before, facts.validity.not_after), Seconds(0));
  if (facts.since_last_renewal &&
      Seconds(*facts.since_last_renewal) < std::max(whole / 10, Seconds(policy.minimal_sync_time)))
    return false;
  if (facts.ca_missing)
    return true;
  const double threshold = policy.threshold * (1 + 0.1 * std::clamp(facts.jitter, 0.0, 1.0));
  if (x509::validity_left(facts.validity, facts.now) < threshold)
    return true;
  if (facts.since_obtained && Seconds(*facts.since_obtained) > whole * (1 - threshold))
    return true;
  const Seconds left = between(facts.now, facts.validity.not_after);
  return left < std::min(2 * Seconds(policy.minimal_sync_time), whole / 2);
}

} // namespace runtime_agent::connection_manager
