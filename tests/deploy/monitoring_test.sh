#!/usr/bin/env bash
# Proves that alerts and dashboard name metrics, labels and label values that the agent has, and that each alert has its
# runbook. Needs jq and curl.
set -uo pipefail

# shellcheck source=checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
# shellcheck source=processes.sh
source "$root/tests/deploy/processes.sh"
set +e # a failed check is counted, and the next one runs

finish() {
  end_processes
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

alerts=$root/deploy/chart/runtime-agent/files/alerts.yaml
dashboard=$root/deploy/chart/runtime-agent/files/dashboard.json

# Of an agent that has done its work once: all counters have begun by then.
metrics_are_served() {
  start_sandbox --demo || return 1
  start_agent $(cat "$work/sandbox/agent.env") APP_CONTROLLER_SYNC_PERIOD=1s APP_MINIMAL_COMPASS_SYNC_TIME=1s TMPDIR="$work"
  within 60 synchronised || {
    tail -n 5 "$work/agent.log"
    return 1
  }
}
synchronised() {
  curl -sS --fail --max-time 5 "http://127.0.0.1:$health/metrics" >"$work/metrics" 2>/dev/null &&
    grep -Eq '^runtime_agent_cycles_total\{outcome="synchronized"\} [1-9]' "$work/metrics"
}

# names FILE: every metric in it; what a histogram's samples add to its name is taken off.
names() { grep -oE 'runtime_agent_[a-z_]+' "$1" | sed -E 's/_(bucket|sum|count)$//' | sort -u; }
served_names() { sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$work/metrics" | sort -u; }

alerts_name_metrics_that_exist() { [[ -z $(comm -23 <(names "$alerts") <(served_names)) ]]; }
dashboard_names_metrics_that_exist() { [[ -z $(comm -23 <(names "$dashboard") <(served_names)) ]]; }
each_metric_is_shown_or_explained() {
  # Everything that is measured can be seen; the start's time is for the alerts.
  diff <(comm -13 <(names "$dashboard") <(served_names | grep '^runtime_agent_')) - <<'END'
runtime_agent_actor_up
runtime_agent_start_timestamp_seconds
END
}

# Lines "METRIC LABEL VALUE" of every selector such as metric{state=~"a|b"}.
selected() {
  grep -ohE 'runtime_agent_[a-z_]+\{[^}]*\}' "$alerts" <(jq -r '.. | .expr? // empty' "$dashboard") |
    grep -oE '^[a-z_]+|[a-z_]+=~?"[^"]*"' | awk '/^runtime_agent_/ {metric = $0; next} {split($0, part, /=~?"/);
      sub(/"$/, "", part[2]); count = split(part[2], values, "|"); for (i = 1; i <= count; ++i) print metric, part[1], values[i]}' | sort -u
}
values_of_labels_exist() {
  local metric label value missing=0
  while read -r metric label value; do
    case $label in
      namespace) continue ;; # Prometheus adds it
      code) continue ;;      # the codes that came
    esac
    grep -Eq "^${metric}\{[^}]*$label=\"$value\"" "$work/metrics" || {
      echo "$metric has no $label=\"$value\""
      missing=1
    }
  done < <(selected)
  return $missing
}

alert_names() { sed -nE 's/^ *- alert: (.*)/\1/p' "$alerts"; }
each_alert_has_its_runbook() {
  local alert
  for alert in $(alert_names); do
    grep -q "^### $alert\$" "$root/deploy/README.md" || { echo "no paragraph for $alert"; return 1; }
    grep -q "runbook_url: deploy/README.md#${alert,,}\$" "$alerts" || { echo "$alert has no link there"; return 1; }
  done
  # And no paragraph is left of one that is gone.
  diff <(alert_names | sort) <(sed -nE 's/^### (RuntimeAgent.*)/\1/p' "$root/deploy/README.md" | sort)
}
each_alert_has_severity_and_summary() {
  (($(grep -c '^ *- alert:' "$alerts") == $(grep -cE '^ *labels: \{severity: (critical|warning|info)\}$' "$alerts") &&
    $(grep -c '^ *- alert:' "$alerts") == $(grep -c '^ *summary: ' "$alerts")))
}
dashboard_is_whole() {
  jq -e '(.panels | length > 15) and ([.panels[].id] | length == (unique | length))
    and all(.panels[] | select(.type != "row"); .title and (.targets | length > 0) and .gridPos.w <= 24)
    and .uid == "runtime-agent"' "$dashboard"
}

each_panel_has_a_description() {
  jq -e 'all(.panels[] | select(.type != "row"); .description | length > 20 and endswith("."))' "$dashboard"
}
# Each state has its color: a red one for each failure.
states_have_colors() {
  jq -e '[.panels[] | select(.title == "State") | .fieldConfig.overrides[] | {(.matcher.options): .properties[0].value.fixedColor}] | add
    == {"Synchronized": "green", "Connected": "yellow", ".*Failed$": "red"}' "$dashboard" || return 1
  [[ -z $(grep '^runtime_agent_connection_state{' "$work/metrics" | grep -vE '"(Synchronized|Connected|[A-Za-z]*Failed)"') ]]
}

check monitoring.metrics_are_served metrics_are_served
check monitoring.alerts_name_metrics_that_exist alerts_name_metrics_that_exist
check monitoring.dashboard_names_metrics_that_exist dashboard_names_metrics_that_exist
check monitoring.each_metric_is_shown_or_explained each_metric_is_shown_or_explained
check monitoring.values_of_labels_exist values_of_labels_exist
check monitoring.each_alert_has_its_runbook each_alert_has_its_runbook
check monitoring.each_alert_has_severity_and_summary each_alert_has_severity_and_summary
check monitoring.dashboard_is_whole dashboard_is_whole
check monitoring.each_panel_has_a_description each_panel_has_a_description
check monitoring.states_have_colors states_have_colors

summary
