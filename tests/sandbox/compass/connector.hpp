#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/compass/certificate_authority.hpp"
#include "tests/sandbox/compass/faults.hpp"
#include "tests/sandbox/compass/graphql_execution.hpp"
#include "tests/sandbox/compass/token_ledger.hpp"

namespace runtime_agent::sandbox::compass {

struct IssuedCertificate {
  std::string serial;
  std::string runtime_id;
  std::string pem;
  ValidityPeriod validity;
  bool over_mutual_tls = false; ///< a renewal
  bool revoked = false;
};

/// What the Connector tells and signs; all of it may be changed while the server runs.
struct ConnectorSettings {
  /// `{runtime}` stands for the Runtime's id.
  std::string subject = "O=Org,OU=OrgUnit,L=Locality,ST=State,C=DE,CN={runtime}";
  std::string key_algorithm = "rsa2048"; ///< its digits are the least size of a key
  std::chrono::seconds certificate_validity = std::chrono::hours(24 * 90);
  std::chrono::milliseconds second_token_lifetime = std::chrono::minutes(5);
  enum class CaCertificate { intermediate_and_root, intermediate, root };
  CaCertificate ca_certificate = CaCertificate::intermediate_and_root;
  std::string director_url;
  std::string certificate_secured_connector_url;
};

/// The Connector's state: its CA, its tokens, the certificates it gave. Thread-safe.
class Connector {
public:
  explicit Connector(ConnectorSettings settings);

  ConnectorSettings settings() const;
  void configure(const std::function<void(ConnectorSettings&)>& change);
  TokenLedger& tokens() { return tokens_; }
  const CertificateAuthority& authority() const { return authority_; }

  std::vector<IssuedCertificate> certificates() const;
  /// Returns whether there is such a certificate. Serial in hexadecimal, any case.
  bool revoke(const std::string& serial);
  bool revoked(const std::string& serial) const;

  /// How a request came in, once it is authenticated.
  struct Caller {
    std::string runtime_id;
    std::string certificate_serial; ///< empty: with a token
    std::string refusal;            ///< not empty: every field is refused with this reason
  };

  graphql::Expected<graphql::Source> configuration(const Caller& caller, const Fault* fault);
  graphql::Expected<graphql::Source> sign(const Caller& caller, const std::string& csr, const Fault* fault);

private:
  void record(const Caller& caller, const ClientCertificate& certificate);

  mutable std::mutex mutex_;
  ConnectorSettings settings_;
  CertificateAuthority authority_;
  TokenLedger tokens_;
  std::vector<IssuedCertificate> certificates_;
  std::set<std::string> revoked_;
};

/// Answers one request to either Connector.
class ConnectorResolver : public graphql::Resolver {
public:
  ConnectorResolver(Connector& connector, Connector::Caller caller, std::optional<Fault> fault)
      : connector_(connector), caller_(std::move(caller)), fault_(std::move(fault)) {}
  graphql::Expected<graphql::Source> resolve(const graphql::FieldCall& call) override;
  std::string type_of(std::string_view, const graphql::Source&) override { return {}; }

private:
  Connector& connector_;
  Connector::Caller caller_;
  std::optional<Fault> fault_;
};

} // namespace runtime_agent::sandbox::compass
