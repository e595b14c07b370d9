#include "app/test_controls.hpp"

#include <cstdlib>
#include <string_view>

#include "actors/supervision/log.hpp"
#include "actors/supervision/starvation.hpp"
#include "app/settings.hpp"

namespace runtime_agent::app {
namespace {

/// Empty where it is not set, or means nothing.
std::string control(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && test_controls() ? value : std::string();
}

} // namespace

bool test_controls() {
  const char* controls = std::getenv("RUNTIME_AGENT_TEST_CONTROLS");
  return controls != nullptr && std::string_view(controls) == "on";
}

std::string test_keys() {
  return control("RUNTIME_AGENT_TEST_KEYS");
}

supervision::WatchdogSettings watchdog_settings() {
  supervision::WatchdogSettings settings;
  settings.cpu = supervision::cpu_of_this_process();
  if (const auto deadline = parse_duration(control("RUNTIME_AGENT_TEST_WATCHDOG"))) {
    settings.interval = *deadline / 4;
    settings.deadline = *deadline;
    settings.end_after = 2 * *deadline;
  }
  return settings;
}

supervision::RestartSettings restart_settings() {
  supervision::RestartSettings settings;
  if (const std::string intensity = control("RUNTIME_AGENT_TEST_RESTARTS"); !intensity.empty()) {
    settings.intensity = std::strtoul(intensity.c_str(), nullptr, 10);
    settings.initial_delay = std::chrono::milliseconds(10);
    settings.longest_delay = std::chrono::milliseconds(50);
  }
  return settings;
}

void arm_from_environment(supervision::CrashSwitch& crash_switch) {
  const std::string text = control("RUNTIME_AGENT_TEST_CRASH");
  if (text.empty())
    return;
  auto orders = supervision::parse_crash_orders(text);
  if (!orders) {
    log::warning("RUNTIME_AGENT_TEST_CRASH is not valid", {{"error", orders.error().text()}});
    return;
  }
  for (supervision::CrashOrder& order : *orders)
    crash_switch.arm(std::move(order));
}

bool test_dumpable() {
  return control("RUNTIME_AGENT_TEST_DUMPABLE") == "on";
}

} // namespace runtime_agent::app
