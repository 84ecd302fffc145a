"""A local fleet for integration tests: the real executables under `ddctl up`, reached as a user reaches them."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 60
NO_SECRETS = "no log of the fleet holds a credential that it was given or shown"


def wait_for(what, check, patience=PATIENCE):
    """Calls `check` until it returns something true; names `what` when it never does."""
    deadline = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"never saw: {what}")
        time.sleep(0.02)


SHOWN_LINES = 40
SHORTEST_SECRET = 12


class Fleet:
    """`ddctl up --json` in a temporary folder. Use as a context manager. Each of `relays` learns of the fleet before it starts."""

    alive = []
    leaks = []  # secrets that those which were stopped have logged
    searched = False

    def __init__(self, tools, *flags, relays=()):
        self.tools = Path(tools)
        self.scratch = tempfile.TemporaryDirectory(prefix="dd-it-", dir="/tmp")
        self.folder = Path(self.scratch.name)
        self.folder.chmod(0o711)
        self.home = self.folder / "fleet"
        self.booted = {}
        self.shown = set()  # credentials in requests of this test
        self.slots = {}  # which VM that was booted has which range of uids
        Fleet.alive.append(self)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "DD_CONTEXT": str(self.folder / "fleet.json")}
        for relay in relays:
            relay.fleet = self
        command = [self.tools / "ddctl", "up", "--json", "--port", "0", "--home", self.home, *flags]
        self.log = open(self.folder / "up.log", "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=self.environment, text=True)
        try:
            self.about = self._read_answer()
        except Exception:
            self.stop()
            raise

    def _read_answer(self):
        text = ""
        for line in self.process.stdout:
            text += line
            if line == "}\n":
                return json.loads(text)
        self.log.seek(0)
        raise AssertionError("ddctl up ended: " + self.log.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def boot(self, name, like, *settings, change=None, runtime=None):
        """A further VM: a dd-enclave configured like VM `like` of `ddctl up`, but for these settings of its agent or control plane, for what
        `change` does to the list of boot workloads, and for the variables of `runtime`."""
        folder = self.home / name
        folder.mkdir(mode=0o711)
        config = json.loads((self.home / like / "config.json").read_text())
        config.update(socket_path=str(folder / "run/agent.sock"), data_dir=str(folder / "data"))
        service = next(w for w in config["boot_workloads"] if w.get("role") in ("cp", "agent"))
        settings = [f"EE_SOCKET_PATH={config['socket_path']}", *settings] if service["role"] == "agent" else settings
        names = [s.split("=", 1)[0] for s in settings]
        service["env"] = [s for s in service["env"] if s.split("=", 1)[0] not in names] + list(settings)
        if change:
            change(config["boot_workloads"])
        (folder / "config.json").touch(0o600)
        (folder / "config.json").write_text(json.dumps(config))
        environment = environment_of(self.runtime_of("cp"))
        environment.update(runtime or {}, DD_ENCLAVE_CONFIG=str(folder / "config.json"))
        slot = next(i for i in range(len(self.slots) + 1) if i not in self.slots.values())
        self.slots[name] = slot
        environment["DD_UID_BASE"] = str(int(environment["DD_UID_BASE"]) + 5000 + 1000 * slot)
        with open(folder / "enclave.log", "w") as log:
            self.booted[name] = subprocess.Popen([self.tools / "dd-enclave"], env=environment, stdout=log, stderr=log)
        return self.booted[name]

    def end(self, name):
        """Stops a VM that was booted; what it said. Its folder goes."""
        process = self.booted.pop(name)
        process.send_signal(signal.SIGTERM)
        status, said = process.wait(60), self.said(name)
        assert status == 0, f"{name}: exit {status}\n{said[-8000:]}"
        del self.slots[name]
        shutil.rmtree(self.home / name)
        return said

    def runtime_of(self, vm):
        """The pid of a VM's dd-enclave."""
        if vm in self.booted:
            return self.booted[vm].pid
        return next(pid for pid in self.processes("dd-enclave") if f"/{vm}/config.json" in environment_of(pid).get("DD_ENCLAVE_CONFIG", ""))

    def said(self, vm):
        """What a VM's runtime, agent and control plane have logged."""
        return (self.home / vm / "enclave.log").read_text()

    def port_of(self, vm, service):
        """Where "agent" or "control plane" of a VM listens on loopback."""
        return int(re.search(f"{service} listening address=127.0.0.1 port=(\\d+)", self.said(vm))[1])

    def tails(self):
        """The last lines of every log, for whoever waited in vain."""
        for path in sorted(self.logs()):
            lines = path.read_text(errors="replace").splitlines()
            yield f"--- {path.relative_to(self.folder)}, the last of {len(lines)} lines\n" + "\n".join(line[:400] for line in lines[-SHOWN_LINES:])

    def stop(self):
        if self in Fleet.alive:
            Fleet.alive.remove(self)
            Fleet.leaks += self.printed_secrets()
        for process in self.booted.values():
            process.send_signal(signal.SIGTERM)
        for process in self.booted.values():
            process.wait(40)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        self.scratch.cleanup()
        return self.process.returncode

    def secrets(self):
        """Every credential of this fleet and those that a test has shown it, by where it is from."""
        found = {f"shown by this test ({i})": shown for i, shown in enumerate(self.shown)}
        for config in self.home.glob("*/config.json"):
            text = json.loads(config.read_text())
            for workload in text["boot_workloads"]:
                found |= {f"{config.parent.name}'s {name}": value for name, value in (s.split("=", 1) for s in workload.get("env", []))
                          if re.search("(TOKEN|KEY|SECRET|PAT|TICKET)$", name) and len(value) >= SHORTEST_SECRET}
        # An agent that is dropped takes its token's file away.
        for file in (*self.home.glob("*.pat"), *self.home.glob("**/connector/*token*")):
            found[str(file.relative_to(self.home))] = text_of(file).strip()
        if (self.folder / "fleet.json").exists():
            found["the owner's PAT"] = self.credential
        # Each runtime makes one of its own and hands it to its agent.
        for root in (self.process.pid, *(vm.pid for vm in self.booted.values())):
            found |= {f"the socket's token, which {pid} has": token for pid in descendants(root) if (token := environment_of(pid).get("EE_TOKEN"))}
        return found

    def logs(self):
        self.log.flush()
        return [path for path in (self.folder / "up.log", *self.home.glob("*/enclave.log")) if path.exists()]

    def printed_secrets(self):
        """Which secrets stand in which log."""
        Fleet.searched = True
        texts = {path: text_of(path) for path in self.logs()}
        return [f"{what} is in {path.relative_to(self.folder)}" for what, secret in self.secrets().items() for path, text in texts.items()
                if len(secret) >= SHORTEST_SECRET and secret in text]

    @property
    def stranger(self):
        """A good PAT of somebody who is not the owner."""
        return (self.home / "stranger.pat").read_text().strip()

    @property
    def hello(self):
        """A file to deploy."""
        return str(write_hello(self.folder / "hello.json"))

    def ctl(self, *arguments, code=0, text=None):
        """Runs ddctl; returns its standard output."""
        done = subprocess.run([self.tools / "ddctl", *arguments], env=self.environment, capture_output=True, text=True, input=text, timeout=90)
        assert done.returncode == code, f"ddctl {arguments}: exit {done.returncode}, want {code}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def ctl_json(self, *arguments):
        return json.loads(self.ctl(*arguments, "-o", "json"))

    @property
    def credential(self):
        return json.loads((self.folder / "fleet.json").read_text())["credential"]

    def request(self, method, url, body=None, headers=None):
        """Through the edge, with the Host header of the URL. Returns status and body."""
        for name, value in (headers or {}).items():
            secret = value.split(" ", 1)[-1].split(";", 1)[0].split("=", 1)[-1]
            if name in ("Authorization", "Cookie", "DD-Challenge") and len(secret) >= SHORTEST_SECRET:
                self.shown.add(secret)
        edge = urlsplit(self.about["edge_url"])
        target = urlsplit(url)
        connection = http.client.HTTPConnection(edge.hostname, edge.port, timeout=30)
        try:
            path = (target.path or "/") + ("?" + target.query if target.query else "")
            connection.request(method, path, body=body, headers={"Host": target.netloc, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def get(self, url, headers=None):
        return self.request("GET", url, headers=headers)

    def as_owner(self, method, url, body=None):
        status, text = self.request(method, url, body, {"Authorization": f"Bearer {self.credential}", "Content-Type": "application/json"})
        return status, json.loads(text)

    def agent_url(self, index=0):
        return self.about["cp_url"].replace("app.dd.localhost", self.about["agents"][index]["hostname"])

    def edge_state(self):
        """What the local edge holds: tunnels and DNS records."""
        return self.cloudflare("GET", "/__edge/state")

    def cloudflare(self, method, path, body=None):
        environment = self.cp_environment()
        base = urlsplit(environment["DD_CF_API_URL"])
        connection = http.client.HTTPConnection(base.hostname, base.port, timeout=30)
        connection.request(method, path, body=json.dumps(body) if body is not None else None,
                           headers={"Authorization": "Bearer " + environment["DD_CF_API_TOKEN"], "Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def edge_names(self):
        """Of what the local edge holds: the names of its tunnels, and its host names."""
        state = self.edge_state()
        return sorted(t["name"] for t in state["tunnels"] if t["deleted_at"] is None), sorted(r["name"] for r in state["records"])

    def delete_tunnel(self, name):
        """By hand, as somebody might at Cloudflare's dashboard: connections, then the tunnel. Its id."""
        tunnel = next(t for t in self.edge_state()["tunnels"] if t["name"] == name and t["deleted_at"] is None)
        base = f"/client/v4/accounts/{self.cp_environment()['DD_CF_ACCOUNT_ID']}/cfd_tunnel/{tunnel['id']}"
        assert self.cloudflare("DELETE", base + "/connections")["success"]
        assert self.cloudflare("DELETE", base)["success"]
        return tunnel["id"]

    def cp_environment(self):
        return self.environment_of("cp", "cp")

    def environment_of(self, vm, role):
        """What the boot workload of that role was given; of a VM that has been booted."""
        workloads = json.loads((self.home / vm / "config.json").read_text())["boot_workloads"]
        return dict(setting.split("=", 1) for w in workloads if w.get("role") == role for setting in w["env"])

    def processes(self, needle):
        """Pids below this fleet's own processes whose command line contains `needle`."""
        return [pid for pid in descendants(self.process.pid) if needle in command_line(pid)]

    def tool_pids(self, tool):
        """A workload may run from a digest-named copy, so what counts is its first argument."""
        return [pid for pid in self.processes(tool) if Path(command_line(pid).split(" ")[0]).name == tool]

    def tool_pid(self, tool):
        """Of the first process of a tool."""
        return self.tool_pids(tool)[0]

    def agent(self, vm="vm-1"):
        """The newest entry of a VM in `ddctl agents`."""
        rows = [a for a in self.ctl_json("agents") if a["vm_name"] == vm]
        return max(rows, key=lambda a: a["registered_at"]) if rows else None


def stand_still(pid, meanwhile):
    """A process stands still, as its VM would, while `meanwhile` is called."""
    os.kill(pid, signal.SIGSTOP)
    try:
        meanwhile()
    finally:
        os.kill(pid, signal.SIGCONT)


def deploy_hello(fleet):
    """Its URL."""
    port = free_port()
    spec = {"app_name": "web", "cmd": ["hello", str(port)], "expose": {"hostname_label": "web", "port": port}}
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))["urls"][0]


def write_hello(path):
    """The example's file with a port of its own: fleets that run side by side share loopback."""
    spec = json.loads((Path(__file__).resolve().parent.parent.parent / "examples/workloads/hello/workload.json").read_text())
    spec["expose"]["port"] = free_port()
    spec["cmd"][1] = str(spec["expose"]["port"])
    path.write_text(json.dumps(spec))
    return path


def free_port():
    """Not one that the kernel gives to connections: it must still be free when a server is deployed, and between two that take turns."""
    for port in random.sample(range(10000, 20000), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no port from 10000 to 19999 is free")


def environment_of(pid):
    try:
        return dict(v.split("=", 1) for v in Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0") if "=" in v)
    except OSError:
        return {}


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def text_of(path):
    """Nothing when it has just gone."""
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""


def parent_of(pid):
    """None when it has just ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def descendants(root):
    """All processes below `root`, found by their parents."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(parent_of(entry.name), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def main(cases, counts=False):
    """Runs (name, function) pairs in order; prints one line each, and with `counts` a last one. `skip` a case by raising Skip."""
    failed = skipped = 0
    for name, case in cases:
        try:
            case()
            print(f"ok {name}", flush=True)
        except Skip as why:
            skipped += 1
            print(f"skip {name}: {why}", flush=True)
        except Exception:  # a case that fails must not keep the others from running
            failed += 1
            traceback.print_exc(file=sys.stdout)
            for fleet in Fleet.alive:
                print("\n".join(fleet.tails()))
            print(f"not ok {name}", flush=True)
    leaks = Fleet.leaks + [leak for fleet in Fleet.alive for leak in fleet.printed_secrets()]
    failed += bool(leaks)
    if Fleet.searched:
        print("; ".join(leaks) + f"\nnot ok {NO_SECRETS}" if leaks else f"ok {NO_SECRETS}", flush=True)
    if counts:
        print(f"{len(cases) - failed - skipped} passed, {failed} failed, {skipped} skipped", flush=True)
    sys.exit(1 if failed else 0)


class Skip(Exception):
    """This machine cannot run the case."""
