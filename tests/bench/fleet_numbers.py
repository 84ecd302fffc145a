#!/usr/bin/env python3
"""Numbers of a running fleet, as a table. It reports and asserts no times. Usage: fleet_numbers.py TOOLS_FOLDER"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from fleet import Fleet  # noqa: E402

tools = Path(sys.argv[1]).resolve()
rows = []


def report(what, number):
    rows.append((what, number))
    print(f"{what}: {number}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def environment_of(pid):
    text = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def running(fleet, tool):
    """Pids of a tool: a workload may run from a digest-named copy, so the name is that of its first argument."""
    return [pid for pid in fleet.processes(tool) if Path(os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])).name == tool]


def start_to_serving(tool, environment, family, address, patience=10):
    """Milliseconds from exec until its socket accepts; None when it never did."""
    with open(os.devnull, "wb") as nowhere:
        begin = time.monotonic()
        process = subprocess.Popen([tools / tool], env=environment, stdout=nowhere, stderr=nowhere)
        try:
            while time.monotonic() < begin + patience and process.poll() is None:
                if accepts(family, address):
                    return (time.monotonic() - begin) * 1000
                time.sleep(0.0005)
            return None
        finally:
            process.kill()
            process.wait()


def start_times(fleet):
    with tempfile.TemporaryDirectory(prefix="dd-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # workloads have uids of their own
        (folder / "data").mkdir()
        (folder / "config.json").write_text('{"boot_workloads":[]}')
        plain = {"PATH": os.environ["PATH"], "DD_ENCLAVE_CONFIG": str(folder / "config.json"), "EE_SOCKET_PATH": str(folder / "ee.sock"),
                 "EE_DATA_DIR": str(folder / "data")}
        times = {"dd-enclave": start_to_serving("dd-enclave", plain, socket.AF_UNIX, str(folder / "ee.sock"))}
        for tool, extra in (("dd-cp", {"DD_CP_TUNNEL": "false"}), ("dd-agent", {})):
            port = free_port()
            environment = environment_of(running(fleet, tool)[0])
            environment.pop("DD_CAP_FD", None)
            environment.update(DD_PORT=str(port), DD_STATE_DIR=str(folder / tool), **extra)
            times[tool] = start_to_serving(tool, environment, socket.AF_INET, ("127.0.0.1", port))
    for tool, milliseconds in times.items():
        report(f"{tool}, exec to serving", "did not serve alone" if milliseconds is None else f"{milliseconds:.0f} ms")


def memory(fleet):
    for tool in ("dd-enclave", "dd-cp", "dd-agent"):
        pid = running(fleet, tool)[0]
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        resident, anonymous = (int(re.search(rf"^{name}:\s+(\d+)", text, re.M)[1]) / 1024 for name in ("Rss", "Anonymous"))
        report(f"{tool}, resident / anonymous", f"{resident:.1f} / {anonymous:.1f} MiB")
        report(f"{tool} maps libcpprest", "yes" if "libcpprest" in Path(f"/proc/{pid}/maps").read_text() else "no")


def deploy_to_answer(fleet, count=20):
    times = []
    for index in range(count):
        port = free_port()
        spec = {"app_name": "bench", "cmd": ["hello", str(port)], "expose": {"hostname_label": f"bench{index}", "port": port}}
        begin = time.monotonic()
        status, answer = fleet.as_owner("POST", fleet.agent_url() + "/deploy", json.dumps(spec))
        while status == 200 and fleet.get(answer["urls"][0])[0] != 200:
            pass
        times.append((time.monotonic() - begin) * 1000)
        if status != 200:
            raise RuntimeError(f"cannot deploy: {status} {answer}")
    fleet.ctl("mop", "bench")
    report(f"POST /deploy to first public 200, median of {count}", f"{statistics.median(times):.0f} ms")


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
    url = f"http://127.0.0.1:{listening_port(running(fleet, 'dd-agent')[0])}/health"
    text = subprocess.run(["wrk", "-t1", "-c16", "-d5s", "--latency", url], capture_output=True, text=True, check=True).stdout
    report("GET /health of the agent, requests/s", re.search(r"Requests/sec:\s+(\S+)", text)[1])
    report("GET /health of the agent, p99", re.search(r"99%\s+(\S+)", text)[1])
    if bad := re.search(r"Non-2xx.*", text):
        report("GET /health of the agent, refused", bad[0])


def main():
    begin = time.monotonic()
    with Fleet(tools) as fleet:
        report("ddctl up until every agent is verified", f"{time.monotonic() - begin:.1f} s")
        for measure in (memory, deploy_to_answer, health_rate, start_times):
            measure(fleet)
    print()
    for what, number in rows:
        print(f"| {what:<54} | {number:>22} |")


if __name__ == "__main__":
    main()
