"""The rows of the table: each measures one thing, and says what it must reach."""

import copy
import json
import os
import re
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from world import APPLICATIONS, BINARIES, Agent, ApiServer, Wrong, secrets, until

MB = 1_000_000
QUICK_CYCLES = {"APP_CONTROLLER_SYNC_PERIOD": "1s", "APP_MINIMAL_COMPASS_SYNC_TIME": "1s"}


@dataclass
class Row:
    name: str  # of the row, and of its entry in bench.json
    what: str
    measured: float
    unit: str
    limit: float
    at_least: bool = False  # otherwise at most
    tolerance: float = 0.25  # share by which a later run may be worse before it counts as a regression
    parts: dict = field(default_factory=dict)  # shown beside

    @property
    def ok(self):
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


class Bench:
    """What all rows share. `real()` and `sandbox()` start what they give when they are asked for first."""

    def __init__(self, quick, start_real, start_sandbox):
        self.quick = quick
        self._start_real, self._start_sandbox = start_real, start_sandbox
        self._real = self._beside_real = None
        self._keys = None

    def real(self):
        """A kube-apiserver without what agents wrote before, and a Compass beside it."""
        if not self._real:
            self._real = self._start_real()
        if not self._beside_real:
            beside = getattr(self._real, "compass", None)
            self._beside_real = beside or self._start_sandbox(self._real.admin.kubeconfig)
        self._real.admin.wipe()
        time.sleep(1)  # until it has done what deleting thousands of objects leaves it to do
        return self._real, self._beside_real

    def fresh_sandbox(self):
        return self._start_sandbox(None)

    def repetitions(self, usual):
        return 1 if self.quick else usual

    def keys(self):
        """A folder of private keys that are made already."""
        if not self._keys:
            self._keys = tempfile.TemporaryDirectory(prefix="runtime-agent-bench-keys-")
            command = ["openssl", "genrsa", "-traditional", "-out", f"{self._keys.name}/0.pem", "4096"]
            subprocess.run(command, check=True, capture_output=True)
        return {"RUNTIME_AGENT_TEST_CONTROLS": "on", "RUNTIME_AGENT_TEST_KEYS": self._keys.name}

    def close(self):
        for one in (self._beside_real, self._real):
            if one:
                one.close()
        if self._keys:
            self._keys.cleanup()


def synchronized_agent(bench, applications, kubeconfig=None, sampled=False, **variables):
    """An agent that has brought so many Applications into the real cluster."""
    real, compass = bench.real()
    compass.generate(applications)
    compass.configure()
    agent = Agent(compass, kubeconfig or real.own_kubeconfig, sampled, **{**bench.keys(), **variables})
    try:
        real.admin.wait_until_synchronized(agent, 120 + applications / 20)
    except BaseException:
        agent.end()
        raise
    return real, compass, agent


def between_cycles(compass):
    """Returns in the pause after a cycle, with the count of cycles so far."""
    before = compass.director_queries()
    now = until(lambda: (n := compass.director_queries()) > before and n, 60, "a cycle")
    time.sleep(0.5)  # half of the period of QUICK_CYCLES, or less
    return now


# -- write phase


def _groups(api, applications):
    """What an agent has written, as a client sends it: an Application and its Secrets a line."""

    def stripped(item):
        metadata = item["metadata"]
        for name in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
            metadata.pop(name, None)
        return item

    by_application = {}
    for secret in api.list(secrets("kyma-system")):
        owners = secret["metadata"].get("ownerReferences", [])
        if owners:
            secret.update(apiVersion="v1", kind="Secret")
            by_application.setdefault(owners[0]["name"], []).append(stripped(secret))
    lines = []
    for application in api.list(APPLICATIONS):
        name = application["metadata"]["name"]
        line = [[APPLICATIONS, json.dumps(stripped(application))]]
        line += [[secrets("kyma-system"), json.dumps(secret)] for secret in by_application.get(name, [])]
        lines.append(json.dumps(line))
    if len(lines) != applications or sum(len(s) for s in by_application.values()) != applications:
        raise Wrong(f"{len(lines)} Applications and {len(by_application)} Secrets were written")
    return "\n".join(lines)


