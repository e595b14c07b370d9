#pragma once

#include <string>

#include <openssl/x509.h>

namespace runtime_agent::http {

/// Why a server's certificate is not believed, in words for an operator: unknown authority, other key, other name, or
/// time; then subject and issuer of the certificate that failed. `result` as OpenSSL's verification has it;
/// `certificate` may be null.
std::string certificate_refusal(long result, const std::string& host, X509* certificate);

} // namespace runtime_agent::http
