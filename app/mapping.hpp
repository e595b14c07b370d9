#pragma once

#include "actors/application_reconciler/desired_objects.hpp"
#include "app/settings.hpp"

namespace runtime_agent::app {

/// Of the Secret that holds what is on its way while a certificate is being obtained (contract §2.1).
ObjectName pending_secret(const Settings& settings);

/// What of the settings shows in Applications and their Secrets, and which Secrets are the agent's own.
application_reconciler::MappingSettings mapping_of(const Settings& settings);

} // namespace runtime_agent::app
