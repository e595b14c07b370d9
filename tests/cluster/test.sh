#!/usr/bin/env bash
# Proves that the API server for tests, the custom resource definitions and the RBAC manifests
# are what they say: all against a real API server of its own, on free ports, in a temporary directory.
# One line a check; the exit code says whether all passed. Needs jq.
set -uo pipefail

# shellcheck source=../deploy/checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/checks.sh"
export CLUSTER_DIR=$work/cluster
# kubectl remembers what a server offers by its address, and ports come back.
export KUBECACHEDIR=$work/kubectl-cache
# shellcheck source=cluster.sh
source "$root/tests/cluster/cluster.sh"
set +e # a failed check is counted, and the next one runs

# Ends what this script started, by its number, also after Ctrl-C.
own_server=
finish() {
  [[ -n $own_server ]] && kill -KILL "$own_server" 2>/dev/null
  down
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

type -P jq >/dev/null || die "jq is needed: apt-get install jq"
build

admin() { "$kubectl" --kubeconfig "$CLUSTER_DIR/kubeconfig" "$@"; }

# ---- The server ---------------------------------------------------------------------------------

fact() { sed -n "s/^$1=//p" "$work/ready"; }

server_starts() {
  # Its standard input is a pipe that this script holds open.
  exec 7> >(exec "$server" --dir "$work/own" --ready-file "$work/ready" >"$work/own.log" 2>&1 "$@")
  own_server=$!
  within $start_deadline test -s "$work/ready" || {
    tail -n 5 "$work/own.log"
    return 1
  }
}

server_help_names_its_options() {
  local help
  help=$("$server" --help 2>&1) || return 1
  local option
  for option in dir port kubeconfig ready-file crds namespaces keep until-stdin-eof audit-log; do
    grep -q -- "-$option" <<<"$help" || return 1
  done
}

server_refuses_unknown_option() {
  "$server" --no-such-option
  (($? == 2))
}

server_listens_on_loopback_only() {
  local port listening
  port=$(fact url | sed 's/.*://')
  listening=$(printf ':%04X' "$port")
  # 0100007F is 127.0.0.1 as the kernel prints it; 0A is LISTEN.
  [[ $(cat /proc/net/tcp /proc/net/tcp6 | awk -v p="$listening" '$4 == "0A" && index($2, p) {print $2}') == "0100007F$listening" ]]
}

both_kubeconfigs_are_an_administrator() {
  local file
  for file in "$work/own/kubeconfig" "$work/own/kubeconfig-by-certificate"; do
    [[ $(stat -c %a "$file") == 600 ]] || return 1
    "$kubectl" --kubeconfig "$file" auth can-i '*' '*' || return 1
  done
}

server_ends_at_sigterm_in_time() {
  # A watch under way must not hold it up.
  "$kubectl" --kubeconfig "$work/own/kubeconfig" get namespaces --watch >"$work/watch" 2>/dev/null &
  local watcher=$!
  within 20 grep -q default "$work/watch" || return 1
  local exited
  kill -TERM "$own_server"
  within $stop_deadline gone "$own_server" || return 1
  wait "$own_server"
  exited=$?
  own_server=
  wait "$watcher"
  ((exited == 0))
}

server_removes_its_data() { [[ ! -e $work/own && ! -e $work/ready ]]; }

server_ends_while_it_starts() {
  local log exited
  for log in etcd kube-apiserver; do # told to end as soon as this part has begun
    "$server" --dir "$work/early" >"$work/early.log" 2>&1 &
    own_server=$!
    if [[ $log == etcd ]]; then
      within 20 test -d "$work/early/etcd" || return 1
    else
      within 20 test -s "$work/early.log" || return 1
    fi
    kill -TERM "$own_server"
    within $stop_deadline gone "$own_server" || return 1
    wait "$own_server"
    exited=$?
    own_server=
    ((exited == 0)) && [[ ! -e $work/early ]] || return 1
  done
}

server_says_that_its_port_is_taken() {
  local port
  port=$(fact url | sed 's/.*://')
  not "$server" --dir "$work/second" --port "$port" >"$work/second.log" 2>&1 || return 1
  tail -n 1 "$work/second.log" | grep -q 'address already in use' && [[ ! -e $work/second ]]
}

kept_data_is_found_again() {
  local port token
  server_starts --keep || return 1
  port=$(fact url | sed 's/.*://')
  token=$(sha256sum <"$work/own/kubeconfig")
  "$kubectl" --kubeconfig "$work/own/kubeconfig" create configmap kept || return 1
  kill -KILL "$own_server" # not even a clean stop is needed
  wait "$own_server"
  # The ready file of the killed one does not count for the next.
  "$server" --dir "$work/own" --ready-file "$work/ready" --port 99999 --keep >"$work/own.log" 2>&1
  [[ ! -e $work/ready ]] || return 1
  server_starts --keep --port "$port" || return 1
  [[ $(sha256sum <"$work/own/kubeconfig") == "$token" ]] || return 1
  "$kubectl" --kubeconfig "$work/own/kubeconfig" get configmap kept
}

server_ends_when_stdin_ends() {
  kill -TERM "$own_server"
  within $stop_deadline gone "$own_server" || return 1
  rm -rf "$work/own" "$work/ready"
  server_starts --until-stdin-eof || return 1
  exec 7>&-
  within $stop_deadline gone "$own_server" || return 1
  own_server=
}

check server.help_names_its_options server_help_names_its_options
check server.refuses_unknown_option server_refuses_unknown_option
check server.starts server_starts
check server.listens_on_loopback_only server_listens_on_loopback_only
check server.both_kubeconfigs_are_an_administrator both_kubeconfigs_are_an_administrator
check server.says_that_its_port_is_taken server_says_that_its_port_is_taken
check server.ends_at_sigterm_in_time server_ends_at_sigterm_in_time
check server.removes_its_data server_removes_its_data
check server.ends_while_it_starts server_ends_while_it_starts
check server.kept_data_is_found_again kept_data_is_found_again
check server.ends_when_stdin_ends server_ends_when_stdin_ends

# ---- cluster.sh ---------------------------------------------------------------------------------

cluster() { "$here/cluster.sh" "$@"; }

status_says_not_running() {
  [[ $(cluster status) == "not running" ]]
}

up_gives_a_working_kubeconfig() {
  cluster up >"$work/up" || return 1
  (
    eval "$(cat "$work/up")"
    [[ -s $CLUSTER_DIR/pid && $(cat "$CLUSTER_DIR/url") == https://127.0.0.1:* ]] && "$kubectl" get --raw /readyz
  )
}

up_again_changes_nothing() {
  local before
  before=$(cat "$CLUSTER_DIR/pid")
  diff <(cluster up) "$work/up" && [[ $(cat "$CLUSTER_DIR/pid") == "$before" ]]
}

both_versions_are_said() {
  [[ $(admin version -o json | jq -r '.clientVersion.gitVersion + " " + .serverVersion.gitVersion') == "v1.36.0 v1.36.0" ]]
}

namespaces_exist() { admin get namespace compass-system kyma-system istio-system default; }

go_is_asked_for() {
  local said
  mkdir -p "$work/no-go" && printf '#!/bin/sh\nexit 1\n' >"$work/no-go/go" && chmod +x "$work/no-go/go"
  said=$(
    PATH=$work/no-go:$PATH
    need_go 2>&1
  ) && return 1
  grep -q 'Go 1.26 or later is needed' <<<"$said" && grep -q 'curl .*go1.26' <<<"$said"
}

down_twice() {
  local pid
  pid=$(cat "$CLUSTER_DIR/pid")
  cluster down && gone "$pid" && [[ ! -e $CLUSTER_DIR/data && ! -e $CLUSTER_DIR/kubeconfig ]] && cluster down
}

check cluster.status_says_not_running status_says_not_running
check cluster.up_gives_a_working_kubeconfig up_gives_a_working_kubeconfig
check cluster.up_again_changes_nothing up_again_changes_nothing
check cluster.both_versions_are_said both_versions_are_said
check cluster.namespaces_exist namespaces_exist
check cluster.go_is_asked_for go_is_asked_for

# ---- Definitions --------------------------------------------------------------------------------

applications=applications.applicationconnector.kyma-project.io
connections=compassconnections.compass.kyma-project.io

definitions_are_sound() {
  # Established, and nothing to complain about in their schemas.
  admin get crd -o json | jq -e '[.items[].status.conditions | from_entries? // map({(.type): .status}) | add]
    | length == 2 and all(.Established == "True" and .NamesAccepted == "True" and (.NonStructuralSchema // "False") == "False")'
}

# Every Application that today's agent was seen to write, under a name of its own.
golden_applications_come_back() {
  jq -s '{apiVersion: "v1", kind: "List", items: [.[] | .step1, .step2 | .applications[]?] | to_entries | map(.key as $key | .value
      | .apiVersion = "applicationconnector.kyma-project.io/v1alpha1" | .kind = "Application"
      | .metadata.name += ".\($key)")}' "$root"/tests/vectors/*/golden.json >"$work/golden.json" || return 1
  (($(jq '.items | length' "$work/golden.json") > 90)) || return 1
  admin create --validate=strict -f "$work/golden.json" >/dev/null || return 1
  admin get applications -o json >"$work/stored.json" || return 1
  diff <(jq -S '[.items[] | {(.metadata.name): {spec, labels: .metadata.labels}}] | add' "$work/golden.json") \
    <(jq -S '[.items[] | {(.metadata.name): {spec, labels: .metadata.labels}}] | add' "$work/stored.json")
}

golden_connections_come_back() {
  local golden count=0
  for golden in "$root"/tests/vectors/*/golden.json; do
    # A null where a time has not come yet, as today's agent writes it, in place of what the recording left out.
    jq '.step1.connection | select(. != null)
        | .apiVersion = "compass.kyma-project.io/v1alpha1" | .kind = "CompassConnection"
        | walk(if . == "<time>" then "2026-01-02T03:04:05Z" else . end)
        | .status.connectionStatus.renewed //= null | .status.synchronizationStatus //= null' "$golden" >"$work/connection.json"
    [[ -s $work/connection.json ]] || continue
    admin create --validate=strict -f "$work/connection.json" || return 1
    diff <(jq -S '{spec, status}' "$work/connection.json") \
      <(admin get compassconnection compass-connection -o json | jq -S '{spec, status}') || return 1
    admin delete compassconnection compass-connection || return 1
    count=$((count + 1))
  done
  ((count > 50))
}

application() { # application NAME SPEC
  printf '{"apiVersion":"applicationconnector.kyma-project.io/v1alpha1","kind":"Application","metadata":{"name":"%s"},"spec":%s}' "$1" "$2"
}

connection() { # connection SPEC [STATUS]
  printf '{"apiVersion":"compass.kyma-project.io/v1alpha1","kind":"CompassConnection","metadata":{"name":"compass-connection"},"spec":%s%s}' \
    "$1" "${2:+,\"status\":$2}"
}

try() { admin create --dry-run=server --validate=strict -f - "$@"; }

application_has_every_field() {
  local spec='{"description":"d","displayName":"n","longDescription":"l","providerDisplayName":"p","skipVerify":true,"encodeUrl":true,
    "skipInstallation":true,"labels":{"a":"b"},"tags":["t"],"tenant":"t","group":"g","accessLabel":"a",
    "compassMetadata":{"applicationId":"i","authentication":{"clientIds":["c"]}},
    "services":[{"id":"i","name":"n","identifier":"i","displayName":"d","providerDisplayName":"p","description":"d",
      "longDescription":"l","labels":{"a":"b"},"tags":["t"],"authCreateParameterSchema":"{}",
      "entries":[{"type":"API","apiType":"ODATA","id":"i","name":"n","targetUrl":"u","gatewayUrl":"u","centralGatewayUrl":"u",
        "accessLabel":"a","specificationUrl":"u","requestParametersSecretName":"s",
        "credentials":{"type":"OAuth","secretName":"s","authenticationUrl":"u","csrfInfo":{"tokenEndpointURL":"u"}}}]}]}'
  diff <(jq -S . <<<"$spec") <(application every-field "$spec" | try -o json | jq -S .spec)
}

encode_url_is_true_where_left_out() {
  [[ $(application default-values '{}' | try -o jsonpath='{.spec.encodeUrl}') == true ]]
}

application_keeps_its_status() {
  application with-status '{}' | jq '.status = {"installationStatus": {"status": ""}}' | try -o json |
    jq -e '.status.installationStatus.status == ""'
}

application_refuses() {
  application refused '{"compassMetadata":{"applicationId":"i"}}' | not try || return 1
  application refused '{"services":[{"id":"i","name":"n"}]}' | not try || return 1
  application refused '{"encodeURL":true}' | not try
}

connection_without_status_is_accepted() {
  connection '{"managementInfo":{"connectorUrl":"","directorUrl":""},"resyncNow":true,"refreshCredentialsNow":false}' | try -o json |
    jq -e '.spec.resyncNow == true and .spec.refreshCredentialsNow == false and (has("status") | not)'
}

connection_refuses() {
  local urls='{"managementInfo":{"connectorUrl":"","directorUrl":""}}'
  connection '{}' | not try || return 1
  connection '{"managementInfo":{"connectorUrl":""}}' | not try || return 1
  connection "$urls" '{"connectionState":"Connected"}' | not try || return 1
  connection "$urls" '{"connectionState":"Connected","connectionStatus":{}}' | not try || return 1
  connection "$urls" '{"connectionStatus":{"certificateStatus":{}}}' | not try
}

full_connection() {
  connection '{"managementInfo":{"connectorUrl":"https://c","directorUrl":"https://d"}}' '{"connectionState":"Synchronized",
    "connectionStatus":{"certificateStatus":{"notAfter":"2031-01-02T03:04:05Z"}},
    "synchronizationStatus":{"lastSuccessfulApplication":"2026-01-02T03:04:05Z","applications":7,"failedApplications":2},
    "conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-02T03:04:05Z","reason":"Synchronized","message":"all done"}]}'
}

# As an agent writes that knows no status subresource: with the object, in one request.
connection_keeps_status_and_conditions() {
  full_connection | admin create --validate=strict -f - || return 1
  admin get compassconnection compass-connection -o json |
    jq -e '.status.conditions[0].type == "Ready" and .status.connectionState == "Synchronized"' || return 1
  admin get compassconnection compass-connection -o json | jq '.status.connectionState = "Connected"' |
    admin replace -f - || return 1
  [[ $(admin get compassconnection compass-connection -o jsonpath='{.status.connectionState}') == Connected ]]
}

columns_are_shown() {
  local shown
  shown=$(admin get compassconnection) || return 1
  echo "$shown"
  grep -Eq '^NAME +STATE +APPLICATIONS +FAILED +CERTIFICATE EXPIRY +LAST SYNC +AGE$' <<<"$shown" &&
    grep -Eq '^compass-connection +Connected +7 +2 +2031-01-02T03:04:05Z +[0-9]+' <<<"$shown" || return 1
  shown=$(admin get cc -o wide) || return 1 # by its short name
  echo "$shown"
  grep -Eq '^NAME .* AGE +REASON +MESSAGE$' <<<"$shown" && grep -Eq ' Synchronized +all done$' <<<"$shown"
}

# The way that the chart's README gives, as Helm never does it.
definitions_can_be_brought_up_to_date() {
  sed 's/name: Last sync/name: Last/' "$root"/deploy/chart/runtime-agent/crds/compassconnections.*.yaml >"$work/newer.yaml"
  admin apply --server-side --force-conflicts -f "$work/newer.yaml" || return 1
  admin get crd "$connections" -o json | jq -e '.spec.versions[0].additionalPrinterColumns | any(.name == "Last")' || return 1
  admin apply --server-side --force-conflicts -f "$root/deploy/chart/runtime-agent/crds" || return 1
  admin get crd "$connections" -o json | jq -e '.spec.versions[0].additionalPrinterColumns | length == 8 and any(.name == "Last sync")'
}

# What today's definitions accept, ours accept: keyword by keyword, at every place of the schemas that they have.
definitions_are_no_stricter_than_todays() {
  admin get crd -o json | jq --slurpfile todays "$root/tests/deploy/todays-definitions.json" -r '
    def stricter($ours; $todays; $at):
      (if $ours.type != $todays.type then "\($at): another type" else empty end),
      (if $todays.nullable == true and $ours.nullable != true then "\($at): null is refused" else empty end),
      (($ours.required // []) - ($todays.required // []) | .[] | "\($at): requires \(.)"),
      (("enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "maxItems", "format", "default") as $keyword
        | if $ours[$keyword] != $todays[$keyword] then "\($at): another \($keyword)" else empty end),
      (if ($todays | has("additionalProperties")) != ($ours | has("additionalProperties"))
        then "\($at): another additionalProperties"
        elif ($todays | has("additionalProperties"))
        then stricter($ours.additionalProperties; $todays.additionalProperties; "\($at).*") else empty end),
      (if $todays.items then stricter($ours.items; $todays.items; "\($at)[]") else empty end),
      (($todays.properties // {}) | to_entries[] | .key as $key | if ($ours.properties // {} | has($key))
        then stricter($ours.properties[$key]; .value; "\($at).\($key)") else "\($at).\($key): is not known" end);
    .items[] | .metadata.name as $name | select($todays[0][$name])
      | stricter(.spec.versions[0].schema.openAPIV3Schema; $todays[0][$name]; $name)' >"$work/stricter" || return 1
  cat "$work/stricter"
  [[ ! -s $work/stricter ]]
}

# As today's do: a field that nobody knows is taken away in silence, and the object is accepted.
unknown_fields_are_pruned() {
  application with-unknown '{"description":"d","unknown":{"a":[1]},"labels":{"anything":"stays"},
      "services":[{"id":"i","name":"n","displayName":"d","providerDisplayName":"p","description":"d","unknown":1,
        "entries":[{"type":"API","unknown":"x"}]}]}' |
    admin create --dry-run=server --validate=ignore -o json -f - |
    jq -e '([.. | objects | has("unknown")] | any | not) and .spec.labels.anything == "stays"' || return 1
  connection '{"managementInfo":{"connectorUrl":"","directorUrl":"","unknown":""},"unknown":true}' \
    '{"connectionState":"","connectionStatus":{"certificateStatus":{"unknown":null}},"synchronizationStatus":null,"unknown":[]}' |
    admin create --dry-run=server --validate=ignore -o json -f - | jq -e '[.. | objects | has("unknown")] | any | not'
}

check crds.definitions_are_sound definitions_are_sound
check crds.golden_applications_come_back golden_applications_come_back
check crds.application_has_every_field application_has_every_field
check crds.encode_url_is_true_where_left_out encode_url_is_true_where_left_out
check crds.application_keeps_its_status application_keeps_its_status
check crds.application_refuses application_refuses
check crds.golden_connections_come_back golden_connections_come_back
check crds.connection_without_status_is_accepted connection_without_status_is_accepted
check crds.connection_refuses connection_refuses
check crds.unknown_fields_are_pruned unknown_fields_are_pruned
check crds.connection_keeps_status_and_conditions connection_keeps_status_and_conditions
check crds.definitions_are_no_stricter_than_todays definitions_are_no_stricter_than_todays
check crds.columns_are_shown columns_are_shown
check crds.definitions_can_be_brought_up_to_date definitions_can_be_brought_up_to_date

# ---- Rights -------------------------------------------------------------------------------------

agent() { "$kubectl" --kubeconfig "$work/agent" "$@"; }

# allowed / denied: lines "VERB RESOURCE [NAMESPACE]"; an object's name follows a slash.
allowed() {
  local verb resource namespace answer wrong=0
  while read -r verb resource namespace; do
    answer=$(agent auth can-i "$verb" "$resource" ${namespace:+--namespace "$namespace"} 2>/dev/null)
    [[ $answer == "$1" ]] || {
      echo "$verb $resource $namespace: $answer"
      wrong=1
    }
  done
  return $wrong
}

# several VERBS RESOURCE [NAMESPACE]: the verbs as lines of their own.
several() {
  local verb
  for verb in $1; do echo "$verb $2 ${3:-}"; done
}

gives_a_token_of_the_account() {
  cluster kubeconfig compass-system runtime-agent "$work/agent" || return 1
  [[ $(stat -c %a "$work/agent") == 600 ]] || return 1
  [[ $(agent auth whoami -o jsonpath='{.status.userInfo.username}') == system:serviceaccount:compass-system:runtime-agent ]]
}

no_token_without_an_account() {
  not cluster kubeconfig compass-system no-such-account "$work/nobody" && [[ ! -e $work/nobody ]]
}

todays_are_given() {
  {
    several "get list create update delete" "$applications"
    several "get list watch create update delete" "$connections"
    several "get list" nodes
    several "get list" persistentvolumes
    several "get list" nodes.metrics.k8s.io
    local namespace
    for namespace in compass-system kyma-system istio-system; do several "get create update delete" secrets $namespace; done
  } | allowed yes
}

todays_end_there() {
  {
    several "watch patch" "$applications"
    several "patch" "$connections"
    several "list watch patch" secrets kyma-system
    several "get list" secrets default
    several "get list watch" configmaps compass-system
    several "get create update" leases.coordination.k8s.io compass-system
    several "create patch" events default
    several "get list" customresourcedefinitions.apiextensions.k8s.io
    several "create get delete" services kyma-system
  } | allowed no
}

ours_are_given() {
  {
    several "get list watch create update delete" "$applications"
    several "get list watch create update delete" "$connections"
    several "update" "$connections/status"
    several "list" nodes
    several "list" persistentvolumes
    several "list" nodes.metrics.k8s.io
    several "get list watch" configmaps/compass-agent-configuration compass-system
    several "get list watch create update delete" secrets kyma-system
    several "create patch" events default
    # The default names …
    several "create" secrets compass-system
    several "get list watch update" secrets/cluster-client-certificates compass-system
    several "get update delete" secrets/cluster-client-certificates-pending compass-system
    several "create" leases.coordination.k8s.io compass-system
    several "get update watch" leases.coordination.k8s.io/runtime-agent compass-system
    several "create" secrets istio-system
    several "get list watch update" secrets/ca-certificates istio-system
    # … and those of today's Deployment.
    several "get list watch" secrets/compass-agent-configuration kyma-system
    several "get update create" secrets/cluster-client-certificates kyma-system
    several "get update delete create" secrets/cluster-client-certificates-pending kyma-system
    several "create" leases.coordination.k8s.io kyma-system
    several "get update watch" leases.coordination.k8s.io/runtime-agent kyma-system
    several "get update" secrets/kyma-gateway-certs-cacert istio-system
  } | allowed yes
}

ours_end_there() {
  {
    several "patch deletecollection" "$applications"
    several "patch deletecollection" "$connections"
    several "patch deletecollection" secrets kyma-system
    several "get list" secrets default
    several "get list" secrets istio-system
    several "get update delete" secrets/istio-ca-secret istio-system
    several "list watch" secrets compass-system
    several "delete" secrets/ca-certificates istio-system
    several "delete" secrets/cluster-client-certificates compass-system
    several "get list watch update delete" secrets/other compass-system
    several "get list" configmaps kyma-system
    several "get list watch" configmaps compass-system
    several "get update" leases.coordination.k8s.io/other compass-system
    several "list delete patch" leases.coordination.k8s.io/runtime-agent compass-system
    several "create update delete" configmaps compass-system
    several "get" leases.coordination.k8s.io kube-system
    several "get" nodes
    several "get list" customresourcedefinitions.apiextensions.k8s.io
    several "update delete" "customresourcedefinitions.apiextensions.k8s.io/$applications"
    several "create" clusterroles.rbac.authorization.k8s.io
    several "create" pods compass-system
    several "create" serviceaccounts/token compass-system
    several "create delete" namespaces
    several "create patch" events kyma-system
  } | allowed no
}

# can-i asks the authorizer about a name; a watch gets its name from the field selector.
one_object_can_be_watched() {
  agent get configmaps --namespace compass-system --field-selector metadata.name=compass-agent-configuration || return 1
  not agent get configmaps --namespace compass-system
}

metrics_stand_in_serves() {
  admin apply -f "$here/metrics-api.yaml" || return 1
  admin wait --for=condition=Established crd/nodes.metrics.k8s.io --timeout=20s || return 1
  printf '{"apiVersion":"metrics.k8s.io/v1beta1","kind":"NodeMetrics","metadata":{"name":"a"},"timestamp":"2026-01-02T03:04:05Z","usage":{"cpu":"1"}}' >"$work/usage.json"
  within 10 admin create -f "$work/usage.json" || return 1
  [[ $(admin get --raw /apis/metrics.k8s.io/v1beta1/nodes | jq -r '.items[0].usage.cpu') == 1 ]]
}

applies() { admin apply -f "$root/deploy/rbac/$1"; }
withdrawn() { admin delete -f "$root/deploy/rbac/$1" && within 10 not agent get "$applications"; }

check cluster.metrics_stand_in_serves metrics_stand_in_serves
check rbac.todays_rights_apply applies legacy-rights.yaml
check kubeconfig.gives_a_token_of_the_account gives_a_token_of_the_account
check kubeconfig.no_token_without_an_account no_token_without_an_account
check rbac.todays_are_given todays_are_given
check rbac.todays_end_there todays_end_there
check rbac.todays_rights_can_be_withdrawn withdrawn legacy-rights.yaml
check rbac.rights_apply applies rbac.yaml
check kubeconfig.gives_a_token_again gives_a_token_of_the_account
check rbac.ours_are_given ours_are_given
check rbac.ours_end_there ours_end_there
check rbac.one_object_can_be_watched one_object_can_be_watched
check rbac.rights_can_be_withdrawn withdrawn rbac.yaml

check cluster.down_twice down_twice

summary
