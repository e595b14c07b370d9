#!/usr/bin/env bash
# Renders from the chart what is kept beside it: the plain manifests, for those who use kubectl alone, and the table of
# values in the chart's README. Run this after a change of the chart (it needs helm; tests/cluster/cluster.sh helm builds
# one), or with a directory to write to another place.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chart=$here/chart/runtime-agent
target=${1:-$here}
helm=${HELM:-$(PATH=$PATH:$here/../build/cluster type -P helm)} || {
  echo "render.sh: no helm; build one with: tests/cluster/cluster.sh helm" >&2
  exit 1
}
mkdir -p "$target/rbac" "$target/chart/runtime-agent" "$target/kustomize/base"

# template RELEASE [OPTION…]: without what only a release of Helm has.
template() {
  "$helm" template "$1" "$chart" --namespace compass-system --skip-tests "${@:2}" |
    grep -vE '^# Source:|^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by):'
}

# render RELEASE TEMPLATES [OPTION…]: rights, which belong to no release.
render() {
  local release=$1 template shown=()
  for template in $2; do shown+=(--show-only "templates/$template.yaml"); done
  template "$release" "${shown[@]}" "${@:3}" | grep -v 'app.kubernetes.io/instance:'
}

# The objects that the Deployment of the Compass Runtime Agent names.
legacy_objects=(
  --set configuration.secret=kyma-system/compass-agent-configuration
  --set certificatesSecret=kyma-system/cluster-client-certificates
  --set caCertificatesSecret=istio-system/kyma-gateway-certs-cacert
)

{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# All rights that the agent can use, for ServiceAccount compass-system/runtime-agent: with the
# default names of its objects, and (runtime-agent-in-kyma-system) with those that the Deployment of the
# Compass Runtime Agent names.
END
  render runtime-agent 'service-account cluster-role roles'
  render runtime-agent-in-kyma-system roles "${legacy_objects[@]}" --set serviceAccount.name=runtime-agent
} >"$target/rbac/rbac.yaml"

{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# No more than the manifests of the Compass Runtime Agent grant, for ServiceAccount compass-system/runtime-agent. ConfigMaps
# are not among them, so the configuration has to be a Secret.
END
  render runtime-agent 'service-account cluster-role roles' --set rbac.rights=legacy
} >"$target/rbac/legacy-rights.yaml"

# The same for kubectl apply -f, in one file, and as the base of kustomize, in two.
{
  cat <<'END'
# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.
#
# Everything that the agent needs, with the chart's default values, for
#   kubectl apply -f deploy/install.yaml
# The namespaces kyma-system and istio-system have to exist. Set the image first: localhost/runtime-agent is only there
# where it was loaded into the node. With kustomize, use deploy/kustomize/base.
---
apiVersion: v1
kind: Namespace
metadata:
  name: compass-system
END
  template runtime-agent --include-crds
} >"$target/install.yaml"
for part in definitions agent; do
  {
    echo '# Rendered from deploy/chart/runtime-agent by deploy/render.sh; change it there.'
    if [[ $part == agent ]]; then
      template runtime-agent
    else
      for definition in "$chart"/crds/*.yaml; do printf -- '---\n%s\n' "$(<"$definition")"; done
    fi
  } >"$target/kustomize/base/$part.yaml"
done

# The chart's README with the table of values in its place.
awk -v table="$(awk -f "$here/chart/values-table.awk" "$chart/values.yaml")" '
  /^<!-- end of values -->/ { skip = 0 }
  !skip { print }
  /^<!-- begin of values/ { print "| value | meaning | default |\n|---|---|---|\n" table; skip = 1 }
' "$chart/README.md" >"$target/chart/runtime-agent/README.md.new"
mv "$target/chart/runtime-agent/README.md.new" "$target/chart/runtime-agent/README.md"
