#pragma once

#include <memory>
#include <string>

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/sandbox/compass/compass_server.hpp"
#include "tests/sandbox/compass/openssl_handles.hpp"
#include "tests/sandbox/compass/subject.hpp"

namespace runtime_agent::sandbox {

/// What came back; status 0: no answer.
struct Reply {
  int status = 0;
  httplib::Error error = httplib::Error::Success;
  std::string body;
  httplib::Headers headers;
  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  nlohmann::json data(const std::string& field) const;
  /// The first error's message; empty: none.
  std::string message() const;
};

/// An RSA key of 2048 bits, made once for the whole program, since each takes a while.
EVP_PKEY* test_key();

/// PEM of a CSR by that key.
std::string make_csr(const compass::Subject& subject, EVP_PKEY* key = test_key());

/// A client identity as the pairing gives it.
struct TestIdentity {
  compass::CertificateHandle certificate;
  std::string chain_pem;
  std::string ca_pem;
};

/// A client of Compass' GraphQL by OpenSSL and httplib alone, for the tests. One connection, kept alive.
class CompassClient {
public:
  CompassClient(const CompassServer& server, const std::string& url, const TestIdentity* identity = nullptr);
  Reply post(const std::string& document, const nlohmann::json& variables = nlohmann::json::object(),
             const httplib::Headers& headers = {});
  Reply post_text(const std::string& body, const httplib::Headers& headers = {});

private:
  std::unique_ptr<httplib::SSLClient> client_;
  std::string path_;
};

inline const char* const configuration_query =
    "query { configuration { token { token } certificateSigningRequestInfo { subject keyAlgorithm } "
    "managementPlaneInfo { directorURL certificateSecuredConnectorURL } } }";
inline const char* const sign_mutation =
    "mutation Sign($csr: String!) { signCertificateSigningRequest(csr: $csr) { certificateChain caCertificate "
    "clientCertificate } }";

httplib::Headers token_header(const std::string& token);
httplib::Headers tenant_header(const CompassServer& server);

/// `configuration` with a token, to the token-secured Connector.
Reply ask_configuration(const CompassServer& server, const std::string& token);
/// `signCertificateSigningRequest` with a token.
Reply ask_signature(const CompassServer& server, const std::string& token, const std::string& csr_pem);
/// The identity in an answer to `signCertificateSigningRequest`.
TestIdentity identity_from(const Reply& reply);
/// The whole pairing. Fails the test where a step does.
TestIdentity pair(CompassServer& server);

} // namespace runtime_agent::sandbox
