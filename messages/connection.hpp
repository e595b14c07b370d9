#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "transport/failure.hpp"
#include "transport/x509/identity.hpp"

/// What ConnectionManager tells. Source: contract §§2, 5.4.
namespace runtime_agent {

/// A usable connection: everything needed to call Compass. Immutable.
struct Connection {
  x509::IdentityPtr identity;
  std::string director_url;
  std::string connector_url; ///< certificate-secured
  std::string runtime_id;
  std::string tenant;
};

/// There is a usable certificate, and this is where it is good. Said again when anything in it changes.
struct ConnectionReady {
  std::shared_ptr<const Connection> connection;
};

/// There is no usable certificate.
struct ConnectionLost {
  std::string reason;
  /// There is a certificate, but `RUNTIME_ID` and `TENANT` are nowhere on record: the state is SynchronizationFailed,
  /// and this is what it says (§5.4).
  std::optional<Failure> unreadable_configuration;
};

/// The Director refuses the client certificate: ConnectionManager looks whether it is still good. Said with each fetch
/// that is refused, and once without a failure when the certificate is taken, for the first time or again.
struct CertificateRefused {
  std::string serial; ///< of that certificate
  std::optional<Failure> failure;
};

} // namespace runtime_agent
