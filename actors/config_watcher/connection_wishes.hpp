#pragma once

#include <string>

#include "actors/config_watcher/object_watch.hpp"
#include "messages/status.hpp"

/// What a person wants, read from the CompassConnection. Pure. Source: contract §1.2.
namespace runtime_agent::config_watcher {

/// The fact to tell of what was seen. A wish's id is the resource version at which it was first seen: while it stands
/// it keeps the id of `before` (null: nothing known yet), so that our own writes to the object make no new wish of it.
/// An absence is named by the uid of the object that was deleted, or by `process_id` where none was seen.
CompassConnectionObserved observe(const ObjectSeen& seen, const CompassConnectionObserved* before,
                                  const std::string& process_id);

/// The id of the reconnect that is wanted: of the absence, or of the object's annotation; empty: none.
std::string pending_reconnect(const CompassConnectionObserved& observed);

} // namespace runtime_agent::config_watcher
