#!/usr/bin/env python3
"""A workload that wants the requests of somebody else's hostname: by the platform's ports, while agent and control plane are started again, and by
the port of another workload, in the other family or once that lets go of it. DD_TEST_LONG=1 starts them 20 times.
Usage: hostname_theft.py TOOLS_FOLDER"""

import json
import os
import re
import signal
import sys
import time
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
restarts = 20 if os.environ.get("DD_TEST_LONG") else 4
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=200ms")

# Tries to listen on each of these ports at each address, again and again, until "/close" is asked of it; answers with its name and says what it was
# asked. NAME and [[ADDRESS, PORT]…] are its arguments.
LISTENER = """
import json, select, socket, sys, time
name, wanted = sys.argv[1], [tuple(one) for one in json.loads(sys.argv[2])]
held, tried = {}, 0
def attempt(address, port):
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((address, port))
        listener.listen()
    except OSError:
        return listener.close()
    held[listener] = (address, port)
    print("has", address, port, flush=True)
while True:
    for one in wanted:
        if one not in held.values():
            attempt(*one)
    tried += 1
    if tried in (10, 1000):
        print("tried", tried, flush=True)
    for listener in select.select(list(held), [], [], 0.001)[0]:
        caller, _ = listener.accept()
        asked = caller.recv(65536).decode(errors="replace")
        print("asked", asked.split("\\r\\n")[0], flush=True)
        text = f"I am {name}"
        caller.sendall(f"HTTP/1.1 200 OK\\r\\nContent-Length: {len(text)}\\r\\nConnection: close\\r\\n\\r\\n{text}".encode())
        caller.close()
        if asked.startswith("GET /close "):
            for each in held:
                each.close()
            held, wanted = {}, []
"""


def listen(name, *wanted, expose=None):
    """The URL under which the port is public, where there is one."""
    spec = {"app_name": name, "cmd": ["env", "python3", "-u", "-c", LISTENER, name, json.dumps(wanted)]}
    if expose:
        spec["expose"] = {"hostname_label": name, "port": expose}
    answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))
    return answer["urls"][0] if expose else None


def said(app):
    return fleet.as_owner("GET", fleet.agent_url() + f"/logs/{app}?tail=10000")[1].get("lines", [])


def started(line, app):
    wait_for(f"{app} says {line}", lambda: any(one.startswith(line) for one in said(app)))


def deployments():
    return fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"]


def answers(url):
    status, text = fleet.get(url)
    return text.strip() if status == 200 else status


def platform_ports_are_never_free():
    ports = {"agent": ("dd-agent", fleet.port_of("vm-1", "agent")), "cp": ("dd-cp", fleet.port_of("cp", "control plane"))}
    own = free_port()
    families = ("127.0.0.1", "::1", "0.0.0.0", "::")
    listen("squatter", *[(address, port) for _, port in ports.values() for address in families], ("127.0.0.1", own), ("::1", own))
    for address in ("127.0.0.1", "::1"):
        started(f"has {address} {own}", "squatter")
    started("tried 10", "squatter")
    for turn in range(restarts):
        for tool, _ in ports.values():
            pid = fleet.tool_pid(tool)
            os.kill(pid, signal.SIGKILL)
            wait_for(f"{tool} is there again", lambda: fleet.tool_pids(tool) not in ([], [pid]))
        for url in (fleet.about["cp_url"], fleet.agent_url()):
            wait_for(f"{url} answers, after {turn + 1} restarts", lambda: fleet.request("GET", url + "/health", headers={"Authorization": f"Bearer {fleet.credential}"})[0] == 200)
    started("tried 1000", "squatter")
    lines = said("squatter")
    assert not [line for line in lines if line.startswith("asked")], lines
    assert not [line for line in lines if line.startswith("has") and not line.endswith(str(own))], lines
    fleet.ctl("mop", "squatter")


def the_other_family_gets_nothing():
    port = free_port()
    url = listen("victim", ("127.0.0.1", port), expose=port)
    listen("neighbour", ("::1", port))
    started("has ::1", "neighbour")
    assert [answers(url) for _ in range(20)] == ["I am victim"] * 20
    assert not [line for line in said("neighbour") if line.startswith("asked")], said("neighbour")
    fleet.ctl("mop", "neighbour")
    fleet.ctl("mop", "victim")


def a_port_that_changes_hands_loses_its_name(address):
    port = free_port()
    url = listen("victim", ("127.0.0.1", port), expose=port)
    listen("thief", (address, port))
    started("tried 10", "thief")
    assert answers(url) == "I am victim"
    assert answers(url + "close") == "I am victim"
    started(f"has {address}", "thief")
    taken = time.monotonic()
    wait_for("nobody is at the name any more", lambda: answers(url) == 404)
    print(f"gone {1000 * (time.monotonic() - taken):.0f} ms after the port was the thief's")
    wait_for("the agent says so", lambda: f"its port is somebody else's app=victim port={port}" in fleet.said("vm-1"))
    wait_for("it runs and has no URL", lambda: [d["urls"] for d in deployments() if d["app_name"] == "victim" and d["status"] == "running"] == [[]])
    for name in ("thief", "victim"):
        fleet.ctl("mop", name)


if __name__ == "__main__":
    try:
        main([
            ("the ports of agent and control plane are never free, however often these are started again", platform_ports_are_never_free),
            ("who listens on a public workload's port in the other family gets none of its requests", the_other_family_gets_nothing),
            ("a workload whose port is taken by another loses its host name", lambda: a_port_that_changes_hands_loses_its_name("127.0.0.1")),
            ("so it does when the other one has it in both families", lambda: a_port_that_changes_hands_loses_its_name("::")),
        ])
    finally:
        fleet.stop()
