#include "app/metrics/metric_table.hpp"

namespace runtime_agent::app {

std::string_view to_string(MetricKind kind) {
  return kind == MetricKind::counter ? "counter" : kind == MetricKind::gauge ? "gauge" : "histogram";
}

const std::vector<MetricDescription>& metric_descriptions() {
  using enum MetricKind;
  static const std::vector<MetricDescription> table = {
      {"runtime_agent_actor_dropped_messages_total", counter, "actor",
       "Messages dropped because too many were waiting for the actor to restart"},
      {"runtime_agent_actor_mailbox_depth", gauge, "actor", "Mailbox depth: messages waiting for the actor"},
      {"runtime_agent_actor_messages_total", counter, "actor", "Messages, timers and answers handled"},
      {"runtime_agent_actor_restarts_total", counter, "actor", "Restarts of the actor after it failed"},
      {"runtime_agent_actor_up", gauge, "actor", "1 while the actor is running and responding, otherwise 0"},
      {"runtime_agent_applications", gauge, "state", "Applications by state: applied, failed, refused, held, pending"},
      {"runtime_agent_applications_ambiguous", gauge, "",
       "Applications with URLs that the central gateway cannot resolve: two API definitions share one"},
      {"runtime_agent_build_info", gauge, "version", "Always 1; the version is the label"},
      {"runtime_agent_certificate_expiry_timestamp_seconds", gauge, "",
       "When the client certificate expires, as Unix time; 0 without a certificate"},
      {"runtime_agent_connection_state", gauge, "state",
       "1 for the current state of the CompassConnection, 0 for the others"},
      {"runtime_agent_contested", gauge, "kind",
       "1 while another program keeps changing what the agent writes there, and it is put right less and less often"},
      {"runtime_agent_cycle_duration_seconds", histogram, "",
       "Duration of a synchronization, including everything it caused"},
      {"runtime_agent_cycles_total", counter, "outcome",
       "Synchronizations by outcome: synchronized, fetch_failed, apply_failed, labels_failed"},
      {"runtime_agent_http_request_duration_seconds", histogram, "target", "HTTP requests sent"},
      {"runtime_agent_http_requests_total", counter, "target, code",
       "HTTP requests sent, by status code, or by kind of failure if there was no response"},
      {"runtime_agent_last_synchronization_timestamp_seconds", gauge, "",
       "When the cluster was last synchronized without a problem, as Unix time; 0 before that"},
      {"runtime_agent_log_lines_dropped_total", counter, "",
       "Log lines dropped because nobody took them in time, or the volume or stream took none"},
      {"runtime_agent_message_handle_duration_seconds", histogram, "actor, message",
       "Time that actors spent on handling a message, timer or answer"},
      {"runtime_agent_message_queue_duration_seconds", histogram, "actor, message",
       "Time that messages, timers and answers spent in the mailbox"},
      {"runtime_agent_missing_right", gauge, "operation",
       "1 if the API server's last answer to this operation was 403, 0 once it is allowed again"},
      {"runtime_agent_ready", gauge, "", "1 while /readyz says ready"},
      {"runtime_agent_spans_over_limit_total", counter, "",
       "Spans beyond the limit of their cycle, counted but not kept"},
      {"runtime_agent_spans_total", counter, "", "Spans recorded in the trace ring"},
      {"runtime_agent_start_timestamp_seconds", gauge, "", "When the process started, as Unix time"},
      {"runtime_agent_tls_verification_skipped", gauge, "",
       "1 if APP_SKIP_COMPASS_TLS_VERIFY disables the verification of Compass' certificates"},
  };
  return table;
}

} // namespace runtime_agent::app
