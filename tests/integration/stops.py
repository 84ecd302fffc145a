#!/usr/bin/env python3
"""Every executable ends well when it is told to in the middle of its work: exit 0, and nothing that an allocator or a sanitizer complains about.
DD_TEST_LONG=1 makes 200 rounds of each instead of a few. Usage: stops.py TOOLS_FOLDER"""

import http.client
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from fleet import Fleet, descendants, command_line, main, wait_for

tools = Path(sys.argv[1]).resolve()
rounds = 200 if os.environ.get("DD_TEST_LONG") else 3
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=100ms")

COMPLAINTS = re.compile(r"Sanitizer|runtime error:|corrupt|malloc|free\(\)|unaligned|terminate called|signal (?:4|6|7|8|11)\b|Assertion")


class Traffic:
    """Asks for paths of one port, side by side and without a pause, until it is left."""

    def __init__(self, port, host, paths, headers):
        self.port, self.headers, self.paths, self.over, self.answers = port, {"Host": host, **headers}, paths, False, 0
        self.threads = [threading.Thread(target=self._ask, args=(i,), daemon=True) for i in range(8)]

    def _ask(self, i):
        while not self.over:
            path = self.paths[i % len(self.paths)]
            i += 1
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                method, body = ("POST", b"{}") if path.startswith("/register") else ("GET", None)
                connection.request(method, path, body=body, headers=self.headers)
                connection.getresponse().read()
                self.answers += 1
            except OSError:
                pass  # it is being stopped
            except http.client.HTTPException:
                pass
            finally:
                connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join(20)


def check_log(what, text):
    complaint = COMPLAINTS.search(text)
    assert not complaint, f"{what} said:\n" + text[max(0, complaint.start() - 3000):][:12000]


def owner():
    return {"Authorization": f"Bearer {fleet.credential}"}


def edge_port():
    return int(fleet.about["edge_url"].rsplit(":", 1)[1])


def state_of_the_control_plane(target):
    """A copy of the registry, so that there are agents to poll."""
    source = next((fleet.home / "cp").rglob("registry.db"))
    target.mkdir(parents=True)
    for file in source.parent.glob("registry.db*"):
        shutil.copy(file, target / file.name)


def a_control_plane_that_is_stopped():
    for i in range(rounds):
        folder = fleet.folder / f"own-{i}"
        state_of_the_control_plane(folder)
        environment = {"PATH": os.environ["PATH"], **fleet.cp_environment(), "DD_STATE_DIR": str(folder), "DD_CP_TUNNEL": "false",
                       "DD_SCRAPE_INTERVAL": "20ms"}
        environment |= {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
        with open(folder / "log", "w+") as log:
            process = subprocess.Popen([tools / "dd-cp"], env=environment, stdout=log, stderr=log)
            said = (folder / "log").read_text
            wait_for("its port", lambda: "control plane listening" in said() or process.poll() is not None)
            listening = re.search(r"control plane listening .*port=(\d+)", said())
            assert listening, f"round {i}: exit {process.poll()}\n{said()[-8000:]}"
            port = int(listening[1])
            paths = ["/health", "/api/agents", "/register/challenge", "/", "/api/agents", "/agent/vm-1", "/cp/ita", "/register"]
            with Traffic(port, "app.dd.localhost", paths, owner()) as traffic:
                wait_for("answers", lambda: traffic.answers > random.randrange(1, 40), 20)
                process.send_signal(signal.SIGTERM)
                status = process.wait(60)
        check_log(f"round {i}", said())
        assert status == 0, f"round {i}: exit {status}\n{said()[-8000:]}"
        shutil.rmtree(folder)


def a_control_plane_that_is_replaced():
    holder = "cp"
    for i in range(rounds):
        name = f"cp-{i}"
        booted = fleet.boot(name, "cp")
        with Traffic(edge_port(), "app.dd.localhost", ["/health", "/api/agents", "/api/key", "/"], owner()):
            rows = wait_for(f"round {i}: {holder} leaves for {name}", lambda: ends_of_the_control_plane(holder), 120)
        check_log(f"round {i}, {holder}", fleet.said(holder))
        assert len(rows) == 1 and "exit 0" in rows[0] and not control_planes(holder), f"round {i}: {rows}\n{fleet.said(holder)[-8000:]}"
        if holder != "cp":
            check_log(holder, fleet.end(holder))
        assert booted.poll() is None
        holder = name


def ends_of_the_control_plane(name):
    return [line for line in fleet.said(name).splitlines() if "workload ended" in line and "app=dd-cp" in line]


def control_planes(name):
    return [pid for pid in descendants(fleet.runtime_of(name)) if "dd-cp" in command_line(pid)]


def a_vm_that_is_stopped():
    request = json.dumps({"app_name": "hello", "cmd": ["sh", "-c", "while :; do date; sleep 0.01; done"]})
    for i in range(rounds):
        name = f"vm-{i + 10}"
        fleet.boot(name, "vm-1", f"DD_VM_NAME={name}", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
        agent = wait_for(f"{name} is healthy", lambda: (lambda a: a and a["status"] == "healthy" and a)(fleet.agent(name)))
        url = fleet.about["cp_url"].replace("app.dd.localhost", agent["hostname"])
        wait_for("its tunnel", lambda: fleet.get(url + "/health")[0] == 200)
        status, answer = fleet.as_owner("POST", url + "/deploy", request)
        assert status == 200, answer
        with Traffic(edge_port(), agent["hostname"], ["/health", "/logs/hello", "/deployments", "/", "/quote"], owner()) as traffic:
            wait_for("answers", lambda: traffic.answers > random.randrange(1, 40), 20)
            check_log(name, fleet.end(name))


def a_fleet_that_is_stopped():
    for i in range(max(rounds // 10, 1)):
        with Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=50ms") as other:
            port = int(other.about["edge_url"].rsplit(":", 1)[1])
            credential = {"Authorization": f"Bearer {other.credential}"}
            with Traffic(port, "app.dd.localhost", ["/health", "/api/agents", "/"], credential) as traffic:
                wait_for("answers", lambda: traffic.answers > 20, 20)
                other.process.send_signal(signal.SIGINT)
                assert other.process.wait(90) == 0, f"round {i}: exit {other.process.returncode}"
            check_log(f"round {i}, ddctl up", (other.folder / "up.log").read_text())
            for log in other.home.glob("*/enclave.log"):
                check_log(f"round {i}, {log.parent.name}", log.read_text())


try:
    main([
        ("a control plane that is stopped under traffic ends well", a_control_plane_that_is_stopped),
        ("a control plane that is replaced under traffic ends well, and once", a_control_plane_that_is_replaced),
        ("a VM that is stopped under traffic ends well", a_vm_that_is_stopped),
        ("a local fleet that is stopped under traffic ends well", a_fleet_that_is_stopped),
    ])
finally:
    fleet.stop()
