#pragma once

#include <memory>
#include <string>

#include <openssl/x509.h>

#include "transport/failure.hpp"

namespace runtime_agent::http {

/// CA certificates to believe.
struct TrustStore {
  std::shared_ptr<X509_STORE> store;
  /// What of the operator's files could not be used, file and reason named; empty where all of it was. It belongs into
  /// the error of a server that is not believed.
  std::string left_out{};
};

/// The system's CA certificates, or those of SSL_CERT_FILE and SSL_CERT_DIR. A block that is broken is left out and
/// named, the rest is used. One store for all callers, as it takes megabytes; files are read again where one has
/// changed.
/// @return configuration where none is found
Result<TrustStore> system_trust();

/// Strictly the certificates of `pem`.
/// @return configuration where it holds none, or a broken one
Result<TrustStore> trust_in(const std::string& pem);

} // namespace runtime_agent::http
