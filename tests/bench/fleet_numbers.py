#!/usr/bin/env python3
"""Figures of a running fleet. It reports and asserts no times. Usage: fleet_numbers.py TOOLS_FOLDER"""

import json
import os
import re
import shutil
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


def main():
    begin = time.monotonic()
    with Fleet(tools, "--agents", str(AGENTS)) as fleet:
        report(f"ddctl up until {AGENTS} agents are verified", f"{time.monotonic() - begin:.1f} s")
        for measure in (memory, register_to_verified, deploy_to_answer, health_rate):
            measure(fleet)
    print_table()


if __name__ == "__main__":
    main()
