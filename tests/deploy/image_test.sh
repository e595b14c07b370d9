#!/usr/bin/env bash
# Proves that the image holds what it needs and nothing else, that it is reproducible, that its SBOM is true, and that the
# agent in it does its whole job: as the user that it names, on a read-only root. Needs jq, curl, buildah and a release
# build; `./dev test` gives all of them. Root, as it makes mounts of its own.
set -uo pipefail

# shellcheck source=checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
# shellcheck source=processes.sh
source "$root/tests/deploy/processes.sh"
set +e # a failed check is counted, and the next one runs

binary=${RUNTIME_AGENT_RELEASE:-$root/build/release/bin/runtime-agent}
image=$work/image
rootfs=$image/rootfs
sbom=$image/runtime-agent.spdx.json

finish() {
  end_processes
  umount "$work/root" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

builds() { "$root/deploy/image/build.sh" --no-load "$binary" "$image"; }

# From a copy of the program with another time, in another folder, packed once more.
is_the_same_when_built_again() {
  mkdir "$work/elsewhere"
  cp "$binary" "$work/elsewhere/agent"
  touch -d yesterday "$work/elsewhere/agent"
  (umask 077 && "$root/deploy/image/build.sh" --no-load "$work/elsewhere/agent" "$work/again") || return 1
  cmp "$image/runtime-agent.tar" "$work/again/runtime-agent.tar" && cmp "$sbom" "$work/again/runtime-agent.spdx.json" &&
    diff "$image/digest" "$work/again/digest"
}

holds_nothing_else() {
  # One program, libraries, two files of configuration.
  local others
  others=$(cd "$rootfs" && find . -type f ! -name '*.so' ! -name '*.so.*' | sort)
  diff - <(echo "$others") <<'END'
./app/runtime-agent
./etc/nsswitch.conf
./etc/ssl/certs/ca-certificates.crt
END
}

holds_no_shell() {
  ! (cd "$rootfs" && find . -name '*sh' -o -name 'dpkg*' -o -name 'apt*' -o -name 'busybox*' | grep .) &&
    [[ -z $(find "$rootfs" -perm /6000) ]]
}

program_is_stripped() { ! readelf --wide --sections "$rootfs/app/runtime-agent" | grep -E '\.(symtab|debug_info)'; }

# No path of the machine that built it, in the program or elsewhere.
names_no_machine() { not grep -rqaF "$root" "$rootfs" "$sbom"; }

starts_as_todays_deployment_does() {
  [[ $(readlink -f "$rootfs/app/compass-runtime-agent") == $(readlink -f "$rootfs/app/runtime-agent") ]]
}

is_taken_by_buildah() {
  local configuration engine=(buildah --storage-driver vfs --root "$work/storage" --runroot "$work/runroot")
  "${engine[@]}" pull --quiet "oci-archive:$image/runtime-agent.tar" >"$work/id" || return 1
  configuration=$("${engine[@]}" inspect --type image "$(cat "$work/id")") || return 1
  "${engine[@]}" rmi --all >/dev/null
  jq -e --arg digest "$(cat "$image/digest")" '.FromImageDigest == $digest and (.OCIv1.config
    | .User == "65535:65535" and .Cmd == ["/app/compass-runtime-agent"] and (.Entrypoint // []) == []
      and (.Env | index("LD_BIND_NOW=1")))' <<<"$configuration"
}

is_an_archive_for_docker_too() {
  local manifest layer
  manifest=$(tar -xOf "$image/runtime-agent.tar" manifest.json) || return 1
  layer=$(jq -r '.[0].Layers[0]' <<<"$manifest")
  tar -xOf "$image/runtime-agent.tar" "$(jq -r '.[0].Config' <<<"$manifest")" |
    jq -e --arg diff "sha256:$(tar -xOf "$image/runtime-agent.tar" "$layer" | gunzip | sha256sum | cut -d' ' -f1)" \
      '.rootfs.diff_ids == [$diff] and .os == "linux"'
}

# What the specification asks of a document, its packages, files and relationships.
sbom_is_spdx() {
  jq -e '.spdxVersion == "SPDX-2.3" and .dataLicense == "CC0-1.0" and .SPDXID == "SPDXRef-DOCUMENT"
    and (.documentNamespace | test("^https://[^#]+$")) and (.creationInfo.created | test("^[-0-9]+T[:0-9]+Z$"))
    and (.creationInfo.creators | length > 0)
    and ([.packages[], .files[] | .SPDXID] | length == (unique | length) and all(test("^SPDXRef-[-A-Za-z0-9.]+$")))
    and all(.packages[]; .name and .versionInfo and .downloadLocation and .filesAnalyzed == false)
    and ([.packages[].SPDXID, .files[].SPDXID, .SPDXID] as $known
      | all(.relationships[]; [.spdxElementId, .relatedSpdxElement] - $known == []))' "$sbom"
}

sbom_lists_every_file() {
  diff <(cd "$rootfs" && find . -type f -exec sha256sum {} + | sed 's/  / /' | sort) \
    <(jq -r '.files[] | (.checksums[] | select(.algorithm == "SHA256") | .checksumValue) + " " + .fileName' "$sbom" | sort)
}

sbom_names_each_librarys_package() {
  local name version
  # Every library belongs to a package, and the packages are as dpkg has them here.
  jq -e '[.relationships[] | select(.relationshipType == "CONTAINS") | {(.relatedSpdxElement): .spdxElementId}] | add as $owner
    | $owner | to_entries | map(select(.key | test("\\.so"))) | length > 10 and all(.value != "SPDXRef-Package-runtime-agent")' "$sbom" || return 1
  jq -r '.packages[] | select(.name != "runtime-agent") | "\(.name) \(.versionInfo)"' "$sbom" | while read -r name version; do
    [[ $(dpkg-query -W -f='${Version}\n' "$name" | sort -u) == "$version" ]] || exit 1
  done
}

# ---- Run ----------------------------------------------------------------------------------------

# The pod that Kubernetes would make of it: the image read-only, the ServiceAccount's files and /etc/hosts from outside,
# no /tmp of its own, as in the Deployment of the Compass Runtime Agent; user 65535 without any capability.
make_pod() {
  local server=${1#https://} mounted=$work/pod
  cp -a "$rootfs" "$mounted"
  mkdir -p "$mounted/var/run/secrets/kubernetes.io/serviceaccount" "$mounted/compass"
  cp "$work/sandbox/ca.pem" "$mounted/compass/ca.pem"
  chmod 644 "$mounted/compass/ca.pem"
  sed -nE 's/^ *certificate-authority-data: *"?([^"]*)"?$/\1/p' "$work/sandbox/kubeconfig" | base64 -d \
    >"$mounted/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
  sed -nE 's/.*token: *"?([^"}]*)"?.*/\1/p' "$work/sandbox/kubeconfig" >"$mounted/var/run/secrets/kubernetes.io/serviceaccount/token"
  echo compass-system >"$mounted/var/run/secrets/kubernetes.io/serviceaccount/namespace"
  echo "127.0.0.1 localhost" >"$mounted/etc/hosts"
  chmod -R a+rX "$mounted/var" "$mounted/etc"
  mkdir -p "$work/root"
  mount --bind "$mounted" "$work/root" && mount -o remount,bind,ro,nosuid,nodev "$work/root" || return 1
  pod_environment=(KUBERNETES_SERVICE_HOST="${server%:*}" KUBERNETES_SERVICE_PORT="${server##*:}" SSL_CERT_FILE=/compass/ca.pem LD_BIND_NOW=1
    APP_CONTROLLER_SYNC_PERIOD=1s APP_MINIMAL_COMPASS_SYNC_TIME=1s)
  agent_command=(setpriv --no-new-privs /usr/sbin/chroot --userspec=65535:65535 --groups=65535 "$work/root" /app/compass-runtime-agent)
}

cluster() {
  curl -sS --fail --max-time 30 --cacert "$work/pod/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" \
    -H "Authorization: Bearer $(cat "$work/pod/var/run/secrets/kubernetes.io/serviceaccount/token")" "$server$1"
}
state_is() {
  cluster /apis/compass.kyma-project.io/v1alpha1/compassconnections/compass-connection |
    jq -e --arg state "$1" '.status.connectionState == $state'
}

runs_through_a_synchronisation() {
  start_sandbox --demo || return 1
  server=$(sed -nE 's/^ *server: *"?([^"]*)"?$/\1/p' "$work/sandbox/kubeconfig")
  make_pod "$server" || return 1
  start_agent "${pod_environment[@]}"
  within 90 state_is Synchronized || {
    tail -5 "$work/agent.log"
    return 1
  }
  [[ $(cluster /apis/applicationconnector.kyma-project.io/v1alpha1/applications | jq '.items | length') == 6 ]]
}

runs_as_its_user() {
  grep -Eq '^Uid:\s+65535\s+65535\s+65535\s+65535$' "/proc/$agent_process/status" &&
    grep -Eq '^Gid:\s+65535\s' "/proc/$agent_process/status" &&
    grep -Eq '^CapEff:\s+0+$' "/proc/$agent_process/status" && [[ $(readlink "/proc/$agent_process/root") == "$work/root" ]]
}

root_is_read_only() { not touch "$work/root/app/x" 2>/dev/null; }
probes_answer() { [[ $(probe /healthz) == 200 && $(probe /readyz) == 200 ]]; }

check image.builds builds
check image.is_the_same_when_built_again is_the_same_when_built_again
check image.holds_nothing_else holds_nothing_else
check image.holds_no_shell holds_no_shell
check image.program_is_stripped program_is_stripped
check image.names_no_machine names_no_machine
check image.starts_as_todays_deployment_does starts_as_todays_deployment_does
check image.is_taken_by_buildah is_taken_by_buildah
check image.is_an_archive_for_docker_too is_an_archive_for_docker_too
check image.sbom_is_spdx sbom_is_spdx
check image.sbom_lists_every_file sbom_lists_every_file
check image.sbom_names_each_librarys_package sbom_names_each_librarys_package
check image.runs_through_a_synchronisation runs_through_a_synchronisation
check image.runs_as_its_user runs_as_its_user
check image.root_is_read_only root_is_read_only
check image.probes_answer probes_answer
check image.ends_at_sigterm_in_time end_agent

summary
