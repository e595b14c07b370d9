#include "app/mapping.hpp"

#include <vector>

namespace runtime_agent::app {

ObjectName pending_secret(const Settings& settings) {
  return {settings.certificates_secret.namespace_, settings.certificates_secret.name + "-pending"};
}

application_reconciler::MappingSettings mapping_of(const Settings& settings) {
  application_reconciler::MappingSettings mapping;
  mapping.central_gateway_url = settings.central_gateway_url;
  mapping.skip_verify = settings.skip_apps_tls_verify;
  mapping.integration_namespace = settings.integration_namespace;
  std::vector<ObjectName> own{settings.certificates_secret, pending_secret(settings), settings.ca_secret};
  if (settings.configuration_secret)
    own.push_back(*settings.configuration_secret);
  for (const ObjectName& secret : own)
    if (secret.namespace_ == settings.integration_namespace)
      mapping.own_secrets.insert(secret.name);
  return mapping;
}

} // namespace runtime_agent::app
