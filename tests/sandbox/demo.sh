#!/usr/bin/env bash
# The demonstration: the agent's whole job on the sandbox, told in under a minute of reading. Called by ./dev demo.
set -euo pipefail

stay=0
case ${1:-} in
  --stay) stay=1 ;;
  "") ;;
  *) echo "usage: ./dev demo [--stay]" >&2; exit 2 ;;
esac

bin=${RUNTIME_AGENT_BIN:-build/release/bin}
folder=$(mktemp -d)
sandbox_pid=""
agent_pid=""

end() {
  local status=$?
  [[ -z $agent_pid ]] || kill "$agent_pid" 2>/dev/null || true
  [[ -z $sandbox_pid ]] || kill "$sandbox_pid" 2>/dev/null || true
  wait 2>/dev/null || true
  if ((status != 0)); then
    echo "The demonstration failed; the agent's last lines:" >&2
    tail -20 "$folder/agent.log" >&2 2>/dev/null || true
  fi
  rm -rf "$folder"
}
trap end EXIT
trap 'exit 0' INT TERM

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
note() { printf '  %s\n' "$*"; }

# The agent's view from outside: the cluster's API as kubectl would ask it, the sandbox's control port, the agent's pages.
cluster() { curl -sS --fail --cacert "$folder/cluster-ca.pem" -H "Authorization: Bearer $token" "$@"; }
api() { cluster "$server$1" "${@:2}"; }
control() { curl -sS --fail "http://127.0.0.1:$control_port$1" "${@:2}"; }
pages() { curl -sS --fail "http://127.0.0.1:$pages_port$1" "${@:2}"; }
connections=/apis/compass.kyma-project.io/v1alpha1/compassconnections
applications=/apis/applicationconnector.kyma-project.io/v1alpha1/applications

