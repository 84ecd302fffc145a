#!/usr/bin/env python3
"""Figures of a running fleet. It reports and asserts no times. Usage: fleet_numbers.py TOOLS_FOLDER"""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from table import print_table, report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from fleet import Fleet, free_port  # noqa: E402

AGENTS = 5
DEPLOYMENTS = 8  # more would wait for the pace that dd-cp keeps towards Cloudflare
REDEPLOYS = 20
APPLY_LATE_MS = 1500  # as Cloudflare's connectors may
tools = Path(sys.argv[1]).resolve()


def memory(fleet):
    for tool in ("dd-enclave", "dd-cp", "dd-agent"):
        pid = fleet.tool_pid(tool)
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        resident, anonymous = (int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) / 1024 for name in ("Rss", "Anonymous"))
        report(f"{tool}, resident / anonymous", f"{resident:.1f} / {anonymous:.1f} MiB")
        report(f"{tool} maps libcpprest", "yes" if "libcpprest" in Path(f"/proc/{pid}/maps").read_text() else "no")


def register_to_verified(fleet):
    """Challenge, quote, register, policy, tunnel and DNS, without what the attestation service takes for the token."""
    times = []
    for vm in sorted(fleet.home.glob("vm-*")):
        took, minting = re.search(r"took_ms=(\d+) of_it_minting_ms=(\d+)", (vm / "enclave.log").read_text()).groups()
        times.append(int(took) - int(minting))
    report(f"register to verified, {AGENTS} agents at once, median", f"{statistics.median(times):.0f} ms")


def deploy_to_answer(fleet):
    times = []
    for index in range(DEPLOYMENTS):
        port = free_port()
        spec = {"app_name": f"bench{index}", "cmd": ["hello", str(port)], "expose": {"hostname_label": f"bench{index}", "port": port}}
        begin = time.monotonic()
        status, answer = fleet.as_owner("POST", fleet.agent_url() + "/deploy", json.dumps(spec))
        if status != 200:
            raise RuntimeError(f"cannot deploy: {status} {answer}")
        while fleet.get(answer["urls"][0])[0] != 200:
            pass
        times.append((time.monotonic() - begin) * 1000)
        fleet.ctl("mop", f"bench{index}", "--agent", fleet.about["agents"][0]["vm_name"])
    report(f"POST /deploy to first public 200, median of {DEPLOYMENTS}", f"{statistics.median(times):.0f} ms")


def listening_port(pid):
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(entry))
        except OSError:
            continue
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "0A" and f"socket:[{columns[9]}]" in inodes:
            return int(columns[1].split(":")[1], 16)
    raise RuntimeError(f"cannot find the port of process {pid}")


def health_rate(fleet):
    if shutil.which("wrk") is None:
        report("GET /health", "wrk is not installed")
        return
    url = f"http://127.0.0.1:{listening_port(fleet.tool_pid('dd-agent'))}/health"
    text = subprocess.run(["wrk", "-t1", "-c16", "-d5s", "--latency", url], capture_output=True, text=True, check=True).stdout
    report("GET /health of the agent, requests/s", re.search(r"Requests/sec:\s+(\S+)", text)[1])
    report("GET /health of the agent, p99", re.search(r"^\s+99%\s+(\S+)", text, re.M)[1])
    if bad := re.search(r"Non-2xx.*", text):
        report("GET /health of the agent, refused", bad[0])


# Answers after 50 ms, and dies of SIGTERM with whatever it is doing.
SLOW_SERVER = """
import http.server, os, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.05)
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    def handle_error(self, *_): pass
Server(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


def redeploys_under_load(fleet):
    """wrk through the edge, while the app is deployed again and again on a port that the agent chooses."""
    if shutil.which("wrk") is None:
        report("redeploys under load", "wrk is not installed")
        return
    spec = json.dumps({"app_name": "slow", "cmd": ["python3", "-c", SLOW_SERVER], "expose": {"hostname_label": "slow"}})
    deploy = lambda: fleet.as_owner("POST", fleet.agent_url() + "/deploy?wait=60s", spec)[1]
    url = deploy()["urls"][0]
    while fleet.get(url)[0] != 200:
        pass
    fleet.cloudflare("POST", "/__edge/lateness", {"apply_late_ms": APPLY_LATE_MS})
    edge, host = fleet.about["edge_url"], url.split("/")[2]
    load = subprocess.Popen(["wrk", "-t1", "-c8", "-d600s", "-H", f"Host: {host}", edge + "/"], stdout=subprocess.PIPE, text=True)
    begin = time.monotonic()
    ready = sum(deploy()["ready"] for _ in range(REDEPLOYS))
    took = time.monotonic() - begin
    time.sleep(3)  # what the last one replaced is stopped meanwhile
    load.send_signal(signal.SIGINT)
    text = load.communicate()[0]
    fleet.cloudflare("POST", "/__edge/lateness", {"apply_late_ms": 0})
    refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", text) or [0, 0])[1])
    broken = sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", text)))
    report(f"{REDEPLOYS} redeploys under load, connector {APPLY_LATE_MS} ms late: ready", f"{ready} in {took:.0f} s")
    requests = re.search(r"(\d+) requests in", text)[1]
    report("requests meanwhile / failed", f"{requests} / {refused + broken}")


def main():
    begin = time.monotonic()
    with Fleet(tools, "--agents", str(AGENTS)) as fleet:
        report(f"ddctl up until {AGENTS} agents are verified", f"{time.monotonic() - begin:.1f} s")
        for measure in (memory, register_to_verified, deploy_to_answer, redeploys_under_load, health_rate):
            measure(fleet)
    print_table()


if __name__ == "__main__":
    main()
