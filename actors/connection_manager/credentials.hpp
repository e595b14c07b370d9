#pragma once

#include <optional>
#include <string>

#include "messages/status.hpp"
#include "transport/compass/types.hpp"
#include "transport/failure.hpp"
#include "transport/secret.hpp"
#include "transport/x509/check.hpp"
#include "transport/x509/identity.hpp"

/// What is on record about the connection. Source: contract §2.1.
namespace runtime_agent::connection_manager {

/// Whose certificate it is and where it is good.
struct Access {
  std::string runtime_id;
  std::string tenant;
  std::string connector_url; ///< certificate-secured
  std::string director_url;

  bool complete() const {
    return !runtime_id.empty() && !tenant.empty() && !connector_url.empty() && !director_url.empty();
  }
  bool operator==(const Access&) const = default;
};

/// The certificate with all that belongs to it.
struct Credentials {
  x509::IdentityPtr identity;   ///< never null; without CA where the CA Secret is missing or another pairing's
  Access access;                ///< incomplete where today's Secret, which has no annotations, is being adopted
  std::string reconnect_served; ///< `id` of the ReconnectRequested that this certificate has served; may be empty
};

/// How far a pairing (or a renewal, which only knows the last step) has come.
enum class Step {
  preparing, ///< the key is made; the first token has not been sent
  paired,    ///< the second token is stored; the CSR has not been sent
  signing,   ///< about to send the CSR
  issued,    ///< the certificate is stored here, and may not yet be where it belongs
};

/// The agent's own Secret, there from before the first token is spent until the certificate has been used.
struct Pending {
  Step step = Step::preparing;
  bool for_renewal = false;
  Secret key_pem;
  unsigned key_bits = 0; ///< as asked for
  std::string subject;
  std::string key_algorithm;
  std::string sign_url;     ///< the token-secured Connector
  Secret token;             ///< the second
  WallTime token_time;      ///< when it came
  std::string token_sha256; ///< of the first token
  std::string reconnect_id; ///< `id` of the ReconnectRequested that this serves; may be empty
  Access access;
  x509::IdentityPtr identity; ///< from `issued` on, never null: checked when it came and when it was read
};

/// Everything that the cluster holds, and the version at which each part was read; an empty version: absent.
struct Record {
  std::string certificates_version;
  std::string ca_version;
  std::string pending_version;
  std::optional<Credentials> credentials;
  /// The certificates Secret is there, but what it holds is no pair that can be used: how so.
  std::optional<Failure> problem;
  std::string ca_pem; ///< as stored, whosever it is
  std::optional<Pending> pending;
  /// Of the CompassConnection, read where the certificates Secret does not say it; nullopt: not read, or absent.
  std::optional<compass::ManagementPlaneInfo> urls;
};

} // namespace runtime_agent::connection_manager
