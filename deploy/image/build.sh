#!/usr/bin/env bash
# The container image: the agent, the shared libraries that it needs and the CA certificates of Debian's package, on
# nothing else. No shell, no package manager. `./dev image` calls this.
#
# The archive is put together here rather than by an engine, and says the same to each of them: it is an OCI layout and
# a docker archive at once. So the same input gives the same digest, whichever engine there is, and where there is none.
set -euo pipefail
umask 022 # modes are part of the image

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
user=65535 # as in the Deployment of the Compass Runtime Agent

usage() {
  cat <<'EOF'
usage: deploy/image/build.sh [--no-load] BINARY DIRECTORY

Makes in DIRECTORY, of BINARY (the agent's program):
  rootfs/                   the root file system
  runtime-agent.tar         the image, as an archive for podman, buildah, docker and skopeo
  runtime-agent.spdx.json   what is in it (SPDX 2.3)
  digest                    of the image's manifest
and loads the archive into podman, buildah or docker, the first that works, unless told not to.

SOURCE_DATE_EPOCH is the time in the image and in the SBOM (default: that of the last commit).
IMAGE_TAG is the image's name (default: localhost/runtime-agent:VERSION).
EOF
}

load=1
if [[ ${1:-} == --no-load ]]; then
  load=0
  shift
fi
(($# == 2)) || {
  usage >&2
  exit 2
}
binary=$1
target=$2
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)
version=$("$binary" version | sed 's/.* //')
tag=${IMAGE_TAG:-localhost/runtime-agent:$version}
architecture=$(dpkg --print-architecture)
rootfs=$target/rootfs
facts=$(mktemp -d)
trap 'rm -rf "$facts"' EXIT

die() {
  echo "image: $*" >&2
  exit 1
}

# ---- The root file system -----------------------------------------------------------------------

# The loader and every library that the program is linked with, where the loader finds them here. What glibc needs for
# host names has been part of libc itself since 2.34.
libraries() { ldd "$1" | sed -nE 's/.*=> (\/[^ ]+) .*/\1/p; s/^[[:space:]]*(\/[^ ]+) \(.*/\1/p' | sort -u; }

# in_image LIBRARY: its path there; /lib and /lib64 are links below /usr, as in Debian.
in_image() { echo "/usr${1#/usr}"; }

make_rootfs() {
  local library
  rm -rf "$rootfs"
  mkdir -p "$rootfs"/{app,etc/ssl/certs,usr/lib,usr/lib64,tmp}
  ln -s usr/lib "$rootfs/lib"
  ln -s usr/lib64 "$rootfs/lib64"
  strip --strip-all -o "$rootfs/app/runtime-agent" "$binary"
  # What the Deployment of the Compass Runtime Agent starts.
  ln -s runtime-agent "$rootfs/app/compass-runtime-agent"
  ! ldd "$binary" | grep 'not found' >&2 || die "a library is missing"
  libraries "$binary" >"$facts/libraries"
  while read -r library; do
    install -D -m 755 "$library" "$rootfs$(in_image "$library")"
  done <"$facts/libraries"
  # From the package and not from /etc, where a machine may have certificates of its own.
  dpkg -L ca-certificates | grep '/mozilla/.*\.crt$' | LC_ALL=C sort | xargs cat >"$rootfs/etc/ssl/certs/ca-certificates.crt"
  # The pod's /etc/hosts counts too; without this file glibc asks DNS alone.
  echo 'hosts: files dns' >"$rootfs/etc/nsswitch.conf"
  find "$rootfs" -type d -exec chmod 755 {} +
  chmod 1777 "$rootfs/tmp"
  chmod 644 "$rootfs/etc/ssl/certs/ca-certificates.crt" "$rootfs/etc/nsswitch.conf"
  chmod 755 "$rootfs/app/runtime-agent"
  find "$rootfs" -exec touch --no-dereference -d "@$epoch" {} +
}

# ---- The SBOM -----------------------------------------------------------------------------------

# owner FILE: the package that it belongs to. Debian records the path as it was packaged, with or without /usr.
owner() {
  local file found
  for file in "$1" "${1#/usr}" "/usr$1" "$(readlink -f "$1")"; do
    if found=$(dpkg -S "$file" 2>/dev/null); then
      found=${found%%: *}
      echo "${found%%:*}"
      return
    fi
  done
  die "$1 belongs to no package"
}

# Lines "PACKAGE FILE", the file as it lies in the image.
owners() {
  local library
  while read -r library; do
    echo "$(owner "$library") $(in_image "$library")"
  done <"$facts/libraries"
  echo "ca-certificates /etc/ssl/certs/ca-certificates.crt"
}

# Compiled into the program: no file of theirs is in the image.
header_only=(nlohmann-json3-dev libcli11-dev libexpected-dev libspdlog-dev libboost1.74-dev)

# package_facts RELATION PACKAGE…: from dpkg's own data, JSON objects.
package_facts() {
  local relation=$1
  shift
  dpkg-query -W -f='${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}\n' "$@" |
    jq -R --arg relation "$relation" 'split("\t") | {relation: $relation, name: .[0], version: .[1], architecture: .[2],
      source: "\(.[3]) \(.[4])", maintainer: .[5]}'
}

