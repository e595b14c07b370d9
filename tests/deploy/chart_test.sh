#!/usr/bin/env bash
# Proves that the chart, deploy/install.yaml and the plain manifests are what they say: rendered with every kind of
# values, and judged, installed and changed in a real API server of its own. Needs jq.
set -uo pipefail

# shellcheck source=checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
export CLUSTER_DIR=$work/cluster
# kubectl remembers what a server offers by its address, and ports come back.
export KUBECACHEDIR=$work/kubectl-cache
# shellcheck source=../cluster/cluster.sh
source "$root/tests/cluster/cluster.sh"
set +e # a failed check is counted, and the next one runs

finish() {
  down
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

type -P jq >/dev/null || die "jq is needed: apt-get install jq"
build_helm
up >"$work/up" || die "the API server did not start"

admin() { "$kubectl" --kubeconfig "$CLUSTER_DIR/kubeconfig" "$@"; }
chart=$root/deploy/chart/runtime-agent
values=$root/tests/deploy/values
render() { "$helm" template runtime-agent "$chart" --namespace compass-system "$@"; }
# Objects of a kind, as JSON, one a line.
objects() { admin create --dry-run=client -o json -f "$1" | jq -c --arg kind "$2" '(.items? // [.])[] | select(.kind == $kind)'; }

# ---- What is rendered ---------------------------------------------------------------------------

all_render_as_committed() {
  HELM=$helm "$root/deploy/render.sh" "$work/manifests" || return 1
  local file
  for file in rbac/rbac.yaml rbac/todays-rights.yaml install.yaml; do
    diff "$root/deploy/$file" "$work/manifests/$file" || return 1
  done
}

# Flux and Argo CD take the chart from an archive or a copy in which a link leads nowhere.
repository_has_no_symbolic_link() { not grep '^120000' < <(git -C "$root" ls-files --stage); }

chart_has_the_programs_version() {
  local version
  version=$(sed -nE 's/.* version = "(.*)";/\1/p' "$root/app/version.hpp")
  [[ $version ]] && grep -qx "version: $version" "$chart/Chart.yaml" && grep -qx "appVersion: $version" "$chart/Chart.yaml"
}

# The values of every way to run it that the chart knows, each with what it adds to the objects of the default one.
ways=(default todays-deployment todays-rights everything two-replicas)

chart_lints() { "$helm" lint --strict "$chart" --values "$values/$1.yaml"; }

# kubectl replaces a disruption budget's selector each time, by the same one.
always='^poddisruptionbudget.policy/runtime-agent configured$'

# Server-side dry run with strict validation, then in earnest; applied again nothing changes: no field that the server
# rewrites.
chart_applies() {
  local resources
  render --values "$values/$1.yaml" >"$work/rendered.yaml" || return 1
  admin apply --dry-run=server --validate=strict -f "$work/rendered.yaml" || return 1
  admin apply --validate=strict -f "$work/rendered.yaml" || return 1
  admin --namespace compass-system get deployment,service,serviceaccount runtime-agent || return 1
  resources=$(admin apply --validate=strict -f "$work/rendered.yaml") || return 1
  not grep -v -e ' unchanged$' -e "$always" <<<"$resources" || return 1
  admin delete -f "$work/rendered.yaml"
}

rendered_kinds() { render "$@" | sed -n 's/^kind: //p' | sort | uniq -c | awk '{print $2 "=" $1}' | paste -sd' '; }

# has KIND VALUES…: whether such an object is rendered with them.
has() { render "${@:2}" | grep -q "^kind: $1\$"; }

parts_come_where_they_are_wanted() {
  local known=(--api-versions monitoring.coreos.com/v1/ServiceMonitor --api-versions monitoring.coreos.com/v1/PrometheusRule)
  not has PodDisruptionBudget && has PodDisruptionBudget --set replicas=2 || return 1
  not has NetworkPolicy && has NetworkPolicy --set networkPolicy.enabled=true || return 1
  has PriorityClass && not has PriorityClass --set priorityClass.create=false || return 1
  not has ServiceMonitor && has ServiceMonitor "${known[@]}" && has PrometheusRule "${known[@]}" || return 1
  not has ServiceMonitor "${known[@]}" --set monitoring.enabled=false && has ServiceMonitor --set monitoring.enabled=true || return 1
  not has ConfigMap && has ConfigMap --set monitoring.dashboard=true || return 1
  not has ServiceAccount --set serviceAccount.create=false || return 1
  not has Role --set rbac.create=false && not has ClusterRole --set rbac.create=false
}

environment_and_rights_agree() {
  local deployment
  deployment=$(render --set certificatesSecret=here/mine --set caCertificatesSecret=there/ca --set configuration.secret=bare) || return 1
  grep -q 'value: "here/mine"' <<<"$deployment" && grep -q 'resourceNames: \[mine\]' <<<"$deployment" &&
    grep -q 'resourceNames: \[mine-pending\]' <<<"$deployment" &&
    grep -q 'value: "there/ca"' <<<"$deployment" && grep -q 'namespace: there' <<<"$deployment" &&
    grep -q 'resourceNames: \[bare\]' <<<"$deployment" && not grep -q APP_CONNECTION_CONFIG_MAP <<<"$deployment"
}

# Names cannot be narrowed for "create"; Applications' Secrets have names that nobody knows before.
rights_name_their_objects() {
  render >"$work/rendered.yaml" || return 1
  objects "$work/rendered.yaml" Role | jq -s -e '[.[] | .metadata as $role | .rules[]
      | select((.verbs - ["create"]) != [] and (has("resourceNames") | not)) | {name: $role.name, resources}]
    | map(select((.name | endswith("-application-secrets") or endswith("-events")) | not)) == []' || return 1
  # No Secret for the whole cluster, nothing with a star.
  objects "$work/rendered.yaml" ClusterRole | jq -s -e '[.[].rules[] | select(.resources | index("secrets", "configmaps", "pods"))] == []' || return 1
  not grep -E "\['?\*|\"\*\"" "$work/rendered.yaml"
}

