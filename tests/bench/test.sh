#!/usr/bin/env bash
# Whether the benchmarks' own judgement is right: an earlier result against a later one, and the table.
# Prints "N passed, M failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec python3 report_test.py
