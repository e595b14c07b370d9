#pragma once

#include <chrono>
#include <optional>

#include "transport/x509/identity.hpp"

/// When to renew the certificate. Pure. Source: contract §2.
namespace runtime_agent::connection_manager {

struct RenewalPolicy {
  double threshold = 0.3; ///< share of the validity, 0 to 1
  std::chrono::milliseconds minimal_sync_time{10'000};
};

struct RenewalFacts {
  x509::Validity validity;
  x509::TimePoint now;
  bool ca_missing = false; ///< the CA certificate is nowhere on record
  bool requested = false;  ///< by a person
  /// Drawn once for each certificate, 0 to 1: a fleet that was paired together does not renew together.
  double jitter = 0;
  /// By the monotonic clock; nullopt: not renewed in this process.
  std::optional<std::chrono::milliseconds> since_last_renewal{};
  /// The same since this process has had the certificate from its issuer; nullopt: it was on record.
  std::optional<std::chrono::milliseconds> since_obtained{};
};

/// A person's wish counts always. Otherwise: less than the threshold (and up to a tenth of it more, by jitter) is left,
/// or less than twice the minimal sync time (but not more than half the validity), or the CA is missing; and the last
/// renewal is a tenth of the validity ago, so that a clock that runs far ahead does not renew without end. A clock that
/// was set back hides no end of the validity either: how long the certificate has been held counts as well.
bool renewal_due(const RenewalPolicy& policy, const RenewalFacts& facts);

} // namespace runtime_agent::connection_manager