def _raw_write(api, objects, folder):
    (folder / "ca.pem").write_text(api.ca)
    (folder / "token").write_text(api.token)
    (folder / "objects").write_text(objects)
    command = [BINARIES / "bench_raw_writer", api.url.hostname, api.url.port, folder / "ca.pem", folder / "token",
               folder / "objects", 4]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Wrong("the raw writer failed: " + done.stdout + done.stderr)
    return json.loads(done.stdout)["seconds"]


def _agent_write(bench, count):
    """Seconds from the fetch until the cluster is in line, and the cluster."""
    real, _, agent = synchronized_agent(bench, count)
    with agent:
        return agent.time_of("brought the cluster in line") - agent.time_of("fetched from the Director"), real


def write_phase(bench):
    """The API server needs up to a third more or less CPU from one run to the next, and a new one is slow at first: one
    run that does not count, then many of both in turns."""
    count = 200 if bench.quick else 1000
    _, real = _agent_write(bench, count)
    own, folder = ApiServer(real.own_kubeconfig), Path(real.folder.name)
    objects = _groups(real.admin, count)
    seconds = {"agent": [], "raw": []}
    for turn in range(bench.repetitions(21)):
        for who in sorted(seconds, reverse=turn % 2 == 1):
            if who == "agent":
                seconds[who].append(_agent_write(bench, count)[0])
            else:
                bench.real()
                seconds[who].append(_raw_write(own, objects, folder))
    real.admin.wipe()
    agent, raw = (statistics.median(seconds[who]) for who in ("agent", "raw"))
    spread = {f"{who} s, least to most": f"{min(all_):.2f} to {max(all_):.2f}" for who, all_ in seconds.items()}
    yield Row("write-phase", f"write phase, {count} Applications + {count} Secrets, against a raw writer", agent / raw, "×",
              1.15, tolerance=0.1, parts={"agent s": round(agent, 2), "raw s": round(raw, 2), "connections": 4,
                                          "runs of each": len(seconds["raw"]), **spread,
                                          "objects/s": round(2 * count / agent)})


# -- start


def _parts(agent, ended):
    """Where the time from the start to Synchronized went, by the agent's own log."""
    begun = agent.begun
    marks = [("start", agent.time_of("runtime-agent starts")), ("configuration", agent.time_of("pairing with")),
             ("pairing", agent.time_of("a certificate is in use")), ("fetch", agent.time_of("fetched from the Director")),
             ("write", agent.time_of("brought the cluster in line")), ("status", ended)]
    parts, last = {}, begun
    for name, at in marks:
        if at is not None:
            parts[name + " s"] = round(at - last, 3)
            last = at
    return parts


