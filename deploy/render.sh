#!/usr/bin/env bash
# The plain manifests here are the chart's, for those who use kubectl alone: the chart is where the rights
# are written. Run this after a change there (needs helm; tests/cluster/cluster.sh helm builds one), or with
# a directory to write somewhere else.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/../chart/runtime-agent
target=${1:-$here}
helm=${HELM:-$(PATH=$PATH:$here/../../build/cluster type -P helm)} || {
  echo "render.sh: no helm; build one with: tests/cluster/cluster.sh helm" >&2
  exit 1
}

# render RELEASE TEMPLATES [OPTION...]
render() {
  local release=$1 template shown=()
  for template in $2; do shown+=(--show-only "templates/$template.yaml"); done
  shift 2
  "$helm" template "$release" "$chart" --namespace compass-system "${shown[@]}" "$@" \
    2> >(grep -v 'found symbolic link' >&2) | # the chart's crds/ is one, on purpose
    grep -v -e '^# Source:' -e 'app.kubernetes.io/instance:'
}

# The objects that the Deployment of the Compass Runtime Agent names.
todays_deployment=(
  --set configuration.secret=kyma-system/compass-agent-configuration
  --set certificatesSecret=kyma-system/cluster-client-certificates
  --set caCertificatesSecret=istio-system/kyma-gateway-certs-cacert
)

{
  cat <<EOF
# Rendered from deploy/chart/runtime-agent by deploy/rbac/render.sh; change it there.
#
# All rights that the agent can make use of, for ServiceAccount compass-system/runtime-agent: with the
# default names of its objects, and (runtime-agent-in-kyma-system) with those that the Deployment of the
# Compass Runtime Agent names.
EOF
  render runtime-agent 'service-account cluster-role roles'
  render runtime-agent-in-kyma-system roles "${todays_deployment[@]}"
} >"$target/rbac.yaml"

{
  cat <<EOF
# Rendered from deploy/chart/runtime-agent by deploy/rbac/render.sh; change it there.
#
# No more than the manifests of the Compass Runtime Agent give, for ServiceAccount
# compass-system/runtime-agent. Without a right to ConfigMaps: the configuration has to be a Secret.
EOF
  render runtime-agent 'service-account cluster-role roles' --set rbac.rights=today
} >"$target/todays-rights.yaml"
