#pragma once

#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "transport/x509/identity.hpp"

namespace runtime_agent::http::test {

struct Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

/// A certificate with its key (EC P-256: made in a millisecond), signed by another one or by itself.
struct Certificate {
  std::shared_ptr<X509> x509;
  std::shared_ptr<EVP_PKEY> key;

  std::string pem() const;
  std::string key_pem() const;
};

struct CertificateRequest {
  std::string common_name;
  std::string alternative_names; ///< as OpenSSL writes them: "IP:127.0.0.1,DNS:localhost"; empty: none
  bool is_ca = false;
  long valid_from_now = 3600; ///< seconds; negative: expired
};

Certificate make_certificate(const CertificateRequest& request, const Certificate* issuer = nullptr);

/// `chain` as in Identity: the leaf, then the others.
x509::IdentityPtr make_test_identity(const Certificate& leaf, const std::vector<const Certificate*>& others);

} // namespace runtime_agent::http::test
