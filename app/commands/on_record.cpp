#include "app/commands/on_record.hpp"

namespace runtime_agent::app {
namespace {

void fill(std::string& value, const std::string& otherwise) {
  if (value.empty())
    value = otherwise;
}

} // namespace

config_watcher::Source source_of(const Settings& settings) {
  const bool secret = settings.configuration_secret.has_value();
  const ObjectName& name = secret ? *settings.configuration_secret : settings.connection_config_map;
  return {secret ? config_watcher::ObjectKind::secret : config_watcher::ObjectKind::config_map, name.namespace_,
          name.name};
}

connection_manager::CredentialRecord record_of(const Settings& settings, std::shared_ptr<kubernetes::Api> api) {
  const ObjectName& certificates = settings.certificates_secret;
  const ObjectName& ca = settings.ca_secret;
  return {std::move(api), {certificates.namespace_, certificates.name}, {ca.namespace_, ca.name}};
}

std::string text_at(const std::optional<kubernetes::Json>& object, const char* pointer) {
  const kubernetes::Json::json_pointer place(pointer);
  if (!object || !object->contains(place))
    return {};
  const kubernetes::Json& value = object->at(place);
  return value.is_string() ? value.get<std::string>() : std::string();
}

connection_manager::Access access_of(const connection_manager::Credentials& credentials,
                                     const std::optional<kubernetes::Json>& connection,
                                     const ConnectionConfiguration* configuration) {
  connection_manager::Access access = credentials.access;
  fill(access.connector_url, text_at(connection, "/spec/managementInfo/connectorUrl"));
  fill(access.director_url, text_at(connection, "/spec/managementInfo/directorUrl"));
  if (configuration) {
    fill(access.runtime_id, configuration->runtime_id);
    fill(access.tenant, configuration->tenant);
  }
  return access;
}

} // namespace runtime_agent::app
