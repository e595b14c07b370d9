"""The real agent on the sandbox, for tests that look at it from outside."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import urllib.request

from webdriver import eventually

BINARIES = os.environ.get("RUNTIME_AGENT_BIN", "build/debug/bin")
HOSTILE = "<script>alert(1)</script>"


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def fetch(url, body=None, method=None, headers=None):
    data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
    request = urllib.request.Request(url, data, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


class Agent:
    """Six Applications, one of them with a name that is a script and that cannot be applied."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="agent-")
        self.processes = []
        self._start_sandbox()
        self._give_data()
        self._start_agent()

    def _spawn(self, name, arguments, environment=None):
        log = open(os.path.join(self.folder, name + ".log"), "w")
        process = subprocess.Popen(arguments, stdout=log, stderr=log, env=environment)
        self.processes.append(process)
        return process

    def log(self, name):
        with open(os.path.join(self.folder, name + ".log")) as file:
            return file.read()

    def _start_sandbox(self):
        self._spawn("sandbox", [f"{BINARIES}/runtime-agent-sandbox", "--demo", "--dir", self.folder])
        found = eventually("the sandbox", lambda: re.search(r"Control port: curl (http://127.0.0.1:\d+)", self.log("sandbox")))
        self.control = found[1]
        eventually("the sandbox", lambda: "# Ready" in self.log("sandbox"))

    def _give_data(self):
        data = json.loads(fetch(self.control + "/dataset"))
        # Names are taken as they are, so that one of them can be impossible.
        data["runtime"]["labels"]["isNormalized"] = "true"
        for application in data["applications"]:
            application["name"] = re.sub("[^a-z0-9]+", "-", application["name"].lower()).strip("-")
        data["applications"][-1]["name"] = HOSTILE
        self.give(data)

    def give(self, data):
        fetch(self.control + "/dataset", data)

    def _start_agent(self):
        with open(os.path.join(self.folder, "agent.env")) as file:
            given = dict(line.strip().split("=", 1) for line in file if "=" in line and not line.startswith("#"))
        self.pages_port, self.health_port = free_port(), free_port()
        self.environment = {
            **{name: value.strip("'\"") for name, value in given.items()}, "PATH": os.environ["PATH"],
            "APP_DIAGNOSTICS_PORT": str(self.pages_port), "APP_HEALTH_PORT": str(self.health_port),
            "APP_TRACE_FILE": os.path.join(self.folder, "trace"), "APP_CONTROLLER_SYNC_PERIOD": "2s",
            "APP_MINIMAL_COMPASS_SYNC_TIME": "1s", "RUNTIME_AGENT_TEST_CONTROLS": "on",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}
        keys = os.path.abspath("tests/fixtures/keys")
        if os.path.isdir(keys):
            self.environment["RUNTIME_AGENT_TEST_KEYS"] = keys
        self.pages = f"http://127.0.0.1:{self.pages_port}"
        self.health = f"http://127.0.0.1:{self.health_port}"
        self.start()

    def start(self):
        self.process = self._spawn("agent", [f"{BINARIES}/runtime-agent"], self.environment)
        eventually("the first synchronization",
                   lambda: self.page("/applicationz")["byState"]["applied"] >= 5, 90)

    def page(self, path):
        return json.loads(fetch(self.pages + path, headers={"Accept": "application/json"}))

    def fail_a_fetch(self):
        fetch(self.control + "/faults", {"service": "director", "action": "http-503", "times": 20})
        eventually("a failed cycle", lambda: any(cycle["outcome"] == "failed" for cycle in self._failed()))
        fetch(self.control + "/faults", method="DELETE")
        eventually("the next synchronization", lambda: not self.page("/")["synchronization"] is None and
                   self.page("/")["state"] == "ResourceApplicationFailed")

    def crash_the_reconciler(self):
        fetch(self.pages + "/crash?actor=ApplicationReconciler&message=DesiredStateFetched", b"")
        return eventually("a cycle with a restart", self._restarted)

    def _failed(self):
        return self.page("/tracez?outcome=failed")["cycles"]

    def _restarted(self):
        for summary in self._failed():
            if summary["outcome"] == "threw":
                spans = self.page("/tracez?id=" + summary["id"])["cycle"]["spans"]
                if any(span["kind"] == "restart" for span in spans):
                    return summary["id"]
        return None

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
