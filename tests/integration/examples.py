#!/usr/bin/env python3
"""The example programs against a real fleet. Usage: examples.py TOOLS_FOLDER"""

import os
import subprocess
import sys
from pathlib import Path

from fleet import Fleet, main, wait_for, write_hello

tools = Path(sys.argv[1]).resolve()
programs = tools.parent / "examples"

hello = write_hello(Path(f"/tmp/dd-hello-{os.getpid()}.json"))
fleet = Fleet(tools, "--control-plane", str(programs / "custom_control_plane"), "--cp-env", "ADA_VMS=vm-1")


def custom_control_plane_admits():
    agents = fleet.ctl_json("agents")
    assert [(a["vm_name"], a["status"]) for a in agents] == [("vm-1", "healthy")], agents


def custom_control_plane_refuses():
    """A second VM of the same build, with an owner's PAT, and a name that Ada did not say."""
    fleet.boot("vm-9", "vm-1", "DD_VM_NAME=vm-9", "DD_PAT=" + fleet.credential, "DD_JOIN_TICKET=")
    wait_for("the refusal", lambda: "admission_refused" in fleet.said("vm-9"))
    assert "Ada did not name it" in fleet.said("vm-9"), fleet.said("vm-9")
    assert [a["vm_name"] for a in fleet.ctl_json("agents")] == ["vm-1"]
    live = [t for t in fleet.edge_state()["tunnels"] if t["deleted_at"] is None]
    assert len(live) == 2, live  # the control plane's and vm-1's


def deploy_client_deploys():
    environment = {**fleet.environment, "DD_CP_URL": fleet.about["cp_url"], "DD_EDGE_URL": fleet.about["edge_url"], "DD_PAT": fleet.credential}
    done = subprocess.run([programs / "deploy_client", str(hello)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    url = done.stdout.strip().splitlines()[-1]
    assert fleet.get(url)[0] == 200, done.stdout


def client_says_what_is_wrong():
    environment = {**fleet.environment, "DD_CP_URL": fleet.about["cp_url"], "DD_EDGE_URL": fleet.about["edge_url"], "DD_PAT": "ghp_nobody"}
    done = subprocess.run([programs / "deploy_client", str(hello)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "cannot" in done.stderr, done
    assert "ghp_nobody" not in done.stderr


try:
    main([
        ("a control plane of one's own admits", custom_control_plane_admits),
        ("its admission hook refuses by its own rule", custom_control_plane_refuses),
        ("deploy_client deploys and prints the URL", deploy_client_deploys),
        ("deploy_client says what is wrong", client_says_what_is_wrong),
    ])
finally:
    fleet.stop()
    hello.unlink()
