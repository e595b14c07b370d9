"""What a benchmark stands on: the sandbox, an API server, and the agent as a process."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARIES = ROOT / os.environ.get("RUNTIME_AGENT_BENCH_BINARIES", "build/bench/bin")
NAMESPACES = ("compass-system", "kyma-system", "istio-system")
# As today's Deployment has it, whose rights reach no other names.
CONFIGURATION = "kyma-system/compass-agent-configuration"
NAMES = {"APP_CLUSTER_CERTIFICATES_SECRET": "kyma-system/cluster-client-certificates",
         "APP_CA_CERTIFICATES_SECRET": "istio-system/kyma-gateway-certs-cacert"}
APPLICATIONS = "/apis/applicationconnector.kyma-project.io/v1alpha1/applications"
CONNECTIONS = "/apis/compass.kyma-project.io/v1alpha1/compassconnections"


def secrets(namespace):
    return f"/api/v1/namespaces/{namespace}/secrets"


class Wrong(Exception):
    """A benchmark could not be carried out; the text says why."""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def until(condition, limit, what):
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Wrong(f"{what} did not happen within {limit:.0f} s")
        time.sleep(0.02)


class ApiServer:
    """A client of the API server that a kubeconfig with one cluster and one user names."""

    def __init__(self, kubeconfig):
        self.kubeconfig = Path(kubeconfig)
        text = self.kubeconfig.read_text()

        def field(name):
            found = re.search(rf'\b{name}"?: *"?([^"\s,]+)', text)
            return found.group(1) if found else None

        self.url = urllib.parse.urlsplit(field("server"))
        self.token = field("token")
        self.ca = base64.b64decode(field("certificate-authority-data") or "").decode()
        if not self.ca and field("certificate-authority"):
            self.ca = (self.kubeconfig.parent / field("certificate-authority")).read_text()
        self._kept = None

    def _connect(self):
        if self.url.scheme == "http":
            return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=120)
        context = ssl.create_default_context(cadata=self.ca)
        return http.client.HTTPSConnection(self.url.hostname, self.url.port, context=context, timeout=120)

    def open(self, method, path, body=None, connection=None):
        connection = connection or self._connect()
        headers = {"Accept": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def call(self, method, path, body=None, missing_is_well=False):
        for attempt in (1, 2):
            self._kept = self._kept or self._connect()
            try:
                answer = self.open(method, path, body, self._kept)
                text = answer.read().decode()
                break
            except (http.client.HTTPException, OSError):
                self._kept = None
                if attempt == 2:
                    raise
        if answer.status == 404 and missing_is_well:
            return None
        if answer.status >= 300:
            raise Wrong(f"{method} {path}: {answer.status} {text[:300]}")
        return json.loads(text) if text.startswith("{") else text

    def list(self, path):
        items, more = [], ""
        while True:
            page = self.call("GET", f"{path}?limit=500" + (f"&continue={more}" if more else ""))
            items += page["items"]
            more = page["metadata"].get("continue", "")
            if not more:
                return items

    def wipe(self):
        """Away with everything that an agent writes."""
        self.call("DELETE", CONNECTIONS)
        self.call("DELETE", APPLICATIONS)
        for namespace in NAMESPACES:
            self.call("DELETE", secrets(namespace))
        until(lambda: not self.call("GET", APPLICATIONS + "?limit=1")["items"], 120, "the deletion of all Applications")
        until(lambda: not self.call("GET", secrets("kyma-system") + "?limit=1")["items"], 120, "the deletion of Secrets")

    def requests(self):
        """How often what was asked so far of the agent's resources: (resource, verb) → count; without watches."""
        counts = {}
        for line in self.call("GET", "/metrics").splitlines():
            if not line.startswith("apiserver_request_total{"):
                continue
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if labels["verb"] in ("WATCH", "CONNECT"):
                continue
            if labels["resource"] in ("applications", "compassconnections", "secrets"):
                key = (labels["resource"], labels["verb"])
                counts[key] = counts.get(key, 0) + int(float(line.rsplit(" ", 1)[1]))
        return counts

    def wait_until_synchronized(self, agent, limit):
        """The wall clock's time at which a watch told that the CompassConnection is Synchronized."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            connection = self._connect()
            stream = self.open("GET", f"{CONNECTIONS}?watch=true&timeoutSeconds={int(limit) + 1}", None, connection)
            try:
                connection.sock and connection.sock.settimeout(5)
                while line := stream.readline():
                    status = json.loads(line)["object"].get("status", {})
                    if status.get("connectionState") == "Synchronized":
                        return time.time()
            except (socket.timeout, http.client.HTTPException, OSError):
                pass
            finally:
                connection.close()
            if not agent.running():
                raise Wrong("the agent ended: " + agent.output()[-2000:])
        raise Wrong(f"not Synchronized within {limit:.0f} s: " + agent.output()[-2000:])


class RealCluster:
    """A kube-apiserver of its own, with the rights of the project's chart, and today's."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="runtime-agent-bench-cluster-")
        self.environment = dict(os.environ, CLUSTER_DIR=self.folder.name)
        self._script("up")
        self.admin = ApiServer(Path(self.folder.name) / "kubeconfig")
        rights = (ROOT / "deploy/rbac/rbac.yaml").read_text()
        todays = (ROOT / "deploy/rbac/legacy-rights.yaml").read_text()
        self._kubectl("apply", "-f", "-", text=rights)
        self._kubectl("apply", "-f", "-", text=todays.replace("runtime-agent", "todays-agent"))
        self.own_kubeconfig = self._account("runtime-agent")
        self.todays_kubeconfig = self._account("todays-agent")

    def _run(self, command, text=None):
        done = subprocess.run(command, input=text, capture_output=True, text=True, env=self.environment, check=False)
        if done.returncode != 0:
            raise Wrong(f"{command[0]} {command[1]}: {done.stderr[-2000:]}")

    def _script(self, *arguments):
        self._run([str(ROOT / "tests/cluster/cluster.sh"), *arguments])

    def _kubectl(self, *arguments, text=None):
        kubectl = str(ROOT / "build/cluster/kubectl")
        self._run([kubectl, "--kubeconfig", str(self.admin.kubeconfig), *arguments], text)

    def _account(self, name):
        file = f"{self.folder.name}/{name}.kubeconfig"
        self._script("kubeconfig", "compass-system", name, file, "8h")
        return file

    def close(self):
        self._script("down")
        self.folder.cleanup()


