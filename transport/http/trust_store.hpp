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
  /// Of the files that it was read from; 0: of none.
  std::size_t fingerprint = 0;
};

/// The system's CA certificates, or those of SSL_CERT_FILE and SSL_CERT_DIR. A block that is broken is left out and
/// named, the rest is used. One store for all callers, as it takes megabytes; files are read again where one has
/// changed.
/// @return configuration where none is found
Result<TrustStore> system_trust();

/// Whether one of the files that this was read from has changed since, or the settings have that name them. Costs a
/// look at each file.
bool has_changed(const TrustStore& trust);

/// Strictly the certificates of `pem`.
/// @return configuration where it holds none, or a broken one
Result<TrustStore> trust_in(const std::string& pem);

} // namespace runtime_agent::http
