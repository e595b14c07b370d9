#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/metrics/measurements.hpp"
#include "app/pages/sources.hpp"

namespace runtime_agent::app {

inline constexpr const char* metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// What metrics are made from, besides what the pages show.
struct MetricSources {
  const PageSources& pages;
  const Measurements& measurements;
  std::function<std::string_view(supervision::NameId)> name; ///< of the trace ring
  std::function<std::uint64_t()> spans;
  std::function<std::uint64_t()> spans_over_limit;
  bool skips_tls_verification = false;
  std::uint64_t log_lines_dropped = 0;
};

/// Prometheus' text format: every metric of the table, with the facts of this moment.
std::string metrics_text(const MetricSources& sources);

} // namespace runtime_agent::app
