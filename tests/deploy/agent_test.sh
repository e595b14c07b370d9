#!/usr/bin/env bash
# Proves, with the real agent in a real API server, what an operator does with it: starts it before anything is there,
# takes things away, puts it in the place of the Compass Runtime Agent and takes it out again. Needs jq and curl.
set -uo pipefail

# shellcheck source=checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
export CLUSTER_DIR=$work/cluster
# kubectl remembers what a server offers by its address, and ports come back.
export KUBECACHEDIR=$work/kubectl-cache
# shellcheck source=../cluster/cluster.sh
source "$root/tests/cluster/cluster.sh"
# shellcheck source=processes.sh
source "$root/tests/deploy/processes.sh"
set +e # a failed check is counted, and the next one runs

finish() {
  end_processes
  down
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Nothing of ours: no definition, no namespace.
up --crds "" --namespaces "" >"$work/up" || die "the API server did not start"
start_sandbox --no-kubernetes --demo --runtime-id 1ae04041-17e5-478f-91f8-3a2ddc7700de --tenant 3e64ebae-38b5-46a0-b1ed-9ccee153a0ae ||
  die "the sandbox did not start"

admin() { "$kubectl" --kubeconfig "$CLUSTER_DIR/kubeconfig" "$@"; }
state() { admin get compassconnection compass-connection -o jsonpath='{.status.connectionState}' 2>/dev/null; }
state_is() { [[ $(state) == "$1" ]]; }
applications() { admin get applications -o name | wc -l; }
tokens_spent() { compass /tokens | jq '[.[] | select(.oneTime and .spent)] | length'; }
certificates() { compass /certificates | jq length; }
log_says() { grep -q "$1" "$work/agent.log"; }
probe_says() { [[ $(probe "$1") == "$2" ]] && grep -qi "$3" "$work/probe"; }

# configure KIND NAMESPACE: the connection configuration, with a fresh token.
configure() {
  admin apply -f - <<END
apiVersion: v1
kind: $1
metadata: {name: compass-agent-configuration, namespace: $2}
$([[ $1 == Secret ]] && echo stringData || echo data):
  CONNECTOR_URL: $(sed -n 's/^# Connector: *//p' "$work/sandbox.log")
  RUNTIME_ID: 1ae04041-17e5-478f-91f8-3a2ddc7700de
  TENANT: 3e64ebae-38b5-46a0-b1ed-9ccee153a0ae
  TOKEN: $(compass /token -X POST | jq -r .token)
END
}

resync() { admin patch compassconnection compass-connection --type merge -p '{"spec":{"resyncNow":true}}'; }
served() { [[ $(admin get compassconnection compass-connection -o jsonpath='{.spec.resyncNow}') == false ]]; }

# What stays at the end of a failed check: enough to see why.
reaches() {
  within "${2:-60}" state_is "$1" || {
    admin get compassconnection -o json | jq -c '.items[].status'
    tail -n 5 "$work/agent.log"
    return 1
  }
}

# ---- What operators read ------------------------------------------------------------------------

documentation_names_every_setting() {
  diff <("$bin/runtime-agent" --help | grep -oE '^ +[A-Z][A-Z_, ]+$' | grep -oE '[A-Z][A-Z_]+' | sort -u) \
    <(sed -n '/^### Settings/,/^## /p' "$root/deploy/README.md" | grep -oE '^\| `[^|]*' | grep -oE '[A-Z][A-Z_]+' | sort -u)
}

check documentation.names_every_setting documentation_names_every_setting

# ---- Before anything is there -------------------------------------------------------------------

quick=(APP_CONTROLLER_SYNC_PERIOD=1s APP_MINIMAL_COMPASS_SYNC_TIME=1s SSL_CERT_FILE="$work/sandbox/ca.pem" TMPDIR="$work")

# Its Lease has no place, so that nothing else is begun.
says_what_it_waits_for() {
  : >"$work/agent.log"
  start_agent KUBECONFIG="$CLUSTER_DIR/kubeconfig" "${quick[@]}"
  within 20 probe_says /readyz 503 'namespaces .*compass-system.* not found' || return 1
  within 20 log_says 'namespaces .*compass-system.* not found' || return 1
  [[ $(probe /healthz) == 200 ]] && ! gone "$agent_process"
}

waits_for_the_definition_and_the_configuration() {
  admin create namespace compass-system && admin create namespace istio-system || return 1
  within 30 probe_says /readyz 503 'definition compassconnections' || return 1
  within 20 log_says 'definition compassconnections' && within 20 log_says compass-agent-configuration || return 1
  [[ $(probe /healthz) == 200 ]] && ! gone "$agent_process"
}

applications_definition=applications.applicationconnector.kyma-project.io

# The token is not lost on the way, nor spent twice.
connects_when_all_has_come() {
  configure ConfigMap compass-system || return 1
  # In this order, and with a Director whose first answer comes late, the Events that kubectl shows below are the same in
  # each run.
  admin create namespace kyma-system && admin apply -f "$root/deploy/chart/runtime-agent/crds/$applications_definition.yaml" &&
    admin wait --for=condition=Established --timeout=30s "crd/$applications_definition" || return 1
  compass /faults -d '{"service":"director","action":"delay","delay":5000,"times":1}' >/dev/null
  admin apply -f "$root/deploy/chart/runtime-agent/crds" || return 1
  reaches Connected 90 || return 1
  reaches Synchronized 90 || return 1
  [[ $(applications) == 6 && $(tokens_spent) == 1 && $(certificates) == 1 ]] && within 10 probe_says /readyz 200 .
}

check absence.says_what_it_waits_for says_what_it_waits_for
check absence.waits_for_the_definition_and_the_configuration waits_for_the_definition_and_the_configuration
check absence.connects_when_all_has_come connects_when_all_has_come

# ---- kubectl's view -----------------------------------------------------------------------------

# shown COMMAND: the command and what it says, for the documentation; what differs from run to run is made the same.
shown() {
  printf '\n```console\n$ %s\n' "$1"
  # The command as a person would type it: with this kubectl and this cluster behind the name.
  (
    kubectl() { "$root/build/cluster/kubectl" --kubeconfig "$CLUSTER_DIR/kubeconfig" "$@"; }
    export -f kubectl 2>/dev/null
    eval "$1"
  ) 2>&1 | sed -E '
    s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z/2026-01-02T03:04:05Z/g
    s/(127\.0\.0\.1|localhost):[0-9]+/compass.example.com/g
    s/([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/11111111-2222-3333-4444-555555555555/g
    s/^( *(Observed )?Generation: +).*/\14/; s/^( *Resource Version: +).*/\11234/
    s/ [0-9]+m?[0-9]*s( ago)?( |$)/ 5s\1\2/g; s/^[0-9]+m?[0-9]*s /5s /
    s/\(x[0-9]+ over [0-9a-z]+\)/(x2 over 5s)/; s/ +$//'
  printf '```\n'
}

write_view() {
  cat <<'END'
# kubectl's view

Written by `tests/deploy/agent_test.sh`, which makes it with a real API server; times, ids and addresses are made the same.

## All is well
END
  shown 'kubectl get compassconnection'
  shown 'kubectl get cc -o wide'
  shown 'kubectl wait --for=condition=Ready compassconnection/compass-connection --timeout=20s'
  shown 'kubectl describe compassconnection compass-connection'
  shown 'kubectl get applications'
  printf '\n## Synchronizing now, with an editor\n'
  shown "KUBE_EDITOR=\"sed -i '/^spec:/a\\  resyncNow: true'\" kubectl edit compassconnection compass-connection"
  within 30 served
  shown "kubectl get compassconnection compass-connection -o jsonpath='{.spec.resyncNow}{\"\\n\"}'"
  printf '\n## The Director is down\n'
  compass /faults -d '{"service":"director","action":"http-503","times":1000}' >/dev/null
  within 60 state_is SynchronizationFailed
  sleep 1 # Events are written beside the status
  shown 'kubectl get compassconnection'
  shown 'kubectl wait --for=condition=Synchronized=false compassconnection/compass-connection --timeout=20s'
  shown 'kubectl describe compassconnection compass-connection'
  compass /faults -X DELETE >/dev/null
}

documentation_shows_kubectls_view() {
  write_view >"$work/KUBECTL.md"
  [[ -z ${RUNTIME_AGENT_WRITE_DOCUMENTATION:-} ]] || cp "$work/KUBECTL.md" "$root/deploy/KUBECTL.md"
  diff -b "$root/deploy/KUBECTL.md" "$work/KUBECTL.md" # ages make columns wider or narrower
}
is_well_again() { resync && reaches Synchronized 60; }

check kubectl.documentation_shows_its_view documentation_shows_kubectls_view
check kubectl.is_well_again is_well_again

# ---- helm test ----------------------------------------------------------------------------------

release() { "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system "$@"; }
test_pod() { admin --namespace compass-system get pod runtime-agent-check "$@"; }

# There is no kubelet: what one would do with the pod is done here, with its arguments, its environment and its account.
run_test_pod() {
  local pod arguments environment phase=Succeeded
  within 20 test_pod >/dev/null 2>&1 || return 1
  pod=$(test_pod -o json)
  mapfile -t environment < <(jq -r '.spec.containers[0].env[] | "\(.name)=\(.value // "")"' <<<"$pod")
  mapfile -t arguments < <(jq -r '.spec.containers[0].args[]' <<<"$pod" | sed "s|^/app/|$bin/|")
  kubeconfig compass-system "$(jq -r .spec.serviceAccountName <<<"$pod")" "$work/check.kubeconfig" || return 1
  env -i "${environment[@]}" KUBECONFIG="$work/check.kubeconfig" "${arguments[@]}" || phase=Failed
  admin --namespace compass-system patch pod runtime-agent-check --subresource=status --type merge -p "{\"status\":{\"phase\":\"$phase\"}}"
}

# helm_test OUTCOME: helm's exit code says what check has found.
helm_test() {
  local process status=0
  admin --namespace compass-system delete pod runtime-agent-check --ignore-not-found --grace-period=0 --force >/dev/null 2>&1
  release test runtime-agent --timeout 60s &
  process=$!
  run_test_pod || return 1
  wait "$process" || status=$?
  [[ $([[ $status == 0 ]] && echo passes || echo fails) == "$1" ]]
}

helm_test_passes_where_all_is_well() {
  build_helm || return 1
  release install runtime-agent "$root/deploy/chart/runtime-agent" --set "env.SSL_CERT_FILE=$work/sandbox/ca.pem" || return 1
  helm_test passes
}
helm_test_fails_where_something_is_wrong() {
  release upgrade runtime-agent "$root/deploy/chart/runtime-agent" --set configuration.configMap=compass-system/not-there || return 1
  helm_test fails && release uninstall runtime-agent
}

check helm.test_passes_where_all_is_well helm_test_passes_where_all_is_well
check helm.test_fails_where_something_is_wrong helm_test_fails_where_something_is_wrong

# ---- What is taken away -------------------------------------------------------------------------

connections=compassconnections.compass.kyma-project.io
definition_is_gone() { not admin get crd "$1" >/dev/null 2>&1; }

# The object goes with its definition. The identity stays: nothing that a person would have to mend.
outlives_the_loss_of_the_connections_definition() {
  local lines certificate
  certificate=$(admin --namespace compass-system get secret cluster-client-certificates -o jsonpath='{.data.crt}')
  lines=$(wc -l <"$work/agent.log")
  admin delete crd $connections --timeout=30s || return 1
  within 20 definition_is_gone $connections || return 1
  within 20 eval "tail -n +$((lines + 1)) '$work/agent.log' | grep -q compassconnections" || return 1
  within 40 probe_says /readyz 503 compassconnections || return 1
  gone "$agent_process" && return 1
  admin apply -f "$root/deploy/chart/runtime-agent/crds" || return 1
  reaches Synchronized 60 || return 1
  [[ $(admin --namespace compass-system get secret cluster-client-certificates -o jsonpath='{.data.crt}') == "$certificate" &&
    $(tokens_spent) == 1 && $(applications) == 6 ]]
}

outlives_the_loss_of_the_applications_definition() {
  local before
  before=$(admin --namespace kyma-system get secrets -l bundleId -o json | jq -S '[.items[] | {(.metadata.name): .data}] | add')
  admin delete crd $applications_definition --timeout=30s || return 1
  within 20 definition_is_gone $applications_definition || return 1
  reaches ResourceApplicationFailed 40 || return 1
  admin apply -f "$root/deploy/chart/runtime-agent/crds" || return 1
  reaches Synchronized 60 || return 1
  [[ $(applications) == 6 ]] || return 1
  # With the uids of the Applications that were made anew.
  within 30 owners_are_right || return 1
  diff <(echo "$before") <(admin --namespace kyma-system get secrets -l bundleId -o json | jq -S '[.items[] | {(.metadata.name): .data}] | add')
}
owners_are_right() {
  [[ $(admin --namespace kyma-system get secrets -l bundleId -o json | jq -r '.items[].metadata.ownerReferences[0].uid' | sort -u) == \
    $(admin get applications -o json | jq -r --argjson owners "$(admin --namespace kyma-system get secrets -l bundleId -o json |
      jq '[.items[].metadata.ownerReferences[0].name]')" '.items[].metadata | select(.name as $name | $owners | index($name)) | .uid' | sort -u) ]]
}

# This server has no namespace controller: what it would do is done here. From the first step on nothing can be made in it.
remove_namespace() {
  admin delete namespace "$1" --wait=false || return 1
  admin --namespace "$1" delete secrets --all >/dev/null
  admin get namespace "$1" -o json | jq '.spec.finalizers = []' | admin replace --raw "/api/v1/namespaces/$1/finalize" -f - >/dev/null
  within 10 not admin get namespace "$1" >/dev/null 2>&1
}

outlives_the_loss_of_a_namespace() {
  remove_namespace kyma-system || return 1
  reaches ResourceApplicationFailed 60 || return 1
  admin get compassconnection compass-connection -o json | jq -e '.status.synchronizationStatus.error | test("kyma-system")' || return 1
  admin create namespace kyma-system || return 1
  reaches Synchronized 60 || return 1
  (($(admin --namespace kyma-system get secrets -l bundleId -o name | wc -l) > 3))
}

ends() { end_agent; }

check absence.outlives_the_loss_of_the_connections_definition outlives_the_loss_of_the_connections_definition
check absence.outlives_the_loss_of_the_applications_definition outlives_the_loss_of_the_applications_definition
check absence.outlives_the_loss_of_a_namespace outlives_the_loss_of_a_namespace
check absence.ends ends

# ---- In the place of the Compass Runtime Agent --------------------------------------------------

# As before the agent was ever there, with the definitions that the module installs.
start_over() {
  admin delete compassconnections,applications --all >/dev/null
  admin --namespace kyma-system delete secrets --all >/dev/null
  admin --namespace istio-system delete secrets --all >/dev/null
  todays_definitions
}

todays_definitions() {
  local name
  for name in $connections $applications_definition; do
    admin get crd "$name" -o json | jq --slurpfile todays "$root/tests/deploy/todays-definitions.json" '
      .spec.versions[0].schema.openAPIV3Schema = $todays[0][.metadata.name]
      | del(.spec.versions[0].additionalPrinterColumns, .metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"])' |
      admin replace -f - || return 1
  done
}

# The agent as the Deployment says: its arguments, its environment, its account. Not its port: there are other agents on
# this machine.
start_todays_deployment() {
  local deployment environment
  deployment=$(admin --namespace kyma-system get deployment compass-runtime-agent -o json) || return 1
  mapfile -t environment < <(jq -r '.spec.template.spec.containers[0].env[] | "\(.name)=\(.value // "")"' <<<"$deployment")
  # The image has the program under this name as well.
  mkdir -p "$work/image/app"
  ln -sfn "$(readlink -f "$bin/runtime-agent")" "$work/image/app/compass-runtime-agent"
  mapfile -t agent_command < <(jq -r '.spec.template.spec.containers[0].args[]' <<<"$deployment" | sed "s|^/|$work/image/|")
  kubeconfig kyma-system "$(jq -r .spec.template.spec.serviceAccountName <<<"$deployment")" "$work/todays.kubeconfig" || return 1
  : >"$work/agent.log"
  start_agent "${environment[@]}" KUBECONFIG="$work/todays.kubeconfig"
}

runs_in_todays_deployment() {
  start_over || return 1
  admin apply -f "$root/tests/deploy/todays-manifests.yaml" || return 1
  configure Secret kyma-system || return 1
  before=$(tokens_spent)
  start_todays_deployment || return 1
  reaches Synchronized 90 || return 1
  [[ $(applications) == 6 && $(tokens_spent) == $((before + 1)) ]]
}

# Its definition drops conditions and counts: no reason to write them again. A cycle comes in three minutes.
writes_nothing_between_cycles() {
  local version
  version=$(connection_version)
  [[ -n $version ]] && ! within 4 eval '[[ $(connection_version) != '"$version"' ]]'
}
connection_version() { admin get compassconnection compass-connection -o jsonpath='{.metadata.resourceVersion}'; }
drops_conditions_and_counts() {
  admin get compassconnection compass-connection -o json |
    jq -e '.status | (has("conditions") or (.synchronizationStatus | has("applications"))) | not'
}

todays_probes_pass() { [[ $(probe /healthz) == 200 ]]; }
says_that_tls_is_not_checked() {
  log_says 'TLS checks are off' && admin get compassconnection compass-connection -o json | grep -q 'TLS checks are off'
}
says_which_variables_mean_nothing() { log_says 'APP_GATEWAY_PORT'; }
# It does not run against what it may not do again and again.
says_each_missing_right_once() {
  local doubled
  doubled=$(jq -r 'select(.level == "warning") | [.message // .msg, .error // "", .variables // ""] | tostring' "$work/agent.log" 2>/dev/null | sort | uniq -d)
  echo "$doubled"
  [[ -z $doubled ]]
}

check drop_in.runs_in_todays_deployment runs_in_todays_deployment
check drop_in.definition_drops_conditions_and_counts drops_conditions_and_counts
check drop_in.writes_nothing_between_cycles writes_nothing_between_cycles
check drop_in.todays_probes_pass todays_probes_pass
check drop_in.says_that_tls_is_not_checked says_that_tls_is_not_checked
check drop_in.says_which_variables_mean_nothing says_which_variables_mean_nothing
check drop_in.says_each_missing_right_once says_each_missing_right_once

# All that is in the cluster, but for who wrote it when.
snapshot() {
  {
    admin get applications -o json | jq '[.items[] | {(.metadata.name): {spec, labels: .metadata.labels, annotations: .metadata.annotations}}] | add'
    admin --namespace kyma-system get secrets -l bundleId -o json |
      jq '[.items[] | {(.metadata.name): {data, labels: .metadata.labels, owner: .metadata.ownerReferences[0].name}}] | add'
    admin --namespace kyma-system get secret cluster-client-certificates -o json | jq .data
    admin --namespace istio-system get secret kyma-gateway-certs-cacert -o json | jq .data
  } | jq -S .
}

# What the Compass Runtime Agent does in a cycle: every Application and every Secret is written anew from the Director's
# data, the certificates' Secrets without what others put there, and the connection with the fields that it knows. It
# holds its objects as typed structures: what it does not know is gone.
todays_cycle() {
  admin get applications -o json | jq -c '.items[] | select(.spec.compassMetadata)
    | .metadata.labels = {"applicationconnector.kyma-project.io/managed-by": "compass-runtime-agent"}
    | .spec |= {description, skipVerify, encodeUrl, labels, displayName: "", providerDisplayName: "", longDescription: "",
        compassMetadata, services}' |
    while read -r object; do admin replace -f - <<<"$object" || exit 1; done || return 1
  admin --namespace kyma-system get secrets -l bundleId -o json | jq -c '.items[]
    | .metadata |= {name, namespace, labels: {app: .labels.app, bundleId: .labels.bundleId}, ownerReferences}' |
    while read -r object; do admin replace -f - <<<"$object" || exit 1; done || return 1
  admin --namespace kyma-system get secret cluster-client-certificates -o json |
    jq '.metadata |= {name, namespace} | .data |= {crt, key, crtChain}' | admin replace -f - || return 1
  admin --namespace istio-system get secret kyma-gateway-certs-cacert -o json |
    jq '.metadata |= {name, namespace} | .data |= {cacert}' | admin replace -f - || return 1
  admin get compassconnection compass-connection -o json | jq --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" '
    .spec |= {managementInfo, resyncNow: false, refreshCredentialsNow: false}
    | .status |= {connectionState: "Synchronized",
        connectionStatus: (.connectionStatus | {established, renewed, lastSync: $now, lastSuccess: $now, certificateStatus}),
        synchronizationStatus: {lastAttempt: $now, lastSuccessfulFetch: $now, lastSuccessfulApplication: $now}}' |
    admin replace -f -
}

foreign='{"apiVersion":"applicationconnector.kyma-project.io/v1alpha1","kind":"Application","metadata":{"name":"made-by-hand"},"spec":{"description":"a person made this"}}'

goes_back_to_todays_agent() {
  admin create -f - <<<"$foreign" || return 1
  snapshot >"$work/ours" || return 1
  end_agent || return 1
  todays_cycle && todays_cycle
}

# Nothing is lost, nothing has to be paired again, and what the other did to our marks is mended.
takes_over_again() {
  local spent
  spent=$(tokens_spent)
  start_todays_deployment || return 1
  within 60 eval 'resync >/dev/null && within 5 served' || return 1
  reaches Synchronized 60 || return 1
  snapshot >"$work/again" || return 1
  diff "$work/ours" "$work/again" && [[ $(tokens_spent) == "$spent" ]]
}

# The annotations with which a restart knows to whom the certificate belongs.
identity_is_on_record_again() {
  within 20 eval 'admin --namespace kyma-system get secret cluster-client-certificates -o json |
    jq -e ".metadata.annotations[\"runtime-agent.kyma-project.io/runtime-id\"]" >/dev/null'
}

# What has changed in the Director while the other agent was there, or nobody.
changes_in_between_arrive() {
  end_agent || return 1
  compass /dataset >"$work/dataset"
  jq '.applications |= (.[1:] | .[0].description = "changed in between")' "$work/dataset" | compass /dataset -d @- >/dev/null || return 1
  todays_cycle || return 1
  start_todays_deployment || return 1
  within 60 eval '[[ $(applications) == 6 ]]' || return 1 # five, and the one that a person made
  admin get applications -o json | jq -e 'any(.items[].spec.description; . == "changed in between")
    and any(.items[]; .metadata.name == "made-by-hand" and .spec.description == "a person made this")'
}

check drop_in.goes_back_to_todays_agent goes_back_to_todays_agent
check drop_in.takes_over_again takes_over_again
check drop_in.identity_is_on_record_again identity_is_on_record_again
check drop_in.changes_in_between_arrive changes_in_between_arrive
check drop_in.ends ends

summary
