#pragma once

#include <memory>
#include <optional>
#include <string>

#include "transport/failure.hpp"
#include "transport/secret.hpp"

/// What ConfigWatcher tells: the configuration object and the CompassConnection's wishes. Source: contract §§1.1, 1.2.
namespace runtime_agent {

/// The four values, trimmed and checked.
struct ConnectionConfiguration {
  std::string connector_url; ///< token-secured, https:// (http:// where TLS checks are off)
  std::string runtime_id;
  std::string tenant;
  Secret token;
  std::string token_sha256; ///< hexadecimal; tells a changed token without showing it
  std::string source;       ///< "ConfigMap compass-system/compass-agent-configuration"
  bool operator==(const ConnectionConfiguration&) const = default;
};

/// The configuration object as it is now: a configuration, or why there is none.
struct ConfigurationObserved {
  std::shared_ptr<const ConnectionConfiguration> configuration; ///< null: see `problem`
  std::optional<Failure> problem;                               ///< which object, which key, what was expected
};

/// The CompassConnection was gone (or never there): reconnect with the configuration's token. `id` identifies
/// that absence (§1.2). It is kept in an annotation of the new object until it has been served, and the request is only
/// made once the annotation is there: an object that is deleted with its definition is nobody's wish, and only
/// recreating it shows the difference.
struct ReconnectRequested {
  std::string id;
};

/// `spec.refreshCredentialsNow` is true. `id` is the resource version at which it was first seen.
struct CredentialsRefreshRequested {
  std::string id;
};

/// `spec.resyncNow` is true.
struct ResyncRequested {
  std::string id;
};

/// Tell your present facts to your peers again: sent by an actor that has just started. Any actor takes it.
struct FactsRequested {};

} // namespace runtime_agent
