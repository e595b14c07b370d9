#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/agent.hpp"
#include "app/event_recorder.hpp"
#include "messages/messages.hpp"

namespace runtime_agent::app {

/// The five children, their restart settings, and who knows whom. `process_id`: see config_watcher::Settings.
/// Everything given by reference outlives the Supervisor.
std::shared_ptr<Peers> add_children(supervision::Supervisor& supervisor, supervision::Environment& environment,
                                    const Settings& settings, const Clients& clients, Observed& observed,
                                    EventRecorder& events, const std::string& process_id);

/// In which order the children end: those that take work in first, the status last.
std::vector<std::string> stop_order();

} // namespace runtime_agent::app
