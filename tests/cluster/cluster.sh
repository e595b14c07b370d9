#!/usr/bin/env bash
# A real Kubernetes API server for tests and for trying things out, without a cluster: builds it, starts
# it in the background, ends it. See usage() below, or --help; `./dev cluster` calls this.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
binaries=$root/build/cluster
# Where the state of the server lies; tests give their own, so that they do not meet a person's server.
state=${CLUSTER_DIR:-$binaries}
server=$binaries/kube-apiserver-for-tests
kubectl=$binaries/kubectl
helm=$binaries/helm

helm_version=v3.21.4
start_deadline=120 # seconds; three are enough on an idle machine
stop_deadline=15

usage() {
  cat <<EOF
Usage: tests/cluster/cluster.sh VERB

  up [OPTION...]    build what is missing, start the server, print its KUBECONFIG;
                    does nothing but print when it runs already. Options go to the
                    server (--port N, --keep, …; all of them: $server --help)
  down              end it; its data goes with it
  status            say whether it runs; exit code 3 when it does not
  build             build the server and kubectl into build/cluster/ (minutes, once)
  helm              build helm $helm_version into build/cluster/
  kubeconfig NAMESPACE SERVICEACCOUNT FILE [DURATION]
                    write a kubeconfig with a token of that ServiceAccount
                    (TokenRequest API, 1h unless DURATION says otherwise)

  eval "\$(tests/cluster/cluster.sh up)" sets KUBECONFIG in the calling shell.

CLUSTER_DIR names another directory for kubeconfig, pid, url, ready, log and data
(default: build/cluster), so that servers can run side by side.
EOF
}

say() { printf '%s\n' "$*" >&2; }
die() {
  say "cluster.sh: $*"
  exit 1
}

need_go() {
  local machine archive version
  case $(uname -m) in
    aarch64 | arm64) machine=arm64 ;;
    *) machine=amd64 ;;
  esac
  archive=https://go.dev/dl/go1.26.8.linux-$machine.tar.gz
  # Asked inside the module: a Go from 1.21 on fetches the toolchain that go.mod names, where it may.
  if version=$(cd "$here" && go env GOVERSION 2>/dev/null) &&
    printf 'go1.26\n%s\n' "$version" | sort --check=quiet --version-sort; then
    return
  fi
  say "cluster.sh: Go 1.26 or later is needed to build the API server (found: $(go version 2>/dev/null || echo none)). Install it with"
  say "  curl -fsSL $archive | tar -C /usr/local -xz && export PATH=/usr/local/go/bin:\$PATH"
  exit 1
}

# outdated TARGET SOURCE...: there is no TARGET, or a SOURCE is newer.
outdated() {
  local target=$1 source
  shift
  [[ -x $target ]] || return 0
  for source in "$@"; do
    [[ $source -nt $target ]] && return 0
  done
  return 1
}

