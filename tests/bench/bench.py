#!/usr/bin/env python3
"""The benchmarks: `./dev bench` calls this. See --help."""

import argparse
import datetime
import json
import os
import platform
import signal
import sys
from pathlib import Path

import report
import rows
import world


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description="Measures the agent, prints a table, writes build/bench.json.")
    parser.add_argument("--only", action="append", metavar="ROW", choices=rows.ALL, help="only this one: " + " ".join(rows.ALL))
    parser.add_argument("--quick", action="store_true", help="once each, and on less data: to see that it works")
    parser.add_argument("--sandbox", action="store_true", help="no real API server: the sandbox's in its place")
    parser.add_argument("--compare", metavar="FILE", help="an earlier bench.json: prints regressions, and exits with 1 on one")
    parser.add_argument("--out", metavar="FILE", default=str(world.ROOT / "build" / "bench.json"))
    return parser.parse_args()


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "memoryGB": round(memory / 1e9), "architecture": platform.machine()}


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended in any case
    before = json.loads(Path(options.compare).read_text()) if options.compare else None
    bench = rows.Bench(options.quick, world.SandboxCluster if options.sandbox else world.RealCluster, world.Sandbox)
    result = {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), "machine": machine(),
              "quick": options.quick, "sandbox": options.sandbox, "rows": []}
    failed = []
    try:
        for name in options.only or rows.ALL:
            print(f"-- {name}", file=sys.stderr, flush=True)
            try:
                for row in rows.ALL[name](bench):
                    result["rows"].append(report.entry(row))
                    print(report.line(result["rows"][-1]), file=sys.stderr, flush=True)
            except (world.Wrong, OSError) as error:
                failed.append(name)
                print(f"{name}: {error}", file=sys.stderr)
    finally:
        bench.close()
    Path(options.out).write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(report.table(result))
    regressions = report.regressions(before, result) if before else []
    for regression in regressions:
        print("regression: " + regression)
    if failed:
        print("could not be measured: " + ", ".join(failed))
    return 1 if regressions or failed else 0


if __name__ == "__main__":
    sys.exit(main())
