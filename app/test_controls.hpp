#pragma once

#include <string>

#include "actors/supervision/crash_switch.hpp"
#include "actors/supervision/restart_policy.hpp"
#include "actors/supervision/watchdog.hpp"

/// What tests and the demo may change, by environment variables that mean nothing unless RUNTIME_AGENT_TEST_CONTROLS is
/// "on". Never in normal use.
namespace runtime_agent::app {

bool test_controls();

/// RUNTIME_AGENT_TEST_KEYS: a folder of private keys to use one after the other; empty: none.
std::string test_keys();
/// RUNTIME_AGENT_TEST_WATCHDOG: a duration; how long an actor may be silent. It ends the process after three times
/// that.
supervision::WatchdogSettings watchdog_settings();
/// RUNTIME_AGENT_TEST_RESTARTS: the restart intensity; restarts come at once then.
supervision::RestartSettings restart_settings();
/// RUNTIME_AGENT_TEST_CRASH: see parse_crash_orders. An order that does not parse is a warning.
void arm_from_environment(supervision::CrashSwitch& crash_switch);
/// RUNTIME_AGENT_TEST_DUMPABLE=on: a debugger may take an image of the process's memory.
bool test_dumpable();

} // namespace runtime_agent::app
