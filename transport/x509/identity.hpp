#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "transport/failure.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::x509 {

using TimePoint = std::chrono::system_clock::time_point;

/// A certificate's validity, from its own fields.
struct Validity {
  TimePoint not_before;
  TimePoint not_after;
  bool operator==(const Validity&) const = default;
};

/// A client certificate with its key: made by `make_identity`, which has checked that the two belong together.
/// Immutable and shared: clients that still use an older one keep it alive.
struct Identity {
  std::string certificate_pem; ///< the client certificate alone
  std::string chain_pem;       ///< the client certificate, then the CA certificate(s)
  Secret key_pem;              ///< PKCS#1
  std::string ca_pem;          ///< CA certificate(s) as the Connector gave them
  Validity validity;
  std::string serial;  ///< hexadecimal
  std::string subject; ///< as RFC 2253 prints it
};
using IdentityPtr = std::shared_ptr<const Identity>;

/// Checks that every PEM parses and that the key is the certificate's; does not look at the time.
/// Failure (malformed): says which of the parts is wrong and how; never shows the key.
Result<IdentityPtr> make_identity(const std::string& certificate_pem, const std::string& chain_pem,
                                  const Secret& key_pem, const std::string& ca_pem);

/// Share of the validity still left at `now`, 0 to 1; 0 once expired. Source: contract §2.
double validity_left(const Validity& validity, TimePoint now);

} // namespace runtime_agent::x509
