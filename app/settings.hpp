#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "actors/supervision/log.hpp"

/// The agent's environment variables. Source: contract §1.3.
namespace runtime_agent::app {

/// `namespace/name`.
struct ObjectName {
  std::string namespace_;
  std::string name;
  bool operator==(const ObjectName&) const = default;
};

enum class LeaderElection { automatic, on, off };

/// No setting makes the agent ask a server more often.
inline constexpr std::chrono::milliseconds least_interval{1'000};

struct Settings {
  ObjectName connection_config_map{"compass-system", "compass-agent-configuration"};
  std::optional<ObjectName> configuration_secret; ///< takes precedence over the ConfigMap
  ObjectName certificates_secret{"compass-system", "cluster-client-certificates"};
  ObjectName ca_secret{"istio-system", "ca-certificates"};
  std::string integration_namespace = "kyma-system";
  std::chrono::milliseconds sync_period{20'000};
  std::chrono::milliseconds minimal_sync_time{10'000};
  double renewal_threshold = 0.3; ///< above 0, below 1
  bool skip_compass_tls_verify = false;
  bool skip_apps_tls_verify = false;
  std::string central_gateway_url = "http://central-application-gateway.kyma-system.svc.cluster.local:8082";
  std::string runtime_events_url = "https://gateway.kyma.local";
  std::string runtime_console_url = "https://console.kyma.local";
  bool query_logging = false;
  std::chrono::milliseconds metrics_logging_interval{1'800'000};
  std::uint16_t health_port = 8090;
  std::uint16_t diagnostics_port = 8091; ///< 0: off
  log::Format log_format = log::Format::json;
  log::Level log_level = log::Level::info;
  std::string trace_file; ///< empty: in the temporary directory
  unsigned kubernetes_concurrency = 4;
  std::size_t fetch_max_applications = 20'000;
  std::size_t fetch_max_bytes = 80u << 20;
  LeaderElection leader_election = LeaderElection::automatic;
  std::vector<std::string> raised;  ///< variables that are below `least_interval`; the settings hold that instead
  std::vector<std::string> ignored; ///< variables that deployments of the Go agent set and that are no longer used
};

/// Looks a variable up; nullopt where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// All of them, or every one that does not parse: its name, its value, and what was expected. A variable that is set to
/// nothing counts as not set. Intervals below `least_interval` are raised to it, but not under test controls.
tl::expected<Settings, std::vector<std::string>> read_settings(const Environment& environment);

/// Go's form: "20s", "1m30s", "1.5h", "250ms", "0". Nullopt where it is not that, negative, or over 290 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// One variable as it is in effect.
struct EffectiveSetting {
  std::string variable;
  std::string value;    ///< empty: not set, and without a default
  std::string standard; ///< default; empty: none
  std::string meaning;
};

/// All of them, in the order of --help. Passwords in URLs are `[redacted]`.
std::vector<EffectiveSetting> effective_settings(const Environment& environment);

/// The table of variables with their defaults and meanings, for `--help`.
std::string describe_settings();

} // namespace runtime_agent::app
