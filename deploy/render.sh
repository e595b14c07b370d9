#!/usr/bin/env bash
# The plain manifests are the chart's, for those who use kubectl alone: the chart is where they are written. Run this
# after a change there (needs helm; tests/cluster/cluster.sh helm builds one), or with a directory to write somewhere else.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/chart/runtime-agent
target=${1:-$here}
helm=${HELM:-$(PATH=$PATH:$here/../build/cluster type -P helm)} || {
  echo "render.sh: no helm; build one with: tests/cluster/cluster.sh helm" >&2
  exit 1
}
mkdir -p "$target/rbac"

# template RELEASE [OPTION…]
template() {
  "$helm" template "$1" "$chart" --namespace compass-system "${@:2}" | grep -v '^# Source:'
}

# render RELEASE TEMPLATES [OPTION…]: rights, which belong to no release.
render() {
  local release=$1 template shown=()
  for template in $2; do shown+=(--show-only "templates/$template.yaml"); done
  template "$release" "${shown[@]}" "${@:3}" | grep -v 'app.kubernetes.io/instance:'
}

# The objects that the Deployment of the Compass Runtime Agent names.
todays_deployment=(
  --set configuration.secret=kyma-system/compass-agent-configuration
  --set certificatesSecret=kyma-system/cluster-client-certificates
  --set caCertificatesSecret=istio-system/kyma-gateway-certs-cacert
)

{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# All rights that the agent can make use of, for ServiceAccount compass-system/runtime-agent: with the
# default names of its objects, and (runtime-agent-in-kyma-system) with those that the Deployment of the
# Compass Runtime Agent names.
END
  render runtime-agent 'service-account cluster-role roles'
  render runtime-agent-in-kyma-system roles "${todays_deployment[@]}"
} >"$target/rbac/rbac.yaml"

{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# No more than the manifests of the Compass Runtime Agent give, for ServiceAccount
# compass-system/runtime-agent. Without a right to ConfigMaps: the configuration has to be a Secret.
END
  render runtime-agent 'service-account cluster-role roles' --set rbac.rights=today
} >"$target/rbac/todays-rights.yaml"

{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# All that the agent needs, with the chart's default values, for
#   kubectl apply -f deploy/install.yaml
# The namespaces kyma-system and istio-system have to exist. Set the image first: it is named runtime-agent:VERSION.
---
apiVersion: v1
kind: Namespace
metadata:
  name: compass-system
END
  template runtime-agent --include-crds
} >"$target/install.yaml"
