#pragma once

#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace runtime_agent::sandbox::kube {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

/// A CA made on the spot and a certificate of it for a server on loopback. EC keys, since they are made in no time.
struct ServingCertificate {
  Certificate certificate;
  Key key;
  std::string ca_pem;
};

/// For 127.0.0.1, ::1 and localhost; good for ten years from yesterday.
ServingCertificate make_serving_certificate();

} // namespace runtime_agent::sandbox::kube
