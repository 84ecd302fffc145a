#!/usr/bin/env python3
"""A build without the simulator beside a fleet under simulated TDX: nothing in it makes simulated evidence, and nothing in it believes any.
Usage: production.py TOOLS_FOLDER TOOLS_WITH_THE_SIMULATOR"""

import json
import os
import subprocess
import sys
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for

production, simulated = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
fleet = Fleet(simulated)
port = free_port()


def run(tool, environment):
    """Of a start that fails: exit status and what was said."""
    done = subprocess.run([production / tool], env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def cp_environment(**changes):
    state = fleet.folder / "production"
    return {**fleet.cp_environment(), "DD_STATE_DIR": str(state), "DD_CP_TUNNEL": "false", "DD_PORT": str(port),
            "DD_CP_ORIGIN": f"http://127.0.0.1:{port}", "DD_POLICY": "tofu", **changes}


def a_control_plane_refuses_the_option():
    status, said = run("dd-cp", cp_environment(DD_ACCEPT_SIMULATED="true"))
    assert status != 0 and "-Dsimulation=true" in said, (status, said)


def a_runtime_makes_no_quotes():
    config = json.loads((fleet.home / "vm-1/config.json").read_text())
    folder = fleet.folder / "vm-p"
    folder.mkdir()
    config.update(socket_path=str(folder / "run/agent.sock"), data_dir=str(folder / "data"))
    (folder / "config.json").touch(0o600)
    (folder / "config.json").write_text(json.dumps(config))
    environment = dict(v.split("=", 1) for v in Path(f"/proc/{fleet.runtime_of('vm-1')}/environ").read_text().split("\0") if v)
    environment |= {"DD_ENCLAVE_CONFIG": str(folder / "config.json"), "DD_UID_BASE": str(int(environment["DD_UID_BASE"]) + 9000)}
    status, said = run("dd-enclave", environment)
    assert status != 0 and "DD_SIMULATOR_FILE" in said, (status, said)


def a_fleet_takes_no_simulated_evidence():
    """The very VM that registers with the fleet next door; its control plane accepts the first that comes, so that only the token can be at fault."""
    log = fleet.folder / "dd-cp.log"
    with open(log, "w") as output:
        process = subprocess.Popen([production / "dd-cp"], env={"PATH": os.environ["PATH"], **cp_environment(DD_ACCEPT_SIMULATED="false")},
                                   stdout=output, stderr=output)
    try:
        wait_for(f"dd-cp listens\n{log.read_text()}", lambda: "control plane listening" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        fleet.boot("vm-2", "vm-1", "DD_VM_NAME=vm-2", f"DD_CP_URL=http://127.0.0.1:{port}", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
        wait_for("the refusal", lambda: "not registered" in fleet.said("vm-2"))
        refusal = next(line for line in fleet.said("vm-2").splitlines() if "not registered" in line)
        assert "reason=token_invalid" in refusal and "attester_type" in refusal, refusal
        fleet.boot("vm-3", "vm-1", "DD_VM_NAME=vm-3", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
        wait_for("its twin registers next door", lambda: " registered " in fleet.said("vm-3"))
    finally:
        process.terminate()
        assert process.wait(30) == 0, log.read_text()


try:
    main([
        ("a control plane without the simulator refuses to accept simulated evidence", a_control_plane_refuses_the_option),
        ("a runtime without the simulator makes no simulated quotes", a_runtime_makes_no_quotes),
        ("a fleet without the simulator takes no simulated evidence", a_fleet_takes_no_simulated_evidence),
    ])
finally:
    fleet.stop()
