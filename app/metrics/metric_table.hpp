#pragma once

#include <string_view>
#include <vector>

/// Every metric of the agent, once: the exposition takes its types and help from here, and deploy/METRICS.md is checked
/// against it. Label values are bounded sets: never an exception's text, never an Application's name.
namespace runtime_agent::app {

enum class MetricKind { counter, gauge, histogram };
std::string_view to_string(MetricKind kind);

struct MetricDescription {
  std::string_view name;
  MetricKind kind;
  std::string_view labels; ///< names, separated by ", "; empty: none
  std::string_view help;
};

/// By name.
const std::vector<MetricDescription>& metric_descriptions();

} // namespace runtime_agent::app
