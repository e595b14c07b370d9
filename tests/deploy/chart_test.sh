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
render() { "$helm" template runtime-agent "$chart" --namespace compass-system --skip-tests "$@"; }
# query KIND FILTER [OPTION…]: whether the objects of that kind, as one array, are as jq's filter says.
query() {
  render "${@:3}" >"$work/queried.yaml" && objects "$work/queried.yaml" "$1" | jq -s -e "$2"
}
# Objects of a kind, as JSON, one a line.
objects() { admin create --dry-run=client -o json -f "$1" | jq -c --arg kind "$2" '(.items? // [.])[] | select(.kind == $kind)'; }

# ---- What is rendered ---------------------------------------------------------------------------

all_render_as_committed() {
  HELM=$helm "$root/deploy/render.sh" "$work/manifests" || return 1
  local file
  for file in rbac/rbac.yaml rbac/legacy-rights.yaml install.yaml kustomize/base/{definitions,agent}.yaml chart/runtime-agent/README.md; do
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
ways=(default drop-in legacy-rights everything two-replicas)

chart_lints() { "$helm" lint --strict "$chart" --values "$values/$1.yaml"; }

# kubectl replaces a disruption budget's selector each time, by the same one.
always='^poddisruptionbudget.policy/[-a-z]* configured$'

# Server-side dry run with strict validation, then in earnest; applied again nothing changes: no field that the server
# rewrites.
chart_applies() {
  local resources
  render --values "$values/$1.yaml" >"$work/rendered.yaml" || return 1
  admin apply --dry-run=server --validate=strict -f "$work/rendered.yaml" || return 1
  admin apply --validate=strict -f "$work/rendered.yaml" || return 1
  admin --namespace compass-system get deployment,service,serviceaccount -l app.kubernetes.io/instance=runtime-agent || return 1
  resources=$(admin apply --validate=strict -f "$work/rendered.yaml") || return 1
  not grep -v -e ' unchanged$' -e "$always" <<<"$resources" || return 1
  admin delete -f "$work/rendered.yaml"
}

# has KIND VALUES…: whether such an object is rendered with them.
has() { render "${@:2}" | grep -q "^kind: $1\$"; }

parts_come_where_they_are_wanted() {
  local known=(--api-versions monitoring.coreos.com/v1/ServiceMonitor --api-versions monitoring.coreos.com/v1/PrometheusRule)
  not has PodDisruptionBudget && has PodDisruptionBudget --set replicas=2 || return 1
  not has NetworkPolicy && has NetworkPolicy --set networkPolicy.enabled=true || return 1
  has PriorityClass && not has PriorityClass --set priorityClass.create=false || return 1
  not has ServiceMonitor && has ServiceMonitor "${known[@]}" && has PrometheusRule "${known[@]}" || return 1
  has PodMonitor --api-versions monitoring.coreos.com/v1/PodMonitor --set monitoring.kind=PodMonitor || return 1
  not has ServiceMonitor --api-versions monitoring.coreos.com/v1/ServiceMonitor --set monitoring.kind=PodMonitor || return 1
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
    env.APP_CA_CERTIFICATES_SECRET=a/b networkPolicy.egressPorts=443 replicas=-1 rbac.rights=today imagePullSecrets[0].name=a \
    extraEnv[0].name=APP_INTEGRATION_NAMESPACE extraVolumes[0].emptyDir.medium=Memory monitoring.kind=Probe \
    monitoring.runbookUrl=deploy/README.md fullnameOverride=Upper; do
    not render --set "$wrong" >/dev/null 2>&1 || { echo "$wrong is taken"; return 1; }
  done
  # Without Leases nothing keeps two agents apart.
  not render --set rbac.rights=legacy --set replicas=2
}

image_is() { render "${@:2}" | grep -q "^ *image: \"$1\"\$"; }
image_is_named_in_parts() {
  local digest=sha256:0000000000000000000000000000000000000000000000000000000000000000 version
  version=$(sed -n 's/^appVersion: //p' "$chart/Chart.yaml")
  image_is "localhost/runtime-agent:$version" || return 1 # nobody's namespace at a public registry
  image_is r.example.com/a/b:1 --set image.registry=r.example.com --set image.repository=a/b --set-string image.tag=1 || return 1
  image_is r.example.com/runtime-agent@$digest --set image.registry=r.example.com/ --set-string image.tag=1 --set image.digest=$digest || return 1
  image_is a/b:1 --set image.registry= --set image.repository=a/b --set-string image.tag=1 || return 1
  query Deployment '.[0].spec.template.spec.imagePullSecrets == [{name: "registry"}]' --set 'image.pullSecrets[0].name=registry'
}

names_can_be_chosen() {
  query Deployment '.[0].metadata.name == "runtime-agent"' || return 1
  query Deployment '.[0].metadata.name == "mine" and .[0].spec.template.spec.serviceAccountName == "mine"' --set fullnameOverride=mine || return 1
  query Role 'all(.metadata.name | startswith("mine-"))' --set fullnameOverride=mine || return 1
  query ClusterRoleBinding '.[0].metadata.name == "compass-system-mine" and .[0].subjects[0].name == "mine"' --set fullnameOverride=mine || return 1
  query Deployment '.[0].spec.selector.matchLabels["app.kubernetes.io/name"] == "agent" and .[0].metadata.name == "runtime-agent"' --set nameOverride=agent || return 1
  query Deployment '.[0].spec.template.spec.serviceAccountName == "default"' --set serviceAccount.create=false || return 1
  # Helm's own rule for a release that is not named after the chart.
  "$helm" template compass "$chart" --skip-tests | grep -qx '  name: compass-runtime-agent'
}

objects_have_the_standard_labels() {
  render --values "$values/everything.yaml" >"$work/rendered.yaml" || return 1
  admin create --dry-run=client -o json -f "$work/rendered.yaml" | jq -s -e '[.[] | .items? // [.] | .[]] | length > 15
    and all(.metadata.labels | .["app.kubernetes.io/name"] == "runtime-agent" and .["app.kubernetes.io/instance"] == "runtime-agent"
      and .["app.kubernetes.io/version"] and .["app.kubernetes.io/part-of"] == "compass" and .["app.kubernetes.io/managed-by"] == "Helm"
      and (.["helm.sh/chart"] | startswith("runtime-agent-")) and .["example.com/team"] == "integration")' || return 1
  # A release that only changes the chart restarts no pod.
  query Deployment '.[0].spec.template.metadata.labels | has("helm.sh/chart") | not' || return 1
  # None of a release in what needs no Helm.
  not grep -rE 'helm.sh/chart|managed-by: Helm' "$root/deploy/install.yaml" "$root/deploy/rbac"
}

pod_takes_what_is_added() {
  query Deployment '.[0] | .metadata.annotations["example.com/g"] == "h" and (.spec.template.spec
    | .securityContext.fsGroup == 1000 and .securityContext.runAsNonRoot and (.volumes[] | select(.name == "ca") | .configMap.name == "private-ca")
      and .tolerations[0].key == "dedicated" and .affinity.nodeAffinity and .nodeSelector["kubernetes.io/os"] == "linux"
      and (.topologySpreadConstraints[0].labelSelector.matchLabels == {a: "b"})
      and (.topologySpreadConstraints[1].labelSelector.matchLabels["app.kubernetes.io/instance"] == "runtime-agent")
      and (.containers[0] | any(.env[]; .name == "HTTPS_PROXY" and .valueFrom.secretKeyRef.name == "proxy")
        and any(.env[]; .name == "SSL_CERT_FILE" and .value == "/etc/private-ca/ca.crt") and .envFrom[0].configMapRef.name == "settings"
        and any(.volumeMounts[]; .name == "ca" and .readOnly) and any(.volumeMounts[]; .mountPath == "/tmp")
        and .resources.limits.cpu == "1"))' --values "$values/everything.yaml" || return 1
  # A single part of a context is replaced, and a part can be taken away.
  query Deployment '.[0].spec.template.spec.containers[0].securityContext | .readOnlyRootFilesystem == false and .capabilities.drop == ["ALL"]' \
    --set securityContext.readOnlyRootFilesystem=false
}

