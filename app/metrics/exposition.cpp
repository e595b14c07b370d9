#include "app/metrics/exposition.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "app/metrics/metric_table.hpp"

namespace runtime_agent::app {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::array connection_states = {"ConnectionFailed",      "ConnectionMaintenanceFailed",
                                          "SynchronizationFailed", "ResourceApplicationFailed",
                                          "MetadataUpdateFailed",  "Connected",
                                          "Synchronized"};

prometheus::MetricType type_of(MetricKind kind) {
  return kind == MetricKind::counter ? prometheus::MetricType::Counter
         : kind == MetricKind::gauge ? prometheus::MetricType::Gauge
                                     : prometheus::MetricType::Histogram;
}

double unix_time(const std::optional<WallTime>& time) {
  return time ? std::chrono::duration<double>(time->time_since_epoch()).count() : 0;
}

/// One family for each row of the table, filled by name.
class Families {
public:
  Families() {
    for (const MetricDescription& description : metric_descriptions()) {
      prometheus::MetricFamily family;
      family.name = description.name;
      family.help = description.help;
      family.type = type_of(description.kind);
      families_.push_back(std::move(family));
    }
  }

  /// A counter's or a gauge's value. `name` is without the prefix.
  void set(std::string_view name, double value, const Labels& labels = {}) {
    prometheus::MetricFamily& of = family(name);
    prometheus::ClientMetric& metric = add(of, labels);
    if (of.type == prometheus::MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
  }

  template <std::size_t Buckets>
  void set(std::string_view name, const Histogram<Buckets>& histogram, const std::array<double, Buckets>& bounds,
           const Labels& labels = {}) {
    prometheus::ClientMetric& metric = add(family(name), labels);
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i <= Buckets; ++i) {
      cumulative += histogram.count(i);
      metric.histogram.bucket.push_back(
          {cumulative, i < Buckets ? bounds[i] : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = cumulative;
    metric.histogram.sample_sum = histogram.sum_seconds();
  }

  std::string text() const { return prometheus::TextSerializer{}.Serialize(families_); }

private:
  prometheus::MetricFamily& family(std::string_view name) {
    for (prometheus::MetricFamily& candidate : families_)
      if (std::string_view(candidate.name).substr(prefix.size()) == name)
        return candidate;
    throw std::logic_error("a metric that is not in the table: " + std::string(name));
  }
  static prometheus::ClientMetric& add(prometheus::MetricFamily& family, const Labels& labels) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    for (const auto& [name, value] : labels)
      metric.label.push_back({name, value});
    return metric;
  }

  static constexpr std::string_view prefix = "runtime_agent_";
  std::vector<prometheus::MetricFamily> families_;
};

void add_process(Families& families, const MetricSources& sources) {
  families.set("build_info", 1, {{"version", sources.pages.version}});
  families.set("start_timestamp_seconds", unix_time(sources.pages.started));
  families.set("ready", sources.pages.ready().ready ? 1 : 0);
  families.set("tls_verification_skipped", sources.skips_tls_verification ? 1 : 0);
  families.set("spans_total", static_cast<double>(sources.spans()));
  families.set("spans_over_limit_total", static_cast<double>(sources.spans_over_limit()));
  families.set("log_lines_dropped_total", static_cast<double>(sources.log_lines_dropped));
}

void add_connection(Families& families, const MetricSources& sources) {
  const auto facts = sources.pages.status();
  const std::string_view present = status_writer::connection_state(facts, "");
  for (const char* state : connection_states)
    families.set("connection_state", present == state ? 1 : 0, {{"state", state}});
  families.set("contested", facts.contested.empty() ? 0 : 1, {{"kind", "CompassConnection"}});
  std::optional<WallTime> expiry;
  if (facts.connection && facts.connection->validity)
    expiry = facts.connection->validity->not_after;
  families.set("certificate_expiry_timestamp_seconds", unix_time(expiry));
  families.set("last_synchronization_timestamp_seconds",
               facts.synchronization ? unix_time(facts.synchronization->last_successful_application) : 0);
  for (const auto& [outcome, count] : sources.measurements.cycles.counts())
    families.set("cycles_total", static_cast<double>(count), {{"outcome", outcome}});
  families.set("cycle_duration_seconds", sources.measurements.cycles.durations(), cycle_bounds);
  const auto applications = sources.pages.applications();
  for (const auto& [state, count] : applications.by_state())
    families.set("applications", static_cast<double>(count), {{"state", std::string(to_string(state))}});
  const auto ambiguous = std::count_if(applications.applications.begin(), applications.applications.end(),
                                       [](const auto& application) { return !application.warning.empty(); });
  families.set("applications_ambiguous", static_cast<double>(ambiguous));
}

void add_actors(Families& families, const MetricSources& sources) {
  for (const ActorFacts& actor : sources.pages.actors()) {
    const Labels labels{{"actor", actor.name}};
    families.set("actor_up", actor.state == "running" && actor.answers ? 1 : 0, labels);
    families.set("actor_restarts_total", static_cast<double>(actor.restarts), labels);
    families.set("actor_messages_total", static_cast<double>(actor.messages), labels);
    families.set("actor_mailbox_depth", static_cast<double>(actor.mailbox_depth), labels);
    families.set("actor_dropped_messages_total", static_cast<double>(actor.overflow), labels);
  }
  sources.measurements.messages.visit([&](auto actor, auto message, const MessageMeasurements::Series& series) {
    const Labels labels{{"actor", std::string(sources.name(actor))}, {"message", std::string(sources.name(message))}};
    families.set("message_queue_duration_seconds", series.queue, message_bounds, labels);
    families.set("message_handle_duration_seconds", series.handle, message_bounds, labels);
  });
}

void add_requests(Families& families, const MetricSources& sources) {
  const auto facts = sources.measurements.requests.facts();
  for (const auto& [key, count] : facts.counts)
    families.set("http_requests_total", static_cast<double>(count), {{"target", key.first}, {"code", key.second}});
  for (const auto& [operation, forbidden] : facts.forbidden)
    families.set("missing_right", forbidden ? 1 : 0, {{"operation", operation}});
  sources.measurements.requests.visit_durations([&](const std::string& target, const Histogram<8>& histogram) {
    families.set("http_request_duration_seconds", histogram, request_bounds, {{"target", target}});
  });
}

} // namespace

std::string metrics_text(const MetricSources& sources) {
  Families families;
  add_process(families, sources);
  add_connection(families, sources);
  add_actors(families, sources);
  add_requests(families, sources);
  return families.text();
}

} // namespace runtime_agent::app