class SandboxCluster:
    """The sandbox's API server in the place of a real one: where there is no Go to build that with."""

    def __init__(self):
        self.compass = Sandbox()
        self.folder = self.compass.folder
        self.admin = ApiServer(self.compass.kubeconfig)
        self.admin.requests = self._requests
        self.own_kubeconfig = self.todays_kubeconfig = self.compass.kubeconfig

    def _requests(self):
        counts = {}
        for one in self.compass.call("GET", "/requests")["kubernetes"]:
            if one["verb"] != "watch" and one["userAgent"].startswith("runtime-agent"):
                verb = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}.get(one["verb"], one["verb"])
                counts[one["resource"], verb] = counts.get((one["resource"], verb), 0) + 1
        return counts

    def close(self):
        pass  # with its Compass


class Sandbox:
    """Compass, and an API server in memory where `kubeconfig` names no other one."""

    def __init__(self, kubeconfig=None):
        self.folder = tempfile.TemporaryDirectory(prefix="runtime-agent-bench-")
        command = [str(BINARIES / "runtime-agent-sandbox"), "--dir", self.folder.name, "--no-configuration",
                   "--configuration-secret", CONFIGURATION]
        if kubeconfig:
            command += ["--kubeconfig", str(kubeconfig)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port = None
        for line in self.process.stdout:
            found = re.search(r"Control port: curl http://127.0.0.1:(\d+)/", line)
            port = int(found.group(1)) if found else port
            if line.startswith("# Ready"):
                break
        if not port:
            raise Wrong("the sandbox did not start")
        self.port = port
        lines = (Path(self.folder.name) / "agent.env").read_text().splitlines()
        self.environment = dict(line.split("=", 1) for line in lines)
        self.kubeconfig = self.environment["KUBECONFIG"]

    def call(self, method, path, body=None):
        control = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        control.request(method, path, None if body is None else json.dumps(body))
        answer = control.getresponse()
        text = answer.read().decode()
        control.close()
        if answer.status >= 300:
            raise Wrong(f"sandbox: {method} {path}: {answer.status} {text[:300]}")
        return json.loads(text)

    def generate(self, applications):
        self.call("POST", f"/dataset?applications={applications}")

    def configure(self):
        self.call("POST", "/configuration", {})

    def director_queries(self):
        """How many cycles have begun since the log was cleared."""
        return sum(r["field"] == "runtime" for r in self.call("GET", "/requests")["compass"])

    def clear_requests(self):
        self.call("GET", "/requests?clear")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:  # what it holds for 10,000 Applications takes a while to free
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


class Agent:
    """The agent as a process. `peak_anonymous` (bytes) is looked for where `sampled`, which takes its share of the two
    cores; the other peak is the kernel's."""

    def __init__(self, sandbox, kubeconfig, sampled=False, **variables):
        self.folder = tempfile.TemporaryDirectory(prefix="runtime-agent-bench-")
        self.diagnostics_port = free_port()
        environment = dict(
            sandbox.environment,
            **NAMES,
            KUBECONFIG=str(kubeconfig),
            APP_HEALTH_PORT=str(free_port()),
            APP_DIAGNOSTICS_PORT=str(self.diagnostics_port),
            APP_TRACE_FILE=f"{self.folder.name}/trace",
            APP_LEADER_ELECTION="off",
            APP_LOG_LEVEL="debug",
            LD_BIND_NOW="1",  # as the image has it
        )
        environment.update(variables)
        self._log = open(f"{self.folder.name}/log", "wb")
        self.begun = time.time()
        self.process = subprocess.Popen(
            [str(BINARIES / "runtime-agent")], env=environment, stdout=self._log, stderr=self._log
        )
        self.peak_anonymous = 0
        self._sampling = threading.Thread(target=self._sample, daemon=True) if sampled else None
        if sampled:
            self._sampling.start()

    def _status(self, name):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
        return int(found.group(1)) * 1024 if found else 0

    def _sample(self):
        while self.running():
            try:
                self.peak_anonymous = max(self.peak_anonymous, self._status("RssAnon"))
            except OSError:
                return
            time.sleep(0.02)

    def running(self):
        return self.process.poll() is None

    def peak_resident(self):
        return self._status("VmHWM")

    def resident(self):
        return self._status("VmRSS"), self._status("RssAnon")

    def cpu(self):
        """Seconds of CPU that its present threads have used."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass  # a thread that has just ended
        return total / 1e9

    def output(self):
        return Path(self._log.name).read_text(errors="replace")

    def log(self):
        """The lines of its log: (seconds since the epoch, message, all fields)."""
        lines = []
        for text in self.output().splitlines():
            try:
                fields = json.loads(text)
            except ValueError:
                continue
            stamp = fields["time"].replace("Z", "+00:00")
            lines.append((_seconds(stamp), fields["msg"], fields))
        return lines

    def time_of(self, beginning):
        """When the first line whose message begins so was written; None where there is none."""
        return next((at for at, message, _ in self.log() if message.startswith(beginning)), None)

    def page(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.diagnostics_port, timeout=20)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def end(self):
        if self.running():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._sampling:
            self._sampling.join()
        self._log.close()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def _seconds(stamp):
    import datetime

    return datetime.datetime.fromisoformat(stamp).timestamp()