# A port that is free now: connecting to it fails.
free_port() {
  local port
  for port in $(shuf -i 20000-32000 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# until_true SECONDS WHAT COMMAND…: polls, and says what was waited for where it never comes.
until_true() {
  local limit=$1 what=$2 deadline
  shift 2
  deadline=$((SECONDS + limit))
  until "$@" 2>/dev/null; do
    ((SECONDS < deadline)) || { echo "waited $limit s for: $what" >&2; exit 1; }
    sleep 0.1
  done
}
connection() { api $connections/compass-connection; }
state_is() { [[ $(connection | jq -r '.status.connectionState') == "$1" ]]; }

table_of_applications() {
  {
    echo -e "APPLICATION\tSERVICE\tENTRIES\tCREDENTIALS\tSECRETS"
    jq -rn --slurpfile apps <(api $applications) --slurpfile secrets <(api /api/v1/namespaces/kyma-system/secrets) '
      $apps[0].items[] as $a | $a.spec.services[] as $s |
      [$secrets[0].items[] | select(.metadata.labels.bundleId == $s.id) | .metadata.name] as $names |
      [$a.metadata.name, $s.displayName,
       "\([$s.entries[] | select(.type == "API")] | length) API(s), \([$s.entries[] | select(.type == "Events")] | length) event(s)",
       ([$s.entries[].credentials.type | select(. != "" and . != null)] | unique | join(",") | if . == "" then "-" else . end),
       ($names | length)] | @tsv'
  } | column -t -s $'\t' | sed 's/^/  /'
}

start_sandbox() {
  title "1. The sandbox: Compass with six Applications, and a Kubernetes API"
  "$bin/runtime-agent-sandbox" --demo --dir "$folder" >"$folder/sandbox.log" 2>&1 &
  sandbox_pid=$!
  until_true 20 "the sandbox" grep -q '# Ready' "$folder/sandbox.log"
  control_port=$(sed -nE 's|.*Control port: curl http://127.0.0.1:([0-9]+)/.*|\1|p' "$folder/sandbox.log")
  server=$(sed -nE 's/^ *server: *"?([^"]*)"?$/\1/p' "$folder/kubeconfig")
  token=$(sed -nE 's/.*token: *"?([^"}]*)"?.*/\1/p' "$folder/kubeconfig")
  sed -nE 's/^ *certificate-authority-data: *"?([^"]*)"?$/\1/p' "$folder/kubeconfig" | base64 -d >"$folder/cluster-ca.pem"
  control /dataset | jq -r '.applications[].name' | sed 's/^/  the Director holds  /'
}

start_agent() {
  title "2. The agent: waits for its configuration, pairs with the token, synchronizes"
  pages_port=$(free_port)
  health_port=$(free_port)
  local started=$EPOCHREALTIME
  env -i PATH="$PATH" $(cat "$folder/agent.env") APP_HEALTH_PORT="$health_port" APP_DIAGNOSTICS_PORT="$pages_port" \
    APP_TRACE_FILE="$folder/trace" APP_LOG_FORMAT=text RUNTIME_AGENT_TEST_CONTROLS=on \
    "$bin/runtime-agent" >"$folder/agent.log" 2>&1 &
  agent_pid=$!
  local shown=0 lines deadline=$((SECONDS + 60))
  until state_is Synchronized 2>/dev/null; do
    ((SECONDS < deadline)) || { echo "the agent did not synchronize" >&2; exit 1; }
    lines=$(wc -l <"$folder/agent.log")
    sed -n "$((shown + 1)),${lines}p" "$folder/agent.log" | show_log
    shown=$lines
    sleep 0.1
  done
  sed -n "$((shown + 1)),\$p" "$folder/agent.log" | show_log
  note "Synchronized $(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s after its start (most of it the RSA-4096 key)"
}
# The log's sentences, without times, ids and the rest of the fields.
show_log() { sed -nE 's/^[^ ]+ (info|warning|error) +(.*)$/\2/p' | sed -E 's/ trace=.*//; s/ (x-request-id|serial)=[^ ]*//g' | cut -c1-140 | sed 's/^/  | /'; }

show_cluster() {
  title "3. The cluster: Applications, their services and Secrets"
  table_of_applications
}

change_data() {
  title "4. The Director's data changes: one Application is removed, one is added, one gets a new description"
  control /dataset | jq '
    .applications |= (.[1:] | .[0].description = "changed just now") |
    .applications += [(.applications[0] | .name = "Loyalty Program" | .id = "d0d0d0d0-0000-4000-8000-000000000001" |
      (.bundles[]? .id) |= sub("^.{8}"; "d0d0d0d0"))]' >"$folder/changed.json"
  jq -r '[.items[] | "\(.metadata.name)\t\(.metadata.resourceVersion)"] | sort[]' <(api $applications) >"$folder/before"
  control /dataset --data-binary @"$folder/changed.json" >/dev/null
  note "and a person does not want to wait: spec.resyncNow: true"
  resync
  until_true 20 "the changes in the cluster" served
  jq -r '[.items[] | "\(.metadata.name)\t\(.metadata.resourceVersion)"] | sort[]' <(api $applications) >"$folder/after"
  changes
}
resync() {
  api $connections/compass-connection -X PATCH -H 'Content-Type: application/merge-patch+json' \
    -d '{"spec":{"resyncNow":true}}' >/dev/null
}
served() { connection | jq -e '.spec.resyncNow == false' >/dev/null; }
# Every Application that was created, updated or deleted, and how many were not touched.
changes() {
  awk -F'\t' '
    NR == FNR { before[$1] = $2; next }
    { seen[$1] = 1
      if (!($1 in before)) print "  created    " $1
      else if (before[$1] != $2) print "  updated    " $1
      else untouched++ }
    END { for (name in before) if (!(name in seen)) print "  deleted    " name
          printf "  untouched  %d others\n", untouched }' "$folder/before" "$folder/after"
}

crash_an_actor() {
  title "5. An actor throws an exception: only it is restarted"
  pages '/crash?actor=ApplicationReconciler&message=DesiredStateFetched' -d '' >/dev/null
  resync
  until_true 20 "the restart" restarted
  until_true 20 "the synchronization after it" served
  pages /actorz | sed 's/^/  /'
}
restarted() { pages /actorz | grep -qE '^ApplicationReconciler +running +1 '; }

reconnect() {
  title "6. kubectl delete compassconnection: the agent reconnects with a fresh token"
  local before
  before=$(connection | jq -r '.metadata.uid')
  note "certificates signed so far: $(control /certificates | jq length)"
  control /configuration -d '{}' >/dev/null
  api $connections/compass-connection -X DELETE >/dev/null
  until_true 30 "the new connection" reconnected "$before"
  note "certificates signed now:    $(control /certificates | jq length)"
  connection | jq -r '"state \(.status.connectionState), established \(.status.connectionStatus.established)"' | sed 's/^/  /'
}
reconnected() {
  connection | jq -e --arg uid "$1" \
    '.metadata.uid != $uid and .status.connectionState == "Synchronized" and ((.metadata.annotations // {}) | length == 0)' >/dev/null
}

show_trace() {
  title "7. One cycle, message by message (http://127.0.0.1:$pages_port/tracez while the agent runs)"
  resync
  until_true 20 "another synchronization" served
  pages '/tracez?last=synchronize' | sed 's/^/  /'
}

stay_here() {
  title "It keeps running. To look around:"
  note "export KUBECONFIG=$folder/kubeconfig"
  note "kubectl get applications; kubectl describe compassconnection compass-connection"
  note "kubectl edit application NAME         (what is ours comes back, what is yours stays)"
  note "kubectl delete compassconnection compass-connection"
  note "curl http://127.0.0.1:$pages_port/        the agent from inside"
  note "curl http://127.0.0.1:$control_port/        what the sandbox can do: data, tokens, faults"
  note "tail -f $folder/agent.log"
  [[ ! -x build/cluster/kubectl ]] || note "(a kubectl is in build/cluster/kubectl)"
  title "Press Ctrl-C to stop it."
  wait "$agent_pid"
}

start_sandbox
start_agent
show_cluster
change_data
crash_an_actor
reconnect
show_trace
if ((stay)); then
  stay_here
else
  title "The end: SIGTERM"
  kill -TERM "$agent_pid"
  status=0
  wait "$agent_pid" || status=$?
  agent_pid=""
  note "the agent ended with exit code $status"
  exit "$status"
fi