# Of "view", "edit" and "admin", which a cluster aggregates.
people_get_rights_with_the_clusters_own_roles() {
  local labels='.metadata.labels | [.["rbac.authorization.k8s.io/aggregate-to-view"], .["rbac.authorization.k8s.io/aggregate-to-edit"],
    .["rbac.authorization.k8s.io/aggregate-to-admin"]]'
  query ClusterRole "[.[] | select(.metadata.name | endswith(\"-view\"))] | length == 1 and (.[0] | ($labels) == [\"true\", \"true\", \"true\"])
    and ([.[0].rules[].verbs[]] | unique == [\"get\", \"list\", \"watch\"])" || return 1
  query ClusterRole "[.[] | select(.metadata.name | endswith(\"-edit\"))] | length == 1 and (.[0] | ($labels) == [null, \"true\", \"true\"])" || return 1
  query ClusterRole length==1 --set rbac.aggregateToView=false --set rbac.aggregateToEdit=false
}

# The same account, settings and volumes as the agent; but neither the Service, a monitor nor the Deployment selects it.
test_pod_checks_as_the_agent() {
  local options=(--namespace compass-system --values "$values/everything.yaml")
  "$helm" template runtime-agent "$chart" "${options[@]}" >"$work/rendered.yaml" || return 1
  objects "$work/rendered.yaml" Pod | jq -s -e --argjson agent "$(objects "$work/rendered.yaml" Deployment)" '$agent.spec.template.spec as $spec
    | length == 1 and (.[0] | .metadata.annotations["helm.sh/hook"] == "test" and .metadata.annotations["sidecar.istio.io/inject"] == "false"
      and .metadata.labels["app.kubernetes.io/name"] != $agent.spec.selector.matchLabels["app.kubernetes.io/name"]
      and (.spec | .containers[0].args == ["/app/runtime-agent", "check"] and .restartPolicy == "Never"
        and .serviceAccountName == $spec.serviceAccountName and .volumes == $spec.volumes and .securityContext == $spec.securityContext
        and .tolerations == $spec.tolerations and .imagePullSecrets == $spec.imagePullSecrets
        and (.containers[0] | {image, env, envFrom, volumeMounts, securityContext}) == ($spec.containers[0] | {image, env, envFrom, volumeMounts, securityContext})))' || return 1
  not has Pod && "$helm" template runtime-agent "$chart" --set helmTest.enabled=false | not grep -qx 'kind: Pod'
}

each_value_has_a_description() {
  diff <("$helm" show values "$chart" | grep -cE '^ *[a-zA-Z]+: .') <(grep -c '^| `' "$chart/README.md")
}

chart_says_what_hubs_show() {
  "$helm" show chart "$chart" >"$work/chart.yaml" || return 1
  local key
  for key in artifacthub.io/license artifacthub.io/category artifacthub.io/crds artifacthub.io/crdsExamples; do
    grep -q "^  $key: " "$work/chart.yaml" || { echo "no $key"; return 1; }
  done
  # The example is one that the API server takes.
  sed -n '/crdsExamples/,/^  [^ ]/p' "$work/chart.yaml" | sed -n 's/^    //p' | sed 's/^- /  /; s/^  //' >"$work/example.yaml"
  grep -q CompassConnection "$work/example.yaml" && admin create --dry-run=server --validate=strict -f "$work/example.yaml"
}

chart_carries_the_definitions() {
  diff <("$helm" show crds "$chart" 2>/dev/null | grep -c '^kind: CustomResourceDefinition') <(echo 2)
}

# The archive that is given away renders the same.
chart_can_be_packaged() {
  "$helm" package "$chart" --destination "$work" || return 1
  "$helm" template runtime-agent "$work"/runtime-agent-*.tgz --namespace compass-system --include-crds --skip-tests \
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
check chart.image_is_named_in_parts image_is_named_in_parts
check chart.names_can_be_chosen names_can_be_chosen
check chart.objects_have_the_standard_labels objects_have_the_standard_labels
check chart.pod_takes_what_is_added pod_takes_what_is_added
check chart.people_get_rights_with_the_clusters_own_roles people_get_rights_with_the_clusters_own_roles
check chart.test_pod_checks_as_the_agent test_pod_checks_as_the_agent
check chart.each_value_has_a_description each_value_has_a_description
check chart.says_what_hubs_show chart_says_what_hubs_show
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

# The choice to let the release own the definitions: an upgrade upgrades them, and they outlive the release all the same.
release_can_own_the_definitions() {
  local release=("$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system) owned=(--set crds.managed=true --skip-crds)
  local connections=compassconnections.compass.kyma-project.io newer=$work/newer-chart
  # Where they are there already and are somebody else's, nothing is taken without being asked for.
  not "${release[@]}" install runtime-agent "$chart" "${owned[@]}" || return 1
  "${release[@]}" install runtime-agent "$chart" "${owned[@]}" --take-ownership || return 1
  admin get crd $connections -o json | jq -e '.metadata.annotations["helm.sh/resource-policy"] == "keep"
    and .metadata.labels["app.kubernetes.io/managed-by"] == "Helm"' || return 1
  cp -r "$chart" "$newer" && sed -i 's/name: Last sync/name: Last/' "$newer"/crds/compassconnections.*.yaml || return 1
  "${release[@]}" upgrade runtime-agent "$newer" "${owned[@]}" || return 1
  admin get crd $connections -o json | jq -e '.spec.versions[0].additionalPrinterColumns | any(.name == "Last")' || return 1
  "${release[@]}" uninstall runtime-agent || return 1
  admin get crd applications.applicationconnector.kyma-project.io $connections || return 1
  # As it was; the marks of the release are gone with what is applied over them.
  admin apply --server-side --force-conflicts -f "$chart/crds" && not has CustomResourceDefinition &&
    render "${owned[@]}" --set crds.keep=false | not grep -q resource-policy
}

# sorted FILE: its objects without what only a release of Helm has, in an order of their own.
sorted() {
  admin create --dry-run=client -o json -f "$1" | jq -s -S '[.[] | .items? // [.] | .[]]
    | map(del(.metadata.labels["helm.sh/chart"], .metadata.labels["app.kubernetes.io/managed-by"]))
    | sort_by(.kind, .metadata.namespace, .metadata.name)
    | map(if .kind == "Deployment" then .spec.template.spec.containers[0].env |= sort_by(.name) else . end)'
}
kustomized() { admin kustomize "$root/deploy/kustomize/$1" >"$work/kustomized.yaml"; }

kustomize_base_is_install_yaml() {
  kustomized base && diff <(sorted "$work/kustomized.yaml") <(sorted "$root/deploy/install.yaml")
}
kustomize_drop_in_is_the_charts() {
  kustomized drop-in && render --values "$values/drop-in.yaml" >"$work/rendered.yaml" || return 1
  diff <(sorted "$work/kustomized.yaml" | jq 'map(select(.kind != "Namespace"))') <(sorted "$work/rendered.yaml")
}
kustomize_applies() {
  local again
  admin apply --validate=strict -k "$root/deploy/kustomize/$1" || return 1
  again=$(admin apply --validate=strict -k "$root/deploy/kustomize/$1") || return 1
  not grep -v ' unchanged$' <<<"$again" || return 1
  # All but what must stay.
  kustomized "$1" && admin delete --ignore-not-found -f <(awk 'BEGIN { RS = "---\n"; ORS = "---\n" } !/kind: (CustomResourceDefinition|Namespace)/' "$work/kustomized.yaml")
}
kustomize_names_the_image() {
  mkdir -p "$work/overlay" && cp -r "$root/deploy/kustomize/base" "$work/base" || return 1
  cat >"$work/overlay/kustomization.yaml" <<'END'
resources: [../base]
images: [{name: localhost/runtime-agent, newName: r.example.com/a, newTag: "1"}]
END
  admin kustomize "$work/overlay" | grep -qE '^ *image: r.example.com/a:1$'
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
  admin wait --for=condition=Established crd/servicemonitors.monitoring.coreos.com crd/podmonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com --timeout=20s || return 1
  within 20 served || return 1
  "${release[@]}" install runtime-agent "$chart" || return 1
  admin --namespace compass-system get servicemonitor,prometheusrule runtime-agent || return 1
  "${release[@]}" upgrade runtime-agent "$chart" --values "$values/everything.yaml" || return 1
  admin --namespace compass-system get podmonitor,prometheusrule compass-connector || return 1
  not admin --namespace compass-system get servicemonitor runtime-agent || return 1
  "${release[@]}" uninstall runtime-agent
}
served() { [[ $(admin api-resources --api-group=monitoring.coreos.com -o name | wc -l) == 3 ]]; }

runbooks_are_urls() {
  local monitored=(--set monitoring.enabled=true)
  query PrometheusRule '[.[].spec.groups[].rules[] | select(.alert)] | length > 10 and all(.annotations | .summary and (has("runbook_url") | not))' "${monitored[@]}" || return 1
  query PrometheusRule '[.[].spec.groups[].rules[] | select(.alert)] | length > 10
    and all(.annotations.runbook_url == "https://r.example.com/a#" + (.alert | ascii_downcase))' "${monitored[@]}" --set monitoring.runbookUrl=https://r.example.com/a
}

monitor_finds_its_pods() {
  local matches='.[0].spec | .selector.matchLabels == {"app.kubernetes.io/name": "runtime-agent", "app.kubernetes.io/instance": "runtime-agent"}'
  query ServiceMonitor "$matches and .endpoints[0].path == \"/metrics\"" --set monitoring.enabled=true || return 1
  query PodMonitor "$matches and .podMetricsEndpoints[0].port == \"http-health\"" --set monitoring.enabled=true --set monitoring.kind=PodMonitor
}

# Two releases in two namespaces do not take each other's cluster-scoped objects.
two_releases_live_side_by_side() {
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system install runtime-agent "$chart" || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace kyma-system install runtime-agent "$chart" \
    --set certificatesSecret=kyma-system/c --set caCertificatesSecret=kyma-system/ca --set configuration.secret=kyma-system/s \
    --set integrationNamespace=istio-system --set rbac.rights=legacy || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace kyma-system uninstall runtime-agent || return 1
  admin get clusterrole compass-system-runtime-agent compass-system-runtime-agent-view compass-system-runtime-agent-edit || return 1
  "$helm" --kubeconfig "$CLUSTER_DIR/kubeconfig" --namespace compass-system uninstall runtime-agent
}

check manifests.install_yaml_applies install_yaml_applies
check kustomize.base_is_install_yaml kustomize_base_is_install_yaml
check kustomize.drop_in_is_the_charts kustomize_drop_in_is_the_charts
check kustomize.base_applies kustomize_applies base
check kustomize.drop_in_applies kustomize_applies drop-in
check kustomize.names_the_image kustomize_names_the_image
check chart.helm_installs_upgrades_and_uninstalls helm_installs_upgrades_and_uninstalls
check chart.release_can_own_the_definitions release_can_own_the_definitions
check chart.monitoring_comes_with_its_kinds monitoring_comes_with_its_kinds
check chart.runbooks_are_urls runbooks_are_urls
check chart.monitor_finds_its_pods monitor_finds_its_pods
check chart.two_releases_live_side_by_side two_releases_live_side_by_side

summary
