#pragma once

#include <string>

#include "transport/call.hpp"
#include "transport/compass/types.hpp"
#include "transport/failure.hpp"
#include "transport/x509/identity.hpp"

namespace runtime_agent::compass {

/// The Connector (contract §2). Blocking, thread-safe. Never retries by itself what spends a token.
class ConnectorClient {
public:
  virtual ~ConnectorClient() = default;

  /// `configuration` with a token, which is single-use even if the call fails; the answer carries a new one.
  /// The signing information is present and not blank, or the answer is a Failure.
  virtual Result<ConnectorConfiguration> configuration(const std::string& url, const Secret& token,
                                                       const CallContext& context) = 0;
  /// `signCertificateSigningRequest` with the second token. `csr_pem` is sent as base64 of it.
  virtual Result<SignedCertificate> sign(const std::string& url, const Secret& token, const std::string& csr_pem,
                                         const CallContext& context) = 0;
  /// `configuration` over mutual TLS. Empty management information or a missing URL is a Failure.
  virtual Result<ConnectorConfiguration> configuration(const std::string& url, const x509::IdentityPtr& identity,
                                                       const CallContext& context) = 0;
  /// `signCertificateSigningRequest` over mutual TLS.
  virtual Result<SignedCertificate> sign(const std::string& url, const x509::IdentityPtr& identity,
                                         const std::string& csr_pem, const CallContext& context) = 0;
  /// Later calls use new connections.
  virtual void drop_idle_connections() = 0;
};

/// To whom the Director answers.
struct DirectorAccess {
  std::string url;
  std::string tenant;
  std::string runtime_id;
  x509::IdentityPtr identity;
};

/// The Director (contract §3). Blocking, thread-safe.
class DirectorClient {
public:
  virtual ~DirectorClient() = default;

  /// The Runtime's labels and every page of every level. Any `errors` entry, an unknown Runtime (null), a page that
  /// repeats a cursor or whose totals do not add up is a Failure: partial data never comes out.
  /// What changes while it is read is read again at once, three times in all, before it is a Failure.
  virtual Result<RuntimeDataPtr> fetch(const DirectorAccess& access, const CallContext& context) = 0;
  /// `setRuntimeLabel` with a string value.
  virtual Result<void> set_runtime_label(const DirectorAccess& access, const std::string& key, const std::string& value,
                                         const CallContext& context) = 0;
  virtual void drop_idle_connections() = 0;
};

} // namespace runtime_agent::compass
