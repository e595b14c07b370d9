#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/config_watcher/configuration_object.hpp"
#include "actors/connection_manager/credential_record.hpp"
#include "app/settings.hpp"

/// What the cluster holds about the connection, for commands that look at it or use it.
namespace runtime_agent::app {

/// Where the four values are.
config_watcher::Source source_of(const Settings& settings);

/// The Secrets that hold the certificate.
connection_manager::CredentialRecord record_of(const Settings& settings, std::shared_ptr<kubernetes::Api> api);

/// Text at a JSON pointer; empty where there is none.
std::string text_at(const std::optional<kubernetes::Json>& object, const char* pointer);

/// Where the certificate is good: as stored with it; what is not said there, as the CompassConnection and the
/// configuration object (null: none) have it.
connection_manager::Access access_of(const connection_manager::Credentials& credentials,
                                     const std::optional<kubernetes::Json>& connection,
                                     const ConnectionConfiguration* configuration);

} // namespace runtime_agent::app
