#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "tests/sandbox/compass/openssl_handles.hpp"
#include "tests/sandbox/compass/subject.hpp"

namespace runtime_agent::sandbox::compass {

using TimePoint = std::chrono::system_clock::time_point;

struct ValidityPeriod {
  TimePoint not_before;
  TimePoint not_after;
};

struct ClientCertificate {
  std::string pem;
  std::string serial; ///< hexadecimal, upper case
  Subject subject;
  ValidityPeriod validity; ///< whole seconds
};

struct ServerCertificate {
  CertificateHandle certificate;
  CertificateHandle intermediate;
  KeyHandle key;
};

/// A certification authority of its own: a root, an intermediate that signs, EC keys. Immutable after construction, so
/// thread-safe. Throws std::runtime_error where OpenSSL fails, which is a bug or a lack of memory.
class CertificateAuthority {
public:
  /// `name` is the beginning of both CAs' common names.
  explicit CertificateAuthority(const std::string& name);

  const std::string& root_pem() const { return root_pem_; }
  const std::string& intermediate_pem() const { return intermediate_pem_; }

  /// A store that trusts the root only and knows the intermediate, for listeners that ask for client certificates.
  StoreHandle client_store() const;

  /// For host names and IP addresses of a server. Valid from an hour ago for ten years.
  ServerCertificate server_certificate(const std::vector<std::string>& hosts) const;

  /// Checks a PKCS#10 CSR and signs it. Error: why it is refused: not PEM, wrong signature, an RSA key shorter than
  /// `least_bits`, another subject than the one offered (attributes and their order).
  tl::expected<ClientCertificate, std::string> sign(const std::string& csr_pem, const Subject& offered, int least_bits,
                                                    const ValidityPeriod& validity) const;
  /// Signs a key nobody has, under that subject: what a faulty Connector might return.
  ClientCertificate sign_foreign_key(const Subject& subject, const ValidityPeriod& validity) const;

private:
  CertificateHandle make(const std::string& common_name, EVP_PKEY* key, X509* issuer,
                         const ValidityPeriod& validity) const;
  ClientCertificate client_certificate(const X509_NAME* name, EVP_PKEY* key, const ValidityPeriod& validity) const;

  KeyHandle root_key_;
  CertificateHandle root_;
  KeyHandle key_;
  CertificateHandle intermediate_;
  std::string root_pem_;
  std::string intermediate_pem_;
};

/// Hexadecimal, upper case.
std::string serial_of(const X509* certificate);
/// PEM of the certificate.
std::string pem_of(X509* certificate);

} // namespace runtime_agent::sandbox::compass