file_facts() {
  local file path
  find "$rootfs" -type f | LC_ALL=C sort | while read -r file; do
    path=${file#"$rootfs"}
    jq -n --arg path "$path" --arg sha1 "$(sha1sum <"$file" | cut -d' ' -f1)" --arg sha256 "$(sum "$file")" \
      --arg package "$(awk -v path="$path" '$2 == path {print $1}' "$facts/owners")" \
      '{path: $path, sha1: $sha1, sha256: $sha256, package: $package}'
  done
}

make_sbom() {
  local linked
  owners | sort -u >"$facts/owners"
  file_facts >"$facts/files.json"
  mapfile -t linked < <(cut -d' ' -f1 "$facts/owners" | sort -u)
  {
    package_facts CONTAINS "${linked[@]}"
    package_facts STATIC_LINK "${header_only[@]}"
  } >"$facts/packages.json"
  jq -n --slurpfile files "$facts/files.json" --slurpfile packages "$facts/packages.json" --arg version "$version" \
    --arg created "$created" --arg identity "$(sum "$facts/files.json")" \
    --arg distribution "$(. /etc/os-release && echo "$ID-$VERSION_ID")" '
    def id($kind; $name): "SPDXRef-" + $kind + "-" + ($name | gsub("[^A-Za-z0-9.-]"; "-"));
    def file_id: id("File"; .path | ltrimstr("/"));
    def unknown: {licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION"};
    def agent: id("Package"; "runtime-agent");
    def relation($from; $type; $to): {spdxElementId: $from, relationshipType: $type, relatedSpdxElement: $to};
    {
      spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: "runtime-agent-\($version)",
      documentNamespace: "https://spdx.org/spdxdocs/runtime-agent-\($version)-\($identity)",
      creationInfo: {created: $created, creators: ["Tool: runtime-agent-image"]},
      packages: ([unknown + {SPDXID: agent, name: "runtime-agent", versionInfo: $version, downloadLocation: "NOASSERTION",
        filesAnalyzed: false, licenseDeclared: "NOASSERTION", primaryPackagePurpose: "CONTAINER"}]
        + [$packages[] | unknown + {SPDXID: id("Package"; .name), name, versionInfo: .version,
          supplier: "Organization: \(.maintainer)", downloadLocation: "NOASSERTION", filesAnalyzed: false,
          licenseDeclared: "NOASSERTION", sourceInfo: "built from \(.source)",
          externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator:
            "pkg:deb/debian/\(.name | @uri)@\(.version | @uri)?arch=\(.architecture)&distro=\($distribution)"}]}]),
      files: [$files[] | unknown + {SPDXID: file_id, fileName: ".\(.path)", licenseInfoInFiles: ["NOASSERTION"],
        checksums: [{algorithm: "SHA1", checksumValue: .sha1}, {algorithm: "SHA256", checksumValue: .sha256}]}],
      relationships: ([relation("SPDXRef-DOCUMENT"; "DESCRIBES"; agent)]
        + [$packages[] | if .relation == "CONTAINS" then relation(agent; .relation; id("Package"; .name))
            else relation(id("Package"; .name); .relation; id("File"; "app/runtime-agent")) end]
        + [$files[] | relation(if .package == "" then agent else id("Package"; .package) end; "CONTAINS"; file_id)])
    }' >"$target/runtime-agent.spdx.json"
}

# ---- The archive --------------------------------------------------------------------------------

sum() { sha256sum <"$1" | cut -d' ' -f1; }

