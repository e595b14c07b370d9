#pragma once

#include <string>

#include "messages/configuration.hpp"
#include "transport/kubernetes/api.hpp"

/// Reading the configuration object as a pure function. Source: contract §1.1.
namespace runtime_agent::config_watcher {

enum class ObjectKind { config_map, secret };

/// Where the four values are.
struct Source {
  ObjectKind kind = ObjectKind::config_map;
  std::string namespace_;
  std::string name;

  kubernetes::Resource resource() const;
  /// "ConfigMap compass-system/compass-agent-configuration"
  std::string text() const;
};

/// The four values, trimmed and checked (pasted_text.hpp). Failure (configuration): the object, every key that is wrong
/// and how, and what to do. `insecure`: TLS checks are off, so `http://` is taken as well.
Result<ConnectionConfiguration> read_configuration(const kubernetes::Json& object, const Source& source, bool insecure);

/// The Failure for an object that is not there.
Failure missing(const Source& source);

} // namespace runtime_agent::config_watcher
