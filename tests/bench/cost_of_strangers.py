#!/usr/bin/env python3
"""What strangers cost: the control plane's health at its own port, an owner's deploy and its memory, with 200 of them at it and without. The
local edge has no more than this machine's processors for all of them, as Cloudflare would: what goes through it says more of the machine. It reports and asserts no times.
Usage: cost_of_strangers.py TOOLS_FOLDER"""

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from table import print_table, report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from fleet import Fleet, wait_for  # noqa: E402

STRANGERS = 200
SECONDS = 8
DEPLOYS = 5
tools = Path(sys.argv[1]).resolve()

# Each stranger has an address of its own, and asks the edge again and again. Arguments: KIND HOST PORT, how many.
CROWD = """
import asyncio, random, sys
kind, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
LARGE = 4 * 1024 * 1024

def head(method, path, *headers):
    return "\\r\\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()

async def stranger(number):
    address = f"127.{1 + number // 250}.{number % 250}.9"
    while True:
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            if kind == "register":
                writer.write(head("POST", "/register", "Authorization: Bearer ghp_" + str(random.random())[2:], f"Content-Length: {LARGE}"))
                for _ in range(LARGE // 65536):
                    writer.write(b"x" * 65536)
                    await writer.drain()
                await reader.read(4096)
            elif kind == "tokens":
                writer.write(head("GET", "/api/agents", "Authorization: Bearer ghp_" + str(random.random())[2:]))
                await reader.read(4096)
            else:
                writer.write(head("POST", "/auth/pat", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 60000") + b"pat=")
                await reader.read(4096)
                await asyncio.sleep(1)
        except OSError:
            await asyncio.sleep(0.1)
        finally:
            if writer:
                writer.close()

async def main():
    crowd = [asyncio.create_task(stranger(number)) for number in range(count)]
    print("begun", flush=True)
    await asyncio.gather(*crowd)
asyncio.run(main())
"""

# A workload that opens requests and never ends them, at a port of this machine. Arguments: PORT, how many.
HALF_OPEN = """
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
held = []
while True:
    if len(held) < int(sys.argv[2]):
        try:
            one = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
            one.sendall(b"GET /health HTTP/1.1\\r\\nHost: a\\r\\n")
            held.append(one)
            continue
        except OSError:
            pass
    time.sleep(0.5)
    alive = []
    for one in held:
        one.setblocking(False)
        try:
            one.recv(4096)  # the end, or a refusal
            one.close()
        except BlockingIOError:
            alive.append(one)
        except OSError:
            one.close()
    held = alive
    print("holds", len(held), flush=True)
"""


def resident(pid):
    return int(re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.M)[1]) / 1024


def deploy(fleet, name):
    """Seconds until it is public."""
    command = "exec python3 -m http.server --bind 127.0.0.1 $PORT"
    spec = {"app_name": name, "cmd": ["env", "sh", "-c", command], "expose": {"hostname_label": name}}
    begin = time.monotonic()
    status, answer = fleet.as_owner("POST", fleet.agent_url() + "/deploy?wait=60s", json.dumps(spec))
    if status != 200 or not answer["ready"]:
        return f"{status} {answer}"
    while fleet.get(answer["urls"][0])[0] != 200:
        pass
    took = time.monotonic() - begin
    fleet.ctl("mop", name, "--agent", fleet.about["agents"][0]["vm_name"])
    return took


def health_times(host, port, seconds):
    times, bad = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        begin = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/health", headers={"Host": host})
            bad += connection.getresponse().status != 200
        except OSError:
            bad += 1
        connection.close()
        times.append((time.monotonic() - begin) * 1000)
        time.sleep(0.005)
    return times, bad


def measure(fleet, what, host, port, pid):
    before = resident(pid)
    times, bad = health_times(host, port, SECONDS)
    most = resident(pid)
    edge, _ = health_times(host, urlsplit(fleet.about["edge_url"]).port, SECONDS)
    deploys = [deploy(fleet, f"owner{index}") for index in range(DEPLOYS)]
    failed = [one for one in deploys if isinstance(one, str)]
    good = [one for one in deploys if not isinstance(one, str)]
    for where, each in (("", times), (" through the local edge", edge)):
        p99 = statistics.quantiles(each, n=100)[98]
        report(f"{what}: GET /health{where}, p50 / p99", f"{statistics.median(each):.1f} / {p99:.1f} ms")
    report(f"{what}: /health refused", f"{bad} of {len(times)}")
    slowest = f"{statistics.median(good):.2f} / {max(good):.2f} s" if good else "none"
    report(f"{what}: an owner's deploy, median / slowest of {len(good)}", slowest)
    for one in failed:
        report(f"{what}: a deploy failed", one[:200])
    report(f"{what}: resident, grown by", f"{before:.1f}, {max(most, resident(pid)) - before:.1f} MiB")


def with_a_crowd(fleet, kind, what):
    host = urlsplit(fleet.about["cp_url"]).netloc
    edge = urlsplit(fleet.about["edge_url"])
    # They would not run on this machine.
    crowd = subprocess.Popen(["nice", "-n", "15", sys.executable, "-c", CROWD, kind, host, str(edge.port), str(STRANGERS)], stdout=subprocess.PIPE)
    try:
        crowd.stdout.readline()
        measure(fleet, what, host, fleet.port_of("cp", "control plane"), fleet.tool_pid("dd-cp"))
    finally:
        crowd.kill()
        crowd.wait()


def with_a_workload(fleet):
    """At the agent, whose health is looked at then."""
    port = fleet.port_of("vm-1", "agent")
    spec = {"app_name": "half-open", "cmd": ["env", "python3", "-u", "-c", HALF_OPEN, str(port), "2000"]}
    fleet.as_owner("POST", fleet.agent_url() + "/deploy", json.dumps(spec))
    wait_for("requests that are held open", lambda: "holds" in fleet.ctl("logs", "half-open", "--agent", "vm-1"), 60)
    host = urlsplit(fleet.agent_url()).netloc
    measure(fleet, "2,000 half-open requests of a workload, at the agent", host, port, fleet.tool_pid("dd-agent"))
    report("... of which the agent lets it hold", re.findall(r"holds (\d+)", fleet.ctl("logs", "half-open", "--agent", "vm-1"))[-1])
    polled = fleet.agent()
    report("... and the agent is", polled["status"])
    fleet.ctl("mop", "half-open", "--agent", "vm-1")


def main():
    with Fleet(tools) as fleet:
        host = urlsplit(fleet.about["cp_url"]).netloc
        deploy(fleet, "warm")
        measure(fleet, "nobody", host, fleet.port_of("cp", "control plane"), fleet.tool_pid("dd-cp"))
        with_a_crowd(fleet, "register", f"{STRANGERS} register with 4 MiB")
        with_a_crowd(fleet, "tokens", f"{STRANGERS} with random tokens")
        with_a_crowd(fleet, "stalled", f"{STRANGERS} stalled bodies")
        with_a_workload(fleet)
    print_table()


if __name__ == "__main__":
    main()
