#pragma once

#include <string>

#include "transport/failure.hpp"
#include "transport/secret.hpp"
#include "transport/x509/subject.hpp"

namespace runtime_agent::x509 {

/// A PKCS#10 CSR as PEM, signed with SHA-256, with exactly this subject in its order (contract §2). Failures: malformed
/// (the key), internal (OpenSSL's reason).
Result<std::string> make_csr(const Subject& subject, const Secret& key_pem);

} // namespace runtime_agent::x509
