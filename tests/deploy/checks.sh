# What the scripts that test the cluster and what is in deploy/ stand on; sourced by them. Sets $root and $work, a
# temporary folder that the script removes. One line a check; the last line says how many passed: `summary`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
passed=0
failed=0

# check NAME COMMAND…: its output is shown only when it fails.
check() {
  local name=$1
  shift
  if "$@" >"$work/output" 2>&1; then
    passed=$((passed + 1))
    echo "ok $name"
  else
    failed=$((failed + 1))
    echo "FAILED $name"
    tail -n 20 "$work/output" | sed 's/^/    /'
  fi
}

not() { ! "$@"; }

# within SECONDS COMMAND…: until it succeeds.
within() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# A process that has ended but that nobody has waited for has no program any more, only a number.
gone() { [[ ! -e /proc/$1/exe ]]; }

summary() {
  echo "$passed passed, $failed failed"
  ((failed == 0))
}
