#pragma once

#include <memory>
#include <string>

#include "actors/connection_manager/credentials.hpp"
#include "transport/kubernetes/api.hpp"

namespace runtime_agent::connection_manager {

struct SecretName {
  std::string namespace_;
  std::string name;
  /// "Secret kyma-system/cluster-client-certificates"
  std::string text() const;
};

/// Reads and writes the record in the cluster. Blocking; stateless, so copies run on any thread. A write takes the
/// version at which its Secret was read (empty: it was absent) and returns the new one; `conflict` means that the
/// Secret is no longer as it was read: read again. Source: contract §§2.1, 5.1.
class CredentialRecord {
public:
  CredentialRecord(std::shared_ptr<kubernetes::Api> api, SecretName certificates, SecretName ca);

  enum class Parts { all, without_pending };
  /// Absent Secrets, and absent namespaces, are no Failure.
  Result<Record> read(Parts parts, const CallContext& context) const;

  Result<std::string> write_certificates(const Credentials& credentials, const std::string& version,
                                         const CallContext& context) const;
  Result<std::string> write_ca(const std::string& ca_pem, const std::string& version, const CallContext& context) const;
  Result<std::string> write_pending(const Pending& pending, const std::string& version,
                                    const CallContext& context) const;
  /// Success as well where it is gone already.
  Result<void> remove_pending(const std::string& version, const CallContext& context) const;

  const SecretName& certificates() const { return certificates_; }
  const SecretName& ca() const { return ca_; }
  const SecretName& pending() const { return pending_; }

private:
  std::shared_ptr<kubernetes::Api> api_;
  SecretName certificates_;
  SecretName ca_;
  SecretName pending_;
};

} // namespace runtime_agent::connection_manager