misspelt_values_are_refused() {
  local wrong
  for wrong in certificateSecret=a/b rbac.rights=some caCertificatesSecret=a/b/c monitoring.enabled=maybe image.digest=sha256:1 \
    env.APP_CA_CERTIFICATES_SECRET=a/b networkPolicy.egressPorts=443 replicas=-1; do
    not render --set "$wrong" >/dev/null 2>&1 || { echo "$wrong is taken"; return 1; }
  done
  # Without Leases nothing keeps two agents apart.
  not render --set rbac.rights=today --set replicas=2
}

digest_takes_the_tags_place() {
  local digest=sha256:0000000000000000000000000000000000000000000000000000000000000000
  render --set image.repository=r/a --set "image.digest=$digest" | grep -q "image: \"r/a@$digest\"" &&
    render --set image.repository=r/a --set-string image.tag=1 | grep -q 'image: "r/a:1"'
}

chart_carries_the_definitions() {
  diff <("$helm" show crds "$chart" 2>/dev/null | grep -c '^kind: CustomResourceDefinition') <(echo 2)
}

# The archive that is given away holds what the links in the folder point to.
chart_can_be_packaged() {
  "$helm" package "$chart" --destination "$work" || return 1
  "$helm" template runtime-agent "$work"/runtime-agent-*.tgz --namespace compass-system --include-crds \
    --set monitoring.enabled=true --set monitoring.dashboard=true >"$work/packaged.yaml" || return 1
  diff "$work/packaged.yaml" <(render --include-crds --set monitoring.enabled=true --set monitoring.dashboard=true)
}

check manifests.all_render_as_committed all_render_as_committed
for way in "${ways[@]}"; do
  check "chart.lints.$way" chart_lints "$way"
  check "chart.applies.$way" chart_applies "$way"
done
check chart.repository_has_no_symbolic_link repository_has_no_symbolic_link
check chart.has_the_programs_version chart_has_the_programs_version
check chart.parts_come_where_they_are_wanted parts_come_where_they_are_wanted
check chart.environment_and_rights_agree environment_and_rights_agree
check chart.rights_name_their_objects rights_name_their_objects
check chart.misspelt_values_are_refused misspelt_values_are_refused
check chart.digest_takes_the_tags_place digest_takes_the_tags_place
check chart.carries_the_definitions chart_carries_the_definitions
check chart.can_be_packaged chart_can_be_packaged

# ---- The pod ------------------------------------------------------------------------------------

# The strictest of Kubernetes' own profiles, judged by the server.
pod_is_restricted() {
  local way
  admin create namespace restricted || return 1
  admin label namespace restricted pod-security.kubernetes.io/enforce=restricted || return 1
  for way in "${ways[@]}"; do
    render --values "$values/$way.yaml" --show-only templates/deployment.yaml >"$work/deployment.yaml" || return 1
    objects "$work/deployment.yaml" Deployment |
      jq '{apiVersion: "v1", kind: "Pod", metadata: {name: "runtime-agent", namespace: "restricted"},
        spec: (.spec.template.spec | del(.priorityClassName))}' >"$work/pod.json"
    admin create --dry-run=server --validate=strict -f "$work/pod.json" || return 1
  done
  # The profile is in force.
  jq '.spec.containers[0].securityContext.allowPrivilegeEscalation = true' "$work/pod.json" | not admin create --dry-run=server -f -
}