# pack DIRECTORY FILE: the same bytes for the same content, whoever packs it and however the disk orders it.
pack() {
  local names
  mapfile -t names < <(LC_ALL=C ls -A "$1")
  LC_ALL=C tar --create --format=gnu --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" \
    --directory="$1" --file="$2" -- "${names[@]}"
}

# blob FILE MEDIATYPE: moves it to its place in the layout and prints its descriptor.
blob() {
  local digest size
  digest=$(sum "$1")
  size=$(stat -c %s "$1")
  mv "$1" "$layout/blobs/sha256/$digest"
  jq -cn --arg type "application/vnd.oci.image.$2" --arg digest "sha256:$digest" --argjson size "$size" \
    '{mediaType: $type, digest: $digest, size: $size}'
}

make_archive() {
  local diff_id layer configuration manifest
  layout=$facts/layout
  mkdir -p "$layout/blobs/sha256"
  pack "$rootfs" "$facts/layer.tar"
  diff_id=$(sum "$facts/layer.tar")
  gzip -n -6 "$facts/layer.tar"
  layer=$(blob "$facts/layer.tar.gz" layer.v1.tar+gzip)
  # No entry point: the arguments decide, as in the Deployment of the Compass Runtime Agent.
  jq -cn --arg created "$created" --arg architecture "$architecture" --arg diff "sha256:$diff_id" \
    --arg user "$user:$user" --arg version "$version" '{
      created: $created, architecture: $architecture, os: "linux",
      config: {User: $user, Env: ["PATH=/app", "LD_BIND_NOW=1"], Cmd: ["/app/compass-runtime-agent"], WorkingDir: "/",
        ExposedPorts: {"8090/tcp": {}},
        Labels: {"org.opencontainers.image.title": "runtime-agent", "org.opencontainers.image.version": $version}},
      rootfs: {type: "layers", diff_ids: [$diff]},
      history: [{created: $created, created_by: "deploy/image/build.sh"}]
    }' >"$facts/configuration"
  configuration=$(blob "$facts/configuration" config.v1+json)
  jq -cn --argjson layer "$layer" --argjson configuration "$configuration" '{schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json", config: $configuration, layers: [$layer]}' >"$facts/manifest"
  manifest=$(blob "$facts/manifest" manifest.v1+json)
  jq -r .digest <<<"$manifest" >"$target/digest"
  jq -cn --argjson manifest "$manifest" --arg tag "$tag" '{schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$manifest + {annotations:
        {"org.opencontainers.image.ref.name": $tag, "io.containerd.image.name":
          (if $tag | contains("/") then $tag else "docker.io/library/\($tag)" end)}}]}' \
    >"$layout/index.json"
  echo '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"
  # The same once more, for a docker that knows no OCI layout.
  jq -cn --argjson layer "$layer" --argjson configuration "$configuration" --arg tag "$tag" '
      def path: "blobs/sha256/" + (.digest | ltrimstr("sha256:"));
      [{Config: ($configuration | path), RepoTags: [$tag], Layers: [$layer | path]}]' >"$layout/manifest.json"
  pack "$layout" "$target/runtime-agent.tar"
}

# ---- The engine ---------------------------------------------------------------------------------

# load_into ENGINE
load_into() {
  case $1 in
    podman | docker) "$1" load --quiet --input "$target/runtime-agent.tar" ;;
    # Its default storage needs what not every machine gives.
    buildah) buildah pull --quiet "oci-archive:$target/runtime-agent.tar" ||
      buildah --storage-driver vfs pull --quiet "oci-archive:$target/runtime-agent.tar" ;;
  esac
}

load_archive() {
  local engine
  for engine in podman buildah docker; do
    if command -v "$engine" >/dev/null && load_into "$engine" >"$facts/loaded" 2>&1; then
      echo "loaded     into $engine"
      return
    fi
  done
  echo "not loaded: no podman, buildah or docker works here; the archive is whole without"
}

mkdir -p "$target"
make_rootfs
make_sbom
make_archive
size() { du --summarize --human-readable --apparent-size "$1" | cut -f1; }
echo "image      $target/runtime-agent.tar ($(size "$target/runtime-agent.tar"), unpacked $(size "$rootfs"))"
echo "digest     $(cat "$target/digest")"
echo "SBOM       $target/runtime-agent.spdx.json ($(jq '.packages | length' "$target/runtime-agent.spdx.json") packages)"
((!load)) || load_archive