# The module's packages are built with a version; without one, clients' checks of it fail.
version_flags() {
  local version minor package
  version=$(cd "$here" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
  minor=${version#v1.}
  package=k8s.io/component-base/version
  printf -- '-s -w -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s -X %s.gitTreeState=clean' \
    $package "$version" $package $package "${minor%%.*}" $package
}

# go_build TARGET PACKAGE: in one step, as another process may be running the old one.
go_build() {
  say "building $(basename "$1") (some minutes the first time)…"
  (cd "$here" && nice -n 5 go build -ldflags "$(version_flags)" -o "$1.new" "$2")
  mv "$1.new" "$1"
}

build() {
  mkdir -p "$binaries"
  # One build at a time; the second finds it done.
  exec 8>"$binaries/build.lock"
  flock 8
  if outdated "$server" "$here"/go.mod "$here"/go.sum "$here"/*.go; then
    need_go
    go_build "$server" .
  fi
  if outdated "$kubectl" "$here"/go.mod "$here"/go.sum; then
    need_go
    go_build "$kubectl" k8s.io/kubernetes/cmd/kubectl
  fi
  exec 8>&-
}

build_helm() {
  mkdir -p "$binaries"
  [[ -x $helm && $("$helm" version --template '{{.Version}}') == "$helm_version" ]] && return
  need_go
  say "building helm $helm_version…"
  # What its own release sets; without it, helm takes the cluster for a Kubernetes 1.20.
  local helm_module=helm.sh/helm/v3 flags package
  flags="-s -w -X $helm_module/internal/version.version=$helm_version"
  for package in chartutil lint/rules; do
    flags+=" -X $helm_module/pkg/$package.k8sVersionMajor=1 -X $helm_module/pkg/$package.k8sVersionMinor=36"
  done
  GOBIN=$binaries nice -n 5 go install -ldflags "$flags" "$helm_module/cmd/helm@$helm_version"
}

# running: the recorded process is alive and still ours; a number may have been given to another one.
running() {
  local pid
  pid=$(cat "$state/pid" 2>/dev/null) || return 1
  [[ $(readlink "/proc/$pid/exe" 2>/dev/null) == "$(readlink -f "$server")"* ]] # build/ may be a link
}

describe() {
  local ending='./dev cluster down'
  [[ $state == "$binaries" ]] || ending="CLUSTER_DIR=$(printf %q "$state") tests/cluster/cluster.sh down"
  cat <<EOF
export KUBECONFIG=$(printf %q "$state/kubeconfig")
# Kubernetes API   $(cat "$state/url") (process $(cat "$state/pid"), log $state/log)
# kubectl          $kubectl
# end it with      $ending
EOF
}

up() {
  build
  mkdir -p "$state"
  exec 9>"$state/lock"
  flock 9
  if running && [[ -f $state/ready ]]; then
    describe
    return
  fi
  running && down_locked # it was being started by someone who gave up
  rm -f "$state"/{ready,kubeconfig,kubeconfig-by-certificate,pid,url}
  # A session of its own, so that Ctrl-C at this terminal is not its end; without the locks, which it would
  # hold as long as it runs.
  setsid "$server" --dir "$state/data" --kubeconfig "$state/kubeconfig" --ready-file "$state/ready" "$@" \
    </dev/null >"$state/log" 2>&1 9>&- &
  echo $! >"$state/pid"
  local deadline=$((SECONDS + start_deadline))
  until [[ -f $state/ready ]]; do
    if ! kill -0 "$(cat "$state/pid")" 2>/dev/null; then
      rm -f "$state/pid"
      tail -n 3 "$state/log" >&2
      die "the API server did not start; its log: $state/log"
    fi
    if ((SECONDS > deadline)); then
      down_locked
      die "the API server was not ready within $start_deadline s; its log: $state/log"
    fi
    sleep 0.05
  done
  sed -n 's/^url=//p' "$state/ready" >"$state/url"
  describe
}

down() {
  [[ -d $state ]] || return 0
  exec 9>"$state/lock"
  flock 9
  down_locked
}

down_locked() {
  local pid deadline=$((SECONDS + stop_deadline))
  if running; then
    pid=$(cat "$state/pid")
    kill -TERM "$pid" 2>/dev/null || true
    while running; do
      ((SECONDS > deadline)) && kill -KILL "$pid" 2>/dev/null
      sleep 0.05
    done
  fi
  rm -f "$state"/{pid,url,ready,kubeconfig,kubeconfig-by-certificate}
}

status() {
  if ! running; then
    echo "not running"
    return 3
  fi
  if [[ ! -f $state/ready ]]; then
    echo "starting"
    return 3
  fi
  echo "running: $("$kubectl" --kubeconfig "$state/kubeconfig" version -o yaml | sed -n '/^serverVersion/,$s/.*gitVersion: //p')"
  describe
}

kubeconfig() {
  (($# == 3 || $# == 4)) || die "usage: cluster.sh kubeconfig NAMESPACE SERVICEACCOUNT FILE [DURATION]"
  local namespace=$1 account=$2 file=$3 duration=${4:-1h} admin=$state/kubeconfig token
  [[ -f $admin ]] || die "no server runs here ($state); start one with: tests/cluster/cluster.sh up"
  token=$("$kubectl" --kubeconfig "$admin" --namespace "$namespace" create token "$account" --duration "$duration") ||
    die "no token for ServiceAccount $namespace/$account; deploy/rbac/rbac.yaml holds the agent's"
  field() { "$kubectl" --kubeconfig "$admin" config view --raw -o "jsonpath={.clusters[0].cluster.$1}"; }
  (
    umask 077
    cat >"$file" <<EOF
apiVersion: v1
kind: Config
clusters:
  - name: tests
    cluster:
      server: $(field server)
      certificate-authority-data: $(field certificate-authority-data)
users:
  - name: $account
    user:
      token: $token
contexts:
  - name: tests
    context:
      cluster: tests
      user: $account
      namespace: $namespace
current-context: tests
EOF
  )
}

# Sourced, this file gives its functions and does nothing.
[[ ${BASH_SOURCE[0]} == "$0" ]] || return 0

verb=${1:-}
shift || true
case $verb in
  up | down | status | build | kubeconfig) "$verb" "$@" ;;
  helm) build_helm ;;
  help | --help | -h) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