pod_is_as_operators_expect() {
  jq -e '.spec | .enableServiceLinks == false and .securityContext.runAsUser == 65535 and .securityContext.seccompProfile.type == "RuntimeDefault"
    and (.containers[0] | .securityContext.readOnlyRootFilesystem and .securityContext.capabilities.drop == ["ALL"]
      and .livenessProbe.httpGet.path == "/healthz" and .readinessProbe.httpGet.path == "/readyz"
      and .ports[0].containerPort == 8090 and .resources.requests.memory and .resources.limits.memory)' "$work/pod.json"
}

sidecar_is_wanted_as_today() {
  render | grep -q 'sidecar.istio.io/inject: "true"' && render --set istio.sidecar=false | grep -q 'sidecar.istio.io/inject: "false"'
}

check chart.pod_is_restricted pod_is_restricted
check chart.pod_is_as_operators_expect pod_is_as_operators_expect
check chart.sidecar_is_wanted_as_today sidecar_is_wanted_as_today

# ---- Installed ----------------------------------------------------------------------------------

# The other way: one file and kubectl. The definitions are there already and taken over.
install_yaml_applies() {
  local again
  admin apply --server-side --force-conflicts --dry-run=server --validate=strict -f "$root/deploy/install.yaml" || return 1
  admin apply --validate=strict -f "$root/deploy/install.yaml" || return 1
  again=$(admin apply --validate=strict -f "$root/deploy/install.yaml") || return 1
  not grep -v ' unchanged$' <<<"$again" || return 1
  admin --namespace compass-system get deployment runtime-agent || return 1
  # All but what must stay.
  admin delete --ignore-not-found -f <(awk 'BEGIN { RS = "---\n"; ORS = "---\n" } !/kind: (CustomResourceDefinition|Namespace)/' "$root/deploy/install.yaml")
}

# As a person would: the definitions are there already, and are left as they are.
helm_installs_upgrades_and_uninstalls() {
  local release=("$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system)
  "${release[@]}" install runtime-agent "$chart" --dry-run=server || return 1
  "${release[@]}" install runtime-agent "$chart" || return 1
  "${release[@]}" get notes runtime-agent | grep -q 'kubectl get compassconnection' || return 1
  "${release[@]}" upgrade runtime-agent "$chart" --values "$values/everything.yaml" || return 1
  "${release[@]}" rollback runtime-agent 1 || return 1
  "${release[@]}" uninstall runtime-agent || return 1
  admin get crd applications.applicationconnector.kyma-project.io compassconnections.compass.kyma-project.io || return 1
  [[ -z $(admin get clusterroles,clusterrolebindings,priorityclasses,roles,rolebindings -A -o name | grep runtime-agent) ]]
}

# Where the cluster knows the kinds, helm sees it by itself: no value is set.
monitoring_comes_with_its_kinds() {
  local release=("$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system)
  admin apply -f "$root/tests/deploy/monitoring-kinds.yaml" || return 1
  admin wait --for=condition=Established crd/servicemonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com --timeout=20s || return 1
  within 20 served || return 1
  "${release[@]}" install runtime-agent "$chart" || return 1
  admin --namespace compass-system get servicemonitor,prometheusrule runtime-agent || return 1
  "${release[@]}" uninstall runtime-agent
}
served() { [[ $(admin api-resources --api-group=monitoring.coreos.com -o name | wc -l) == 2 ]]; }

# Two releases in two namespaces do not take each other's cluster-scoped objects.
two_releases_live_side_by_side() {
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system install runtime-agent "$chart" || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace kyma-system install runtime-agent "$chart" \
    --set certificatesSecret=kyma-system/c --set caCertificatesSecret=kyma-system/ca --set configuration.secret=kyma-system/s \
    --set integrationNamespace=istio-system --set rbac.rights=today || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace kyma-system uninstall runtime-agent || return 1
  admin get clusterrole compass-system-runtime-agent || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system uninstall runtime-agent
}

check manifests.install_yaml_applies install_yaml_applies
check chart.helm_installs_upgrades_and_uninstalls helm_installs_upgrades_and_uninstalls
check chart.monitoring_comes_with_its_kinds monitoring_comes_with_its_kinds
check chart.two_releases_live_side_by_side two_releases_live_side_by_side

summary
