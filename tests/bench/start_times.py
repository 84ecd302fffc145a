#!/usr/bin/env python3
"""From exec until the socket accepts, for each daemon. It reports and asserts no times. Usage: start_times.py TOOLS_FOLDER

dd-cp and dd-agent run with the environment that they have in a running fleet; the capability that dd-enclave would give dd-agent is a socket
that nobody answers, because dd-agent serves before it asks for its keys."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import print_table, report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))
from fleet import Fleet, free_port  # noqa: E402

ROUNDS = 15
PATIENCE = 10
tools = Path(sys.argv[1]).resolve()


def accepts(family, address):
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0


def environment_of(pid):
    text = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def start(tool, environment, family, address, fds=()):
    """Milliseconds from exec until `address` accepts."""
    with tempfile.TemporaryFile("w+") as log:
        begin = time.monotonic()
        process = subprocess.Popen([tools / tool], env=environment, stdout=log, stderr=log, pass_fds=fds)
        try:
            while not accepts(family, address):
                if process.poll() is not None or time.monotonic() > begin + PATIENCE:
                    log.seek(0)
                    raise RuntimeError(f"{tool} does not serve: {log.read()}")
                time.sleep(0.0002)
            return (time.monotonic() - begin) * 1000
        finally:
            process.terminate()
            process.wait()


def enclave_times(folder):
    (folder / "config.json").write_text('{"boot_workloads":[]}')
    (folder / "data").mkdir()
    address = str(folder / "ee.sock")
    environment = {"PATH": os.environ["PATH"], "DD_ENCLAVE_CONFIG": str(folder / "config.json"), "EE_SOCKET_PATH": address,
                   "EE_DATA_DIR": str(folder / "data")}
    return [start("dd-enclave", environment, socket.AF_UNIX, address) for _ in range(ROUNDS)]


def control_plane_times(folder, environment, keep_state):
    times = []
    for _ in range(ROUNDS):
        port = free_port()
        times.append(start("dd-cp", environment | {"DD_PORT": str(port), "DD_STATE_DIR": str(folder / "cp"), "DD_CP_TUNNEL": "false"}, socket.AF_INET,
                           ("127.0.0.1", port)))
        if not keep_state:
            shutil.rmtree(folder / "cp")
    return times


def agent_times(folder, environment):
    times = []
    for _ in range(ROUNDS):
        port = free_port()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            settings = {"DD_PORT": str(port), "DD_STATE_DIR": str(folder / "agent"), "DD_CAP_FD": str(theirs.fileno()), "DD_STOP_GRACE": "100ms"}
            times.append(start("dd-agent", environment | settings, socket.AF_INET, ("127.0.0.1", port), (theirs.fileno(),)))
    return times


def environment_in(fleet, tool):
    environment = environment_of(fleet.tool_pid(tool))
    environment.pop("DD_CAP_FD", None)
    return environment


def main():
    with Fleet(tools) as fleet, tempfile.TemporaryDirectory(prefix="dd-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # workloads have uids of their own
        times = {"dd-enclave": enclave_times(folder)}
        times["dd-cp, new registry"] = control_plane_times(folder, environment_in(fleet, "dd-cp"), keep_state=False)
        times["dd-cp, its registry exists"] = control_plane_times(folder, environment_in(fleet, "dd-cp"), keep_state=True)
        times["dd-agent"] = agent_times(folder, environment_in(fleet, "dd-agent"))
    for what, milliseconds in times.items():
        report(f"exec to serving, {what}, median of {ROUNDS}", f"{statistics.median(milliseconds):.1f} ms")
    print_table()


if __name__ == "__main__":
    main()
