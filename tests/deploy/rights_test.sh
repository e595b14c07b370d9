#!/usr/bin/env bash
# Least privilege, proven from the API server's audit log of the suites that drive the real agent under the chart's rights:
# nothing that it asked for was refused, and no right that it has was left unused. Exceptions stand, each with its reason,
# in rights-exceptions.txt.
#   rights_test.sh AUDIT_LOG KUBECONFIG   (an administrator's); `./dev test` calls it after those suites
set -uo pipefail

# shellcheck source=checks.sh
source "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
trap 'rm -rf "$work"' EXIT
export KUBECACHEDIR=$work/kubectl-cache
audit=$1
kubectl=("$root/build/cluster/kubectl" --kubeconfig "$2")

# exceptions KIND: their lines, without the reasons.
exceptions() { sed -n "s/^$1 //p" "$root/tests/deploy/rights-exceptions.txt" | sed 's/ *#.*//' | sort; }

compares() {
  "${kubectl[@]}" get clusterrolebindings,rolebindings -A -o json >"$work/bindings" &&
    "${kubectl[@]}" get clusterroles,roles -A -o json >"$work/roles" &&
    jq -n --slurpfile bindings "$work/bindings" --slurpfile roles "$work/roles" --arg account compass-system:runtime-agent \
      -f "$root/tests/deploy/rights.jq" "$audit" >"$work/report" && cat "$work/report"
}

audit_log_shows_the_agents_work() { jq -e '.granted > 30 and .requests > 1000' "$work/report"; }
# besides KIND: what is not among the exceptions.
besides() { ! comm -13 <(exceptions "$1") <(jq -r --arg kind "$1" '.[$kind][]' "$work/report" | sort) | grep .; }
nothing_needed_was_refused() { besides refused; }
no_right_is_left_unused() { besides unused; }
each_exception_has_its_reason() { ! grep -vE '^(#.*|(refused|unused) [^#]+# .+)?$' "$root/tests/deploy/rights-exceptions.txt"; }

check rights.compares compares
check rights.audit_log_shows_the_agents_work audit_log_shows_the_agents_work
check rights.nothing_needed_was_refused nothing_needed_was_refused
check rights.no_right_is_left_unused no_right_is_left_unused
check rights.each_exception_has_its_reason each_exception_has_its_reason

jq -r '"\(.requests) requests of the agent, \(.granted) rights"' "$work/report"
summary
