#include "app/metrics/metric_table.hpp"

namespace runtime_agent::app {

std::string_view to_string(MetricKind kind) {
  return kind == MetricKind::counter ? "counter" : kind == MetricKind::gauge ? "gauge" : "histogram";
}

const std::vector<MetricDescription>& metric_descriptions() {
  using enum MetricKind;
  static const std::vector<MetricDescription> table = {
      {"runtime_agent_actor_dropped_messages_total", counter, "actor",
       "Messages dropped because too many waited for an actor's restart"},
      {"runtime_agent_actor_mailbox_depth", gauge, "actor", "Messages that wait for the actor"},
      {"runtime_agent_actor_messages_total", counter, "actor", "Messages, timers and answers handled"},
      {"runtime_agent_actor_restarts_total", counter, "actor", "Restarts of the actor after it failed"},
      {"runtime_agent_actor_up", gauge, "actor", "1 while the actor runs and answers, otherwise 0"},
      {"runtime_agent_applications", gauge, "state", "Applications by state: applied, failed, refused, held, pending"},
      {"runtime_agent_applications_ambiguous", gauge, "",
       "Applications with URLs that the central gateway cannot resolve: two API definitions share one"},
      {"runtime_agent_build_info", gauge, "version", "Always 1; the version is the label"},
      {"runtime_agent_certificate_expiry_timestamp_seconds", gauge, "",
       "When the client certificate expires, as Unix time; 0 without a certificate"},
      {"runtime_agent_connection_state", gauge, "state",
       "1 for the present state of the connection, as the CompassConnection has it, 0 for the others"},
      {"runtime_agent_cycle_duration_seconds", histogram, "",
       "From the begin of a synchronisation to the end of what it caused"},
      {"runtime_agent_cycles_total", counter, "outcome",
       "Synchronisations by outcome: synchronized, fetch_failed, apply_failed, labels_failed"},
      {"runtime_agent_http_request_duration_seconds", histogram, "target", "HTTP requests sent"},
      {"runtime_agent_http_requests_total", counter, "target, code",
       "HTTP requests sent, by status code, or by kind of failure where no answer came"},
      {"runtime_agent_last_synchronization_timestamp_seconds", gauge, "",
       "When the cluster was last brought in line without a problem, as Unix time; 0 before that"},
      {"runtime_agent_message_handle_duration_seconds", histogram, "actor, message",
       "How long actors handled a message, timer or answer"},
      {"runtime_agent_message_queue_duration_seconds", histogram, "actor, message",
       "How long messages, timers and answers waited for the actor"},
      {"runtime_agent_missing_right", gauge, "operation",
       "1 where the API server's last answer to this operation was 403, 0 where it is allowed again"},
      {"runtime_agent_ready", gauge, "", "1 while /readyz says ready"},
      {"runtime_agent_spans_over_limit_total", counter, "",
       "Spans over the limit of their cycle, counted and not kept"},
      {"runtime_agent_spans_total", counter, "", "Spans recorded in the trace ring"},
      {"runtime_agent_start_timestamp_seconds", gauge, "", "When the process started, as Unix time"},
      {"runtime_agent_tls_verification_skipped", gauge, "",
       "1 where APP_SKIP_COMPASS_TLS_VERIFY turns the checks of Compass' certificates off"},
  };
  return table;
}

} // namespace runtime_agent::app
