#!/usr/bin/env bash
# The diagnostics pages in Debian's Chromium. RUNTIME_AGENT_BIN: where the agent and the sandbox lie.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec python3 tests/browser/pages_test.py
