#!/usr/bin/env bash
# ./dev as a newcomer meets it: what is misspelt is told before anything is installed or built, help builds nothing, a
# build shows that it lives, and two runs in one checkout wait for each other. Run on a copy of the script, with stand-ins
# for what installs and builds.
set -u

. "$(dirname "$0")/checks.sh"
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/checkout" "$work/bin"
cp "$root/dev" "$work/checkout/"
cat >"$work/bin/dpkg-query" <<'END'
#!/bin/sh
echo installed
END
cat >"$work/bin/cmake" <<'END'
#!/bin/sh
echo "cmake $*" >>"$CALLS"
case $1 in
  --build)
    echo '[1/2] Building CXX object CMakeFiles/x.dir/actors/slot.cpp.o'
    echo 'a line of the compiler'
    [ -z "${BROKEN:-}" ] || { echo 'slot.cpp:1: error: broken'; exit 1; }
    echo '[2/2] Linking CXX executable bin/runtime-agent'
    ;;
esac
END
chmod +x "$work/bin/"*
export CALLS=$work/calls
dev() { (cd "$work/checkout" && PATH=$work/bin:$PATH ./dev "$@"); }

# misuse ARGUMENT…: exit code 2, the usage and the wrong word on stderr, and nothing was built.
misuse() {
  local status=0
  rm -f "$CALLS"
  dev "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  [[ $status == 2 && ! -s $work/stdout && ! -e $CALLS ]] && grep -q '^usage: ./dev VERB' "$work/stderr"
}
misuse_is_told_first() {
  misuse demo --wrong && grep -qF "dev: demo: unexpected argument '--wrong'" "$work/stderr" || return 1
  misuse test --lnog && misuse build release && misuse lint . && misuse format x && misuse image --push &&
    misuse fuzz --minutes 3 && misuse cluster && misuse cluster restart && misuse nothing
}
help_builds_nothing() {
  local verb
  rm -f "$CALLS"
  for verb in demo test build lint format image fuzz; do
    dev "$verb" --help >"$work/stdout" || return 1
    grep -q "^  $verb" "$work/stdout" || return 1
  done
  [[ ! -e $CALLS ]]
}
build_succeeds_and_keeps_its_log() {
  rm -f "$CALLS"
  mkdir -p "$work/checkout/build/release/bin"
  dev build 2>"$work/stderr" || return 1
  grep -q -- '--build build/release' "$CALLS" && grep -q 'a line of the compiler' "$work/checkout/build/release.log" &&
    not grep -q 'a line of the compiler' "$work/stderr"
}
failing_build_shows_the_error() {
  not env BROKEN=1 PATH="$work/bin:$PATH" bash -c 'cd "$1" && ./dev build' _ "$work/checkout" 2>"$work/stderr" || return 1
  grep -q 'slot.cpp:1: error: broken' "$work/stderr"
}
# script(1) gives it a terminal.
progress_is_shown_on_a_terminal() {
  script -qec "cd '$work/checkout' && PATH='$work/bin:$PATH' ./dev build" /dev/null >"$work/screen" || return 1
  grep -qE '1 of 2  0:0[0-9]  slot.cpp' "$work/screen"
}
second_run_waits_for_the_first() {
  mkdir -p "$work/checkout/build"
  exec {held}>"$work/checkout/build/.lock"
  flock "$held"
  dev build 2>"$work/stderr" {held}>&- &
  local run=$!
  within 10 grep -q 'waiting for another ./dev in this checkout' "$work/stderr" && kill -0 "$run" || return 1
  exec {held}>&-
  wait "$run"
}

check dev.misuse_is_told_before_anything_is_built misuse_is_told_first
check dev.help_builds_nothing help_builds_nothing
check dev.build_succeeds_and_keeps_its_log build_succeeds_and_keeps_its_log
check dev.failing_build_shows_the_error failing_build_shows_the_error
check dev.progress_is_shown_on_a_terminal progress_is_shown_on_a_terminal
check dev.second_run_waits_for_the_first second_run_waits_for_the_first
summary
