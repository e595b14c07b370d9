#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "transport/x509/identity.hpp"

namespace runtime_agent::x509 {

/// By how much this clock and the issuer's may differ before a certificate counts as not valid (contract §2): what
/// Kerberos and most token services allow, and far more than NTP leaves.
inline constexpr std::chrono::seconds clock_skew = std::chrono::minutes(5);

/// What the Connector signed, as PEM.
struct IssuedCertificate {
  std::string certificate_pem;
  std::string chain_pem; ///< the certificate, then the CA certificate(s)
  std::string ca_pem;
  bool operator==(const IssuedCertificate&) const = default;
};

/// Checks what came back before it is stored or used: every PEM parses, the public key is our key's, the chain begins
/// with the certificate and holds (or the CA does) the one that signed it, and it is within its validity at `now`,
/// give or take `skew`. Failure (malformed): which of these does not hold; for the validity with the clock's time.
Result<IdentityPtr> check_certificate(const IssuedCertificate& issued, const Secret& key_pem, TimePoint now,
                                      std::chrono::seconds skew = clock_skew);

/// Why the certificate does not hold at `now`, with the clock's time, since a wrong clock is the usual reason; nullopt
/// where it does. "not yet valid: the clock here says 2026-01-01T00:00:00Z, its validity begins …".
std::optional<std::string> outside_validity(const Validity& validity, TimePoint now, std::chrono::seconds skew);

} // namespace runtime_agent::x509
