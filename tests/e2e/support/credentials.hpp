#pragma once

#include <optional>
#include <string>

#include "tests/e2e/support/world.hpp"

namespace runtime_agent::e2e {

/// The Connector's field that signs a certificate.
inline constexpr const char* signing_field = "signCertificateSigningRequest";
inline constexpr const char* certificates_secret = "cluster-client-certificates";
inline constexpr const char* pending_secret = "cluster-client-certificates-pending";
inline constexpr const char* ca_secret = "kyma-gateway-certs-cacert"; ///< in istio-system

/// Of a Secret's data, decoded; empty where the key or the Secret is missing.
std::string data_of(const std::optional<nlohmann::json>& secret, const std::string& key);
/// Read past the API: no request, no fault.
std::optional<nlohmann::json> secret(World& world, const std::string& name,
                                     const std::string& namespace_ = "kyma-system");

/// There is no pending Secret any more. Before a test takes credentials away: it would mend the loss, and rightly so.
bool nothing_is_pending(World& world);

/// What is wrong with the certificates Secret, told with OpenSSL and nothing of the agent's: the key belongs to the
/// certificate, which is the chain's first and one that Compass has signed. Empty: nothing.
std::string wrong_with_pair(World& world, const std::optional<nlohmann::json>& certificates);
/// The same, and the CA Secret holds Compass' CA, for the two Secrets as they are.
std::string wrong_with_credentials(World& world);
/// Hexadecimal serial of the certificate in that PEM; empty where it is none.
std::string serial_in(const std::string& pem);

} // namespace runtime_agent::e2e