def start(bench):
    results = []
    for _ in range(bench.repetitions(5)):
        real, compass = bench.real()
        compass.generate(200)
        compass.configure()
        with Agent(compass, real.own_kubeconfig, **bench.keys()) as agent:
            ended = real.admin.wait_until_synchronized(agent, 120)
            results.append((ended - agent.begun, _parts(agent, ended)))
    with_key = []
    for _ in range(bench.repetitions(5)):
        real, compass = bench.real()
        compass.generate(200)
        compass.configure()
        with Agent(compass, real.own_kubeconfig) as agent:
            with_key.append(real.admin.wait_until_synchronized(agent, 120) - agent.begun)
    results.sort(key=lambda result: result[0])
    total, parts = results[len(results) // 2]
    parts["with generating the key s"] = round(statistics.median(with_key), 2)
    yield Row("start", "start → Synchronized, N=200, default periods, without generating the key", total, "s", 1.5,
              parts=parts)


# -- unchanged cycle


def _unchanged(bench, applications, kubeconfig=None):
    # Longer than the second that the agent leaves between two writes of the status.
    periods = {**QUICK_CYCLES, "APP_CONTROLLER_SYNC_PERIOD": "2s"}
    real, compass, agent = synchronized_agent(bench, applications, kubeconfig, APP_LOG_LEVEL="info", **periods)
    with agent:
        time.sleep(3)
        compass.clear_requests()
        first = between_cycles(compass)
        cpu, asked = agent.cpu(), real.admin.requests()
        time.sleep(3 if bench.quick else 24)
        last = between_cycles(compass)
        cpu, now = agent.cpu() - cpu, real.admin.requests()
        cycles = last - first
        asked = {f"{verb} {resource}": (count - asked.get((resource, verb), 0)) / cycles
                 for (resource, verb), count in now.items() if count != asked.get((resource, verb), 0)}
        resident, anonymous = agent.resident()
    return {"requests": asked, "cpu": cpu / cycles, "resident": resident, "anonymous": anonymous, "cycles": cycles}


def unchanged_cycle(bench):
    for applications, limit in ((200, 5), (1000, 20)):
        if bench.quick and applications > 200:
            continue
        seen = _unchanged(bench, applications)
        beside = {what: round(count, 2) for what, count in seen["requests"].items()}
        if applications == 200:
            real, _ = bench.real()
            todays = _unchanged(bench, applications, real.todays_kubeconfig)
            beside["with legacy rights"] = round(sum(todays["requests"].values()), 2)
        yield Row(f"unchanged-requests-{applications}", f"unchanged cycle, N={applications}: Kubernetes requests",
                  round(sum(seen["requests"].values()), 2), "", 1.05, tolerance=0.05, parts=beside)
        yield Row(f"unchanged-cpu-{applications}", f"unchanged cycle, N={applications}: agent CPU", seen["cpu"] * 1e3, "ms",
                  limit, parts={"cycles": seen["cycles"], "resident MB": round(seen["resident"] / MB, 1),
                                "anonymous MB": round(seen["anonymous"] / MB, 1)})


# -- one of many changed


def one_changed(bench):
    count = 100 if bench.quick else 1000
    real, compass, agent = synchronized_agent(bench, count, **QUICK_CYCLES)
    writing = ("POST", "PUT", "PATCH", "APPLY", "DELETE")

    def writes_after(change):
        dataset = compass.call("GET", "/dataset")
        change(dataset["applications"][count // 2])
        time.sleep(3)
        before = real.admin.requests()
        compass.call("POST", "/dataset", dataset)
        until(lambda: real.admin.requests() != before, 30, "a write")
        time.sleep(3)
        after = real.admin.requests()
        return {f"{verb} {resource}": n - before.get((resource, verb), 0) for (resource, verb), n in after.items()
                if verb in writing and resource != "compassconnections" and n != before.get((resource, verb), 0)}

    with agent:
        described = writes_after(lambda application: application.update(description="changed"))

        def change_password(application):
            credential = application["bundles"][0]["defaultInstanceAuth"]["credential"]
            credential[next(key for key in credential if key in ("password", "clientSecret"))] = "changed"

        credentials = writes_after(change_password)
    yield Row("one-changed", f"one of {count} Applications changed: writes (its description)", sum(described.values()), "", 1,
              tolerance=0, parts=described)
    yield Row("one-credential-changed", f"one of {count} Applications changed: writes (its credentials)",
              sum(credentials.values()), "", 1, tolerance=0, parts=credentials)


# -- memory


def memory(bench):
    for applications, limit in ((0, 15), (200, 18), (1000, 28)):
        if bench.quick and applications > 200:
            continue
        real, compass, agent = synchronized_agent(bench, applications, sampled=True, APP_LOG_LEVEL="info", **QUICK_CYCLES)
        with agent:
            time.sleep(5)
            peak, anonymous = agent.peak_resident(), agent.peak_anonymous
            resident = agent.resident()
        yield Row(f"memory-{applications}", f"peak resident memory, N={applications}", peak / MB, "MB", limit,
                  tolerance=0.1, parts={"anonymous MB": round(anonymous / MB, 1), "at the end MB": round(resident[0] / MB, 1)})


# -- exec → first request


class FirstRequest:
    """Passes connections on to an API server, and notes when a client's first request comes: what it sends after it
    has answered the server's part of the TLS handshake."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen = threading.Event()
        self.at = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source, sink, from_client):
        pieces = 0
        try:
            while data := source.recv(65536):
                pieces += 1
                if from_client and pieces == 2 and not self.seen.is_set():
                    self.at = time.time()
                    self.seen.set()
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, sink):
                one.close()

    def close(self):
        self.listener.close()


def first_request(bench):
    real, compass = bench.real()
    compass.generate(0)
    times = []
    for _ in range(bench.repetitions(15)):
        watcher = FirstRequest((real.admin.url.hostname, real.admin.url.port))
        kubeconfig = Path(real.folder.name) / "watched.kubeconfig"
        text = Path(real.own_kubeconfig).read_text()
        kubeconfig.write_text(re.sub(r"server: .*", f"server: https://127.0.0.1:{watcher.port}", text))
        with Agent(compass, kubeconfig, **bench.keys()) as agent:
            if not watcher.seen.wait(30):
                raise Wrong("no request came: " + agent.output()[-2000:])
            times.append(watcher.at - agent.begun)
        watcher.close()
    yield Row("first-request", "exec → first Kubernetes request", statistics.median(times) * 1e3, "ms", 25,
              parts={"least ms": round(min(times) * 1e3, 1), "most ms": round(max(times) * 1e3, 1)})


# -- ten thousand


class LongestHandler:
    """The most CPU time that an actor has used for one message, timer or answer, by the agent's trace file
    (actors/supervision/trace_layout.hpp, span.hpp). It is looked at again and again, since the ring forgets."""

    HANDLED = (0, 1, 2, 4, 5)  # kinds of span: message, start, timer, answer, event

    def __init__(self, agent):
        self.path = Path(agent.folder.name) / "trace"
        self.most, self.what = 0, ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        while not self._ended.wait(0.5):
            self.look()

    def look(self):
        try:
            data = self.path.read_bytes()
        except OSError:
            return
        cells = int.from_bytes(data[48:56], "little")
        begin = 4096 + 1024 * 64

        def name(index):
            return data[4096 + index * 64:4096 + (index + 1) * 64].split(b"\0")[0].decode()

        # The version of the cell, and of the record: receiver, name, kind, CPU time in microseconds.
        record = struct.Struct("<Q74xHH2xB3xI8x")
        for version, receiver, what, kind, cpu in record.iter_unpack(data[begin:begin + cells * record.size]):
            if version % 2 == 0 and kind in self.HANDLED and cpu > self.most:
                self.most, self.what = cpu, f"{name(receiver)}: {name(what)}"

    def end(self):
        self._ended.set()
        self._thread.join()
        self.look()


def ten_thousand(bench):
    few, many = (100, 1000) if bench.quick else (1000, 10_000)
    seen = {}
    for applications in (few, many):
        times = []
        for _ in range(1 if applications == many else bench.repetitions(3)):
            sandbox = bench.fresh_sandbox()
            try:
                sandbox.generate(applications)
                sandbox.configure()
                with Agent(sandbox, sandbox.kubeconfig, True, APP_LOG_LEVEL="info", **bench.keys()) as agent:
                    handlers = LongestHandler(agent)
                    ended = ApiServer(sandbox.kubeconfig).wait_until_synchronized(agent, 60 + applications / 20)
                    times.append(ended - agent.begun)
                    time.sleep(5 if bench.quick else 30)  # an unchanged cycle too, at the default period
                    handlers.end()
                    peak, anonymous, resident = agent.peak_resident(), agent.peak_anonymous, agent.resident()
            finally:
                sandbox.close()
        seen[applications] = statistics.median(times)
    yield Row("ten-thousand-time", f"N={many} on the sandbox: time against N={few}", seen[many] / seen[few], "×", 11,
              tolerance=0.15, parts={f"N={n} s": round(t, 2) for n, t in seen.items()})
    yield Row("longest-handler", f"longest handler of an actor, N={many} (sandbox): CPU", handlers.most / 1e3, "ms", 20,
              tolerance=1, parts={"which": handlers.what})
    yield Row("memory-10000", f"peak resident memory, N={many} (sandbox)", peak / MB, "MB", 130, tolerance=0.1,
              parts={"anonymous MB": round(anonymous / MB, 1), "at the end MB": round(resident[0] / MB, 1)})


# -- google-benchmark


def micro(bench):
    out = Path(os.environ.get("TMPDIR", "/tmp")) / f"bench-micro-{os.getpid()}.json"
    command = [str(BINARIES / "bench_micro"), f"--benchmark_out={out}", "--benchmark_out_format=json",
               f"--benchmark_repetitions={1 if bench.quick else 5}", "--benchmark_report_aggregates_only=true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Wrong("bench_micro failed: " + done.stderr[-1000:])
    results = {}
    for one in json.loads(out.read_text())["benchmarks"]:
        if one.get("aggregate_name", "median") == "median":
            results[one["run_name"]] = one
    out.unlink()
    yield from _micro_rows(results)


def _micro_rows(results):
    page = results["parse_and_map_a_page"]
    yield Row("parse-and-map", "Director page of 5 MB: parse and map", page["bytes_per_second"] / MB, "MB/s", 300, at_least=True,
              parts={"page MB": round(page["bytes_per_second"] * page["cpu_time"] / 1e3 / MB, 2)})
    for name, what, limit in (("plan_unchanged", "plan for 10,000, unchanged", 5), ("plan_all_changed", "plan for 10,000, all changed", 30)):
        yield Row(name.replace("_", "-"), what, results[name]["cpu_time"], results[name]["time_unit"], limit)


# -- tracing


def _per_message(bench, program):
    """Seconds of CPU a message, by the median of several runs."""
    command = [str(BINARIES / program), "--benchmark_filter=^messages", "--benchmark_format=json",
               f"--benchmark_repetitions={3 if bench.quick else 9}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Wrong(f"{program} failed: " + done.stderr[-1000:])
    runs = [one for one in json.loads(done.stdout)["benchmarks"] if one["run_type"] == "iteration"]
    return statistics.median(one["cpu_time"] for one in runs) * 1e-9 / 1000  # nanoseconds for a batch of 1,000


def _spans_recorded(path):
    """The highest sequence in a trace file (actors/supervision/trace_layout.hpp)."""
    data = Path(path).read_bytes()
    cells = int.from_bytes(data[48:56], "little")
    first, stride = 4096 + 1024 * 64, 8 + 96
    return max(int.from_bytes(data[at + 8:at + 16], "little") for at in range(first, first + cells * stride, stride))


def tracing(bench):
    traced, untraced = _per_message(bench, "bench_micro"), _per_message(bench, "bench_untraced")
    cost = max(traced - untraced, 0)
    yield Row("tracing-message", "tracing: CPU a message", cost * 1e9, "ns", 1000, tolerance=1,
              parts={"traced ns": round(traced * 1e9), "untraced ns": round(untraced * 1e9)})
    _, _, agent = synchronized_agent(bench, 200, **QUICK_CYCLES)
    with agent:
        spans, cpu = _spans_recorded(f"{agent.folder.name}/trace"), agent.cpu()
        time.sleep(5 if bench.quick else 20)
        spans, cpu = _spans_recorded(f"{agent.folder.name}/trace") - spans, agent.cpu() - cpu
    yield Row("tracing-share", "tracing: share of a synchronizing agent's CPU", 100 * spans * cost / cpu, "%", 3, tolerance=1,
              parts={"spans": spans, "CPU ms": round(cpu * 1e3)})


ALL = {
    "tracing": tracing,
    "write-phase": write_phase,
    "start": start,
    "unchanged-cycle": unchanged_cycle,
    "one-changed": one_changed,
    "memory": memory,
    "first-request": first_request,
    "micro": micro,
    "ten-thousand": ten_thousand,
}
