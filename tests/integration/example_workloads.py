#!/usr/bin/env python3
"""The workloads below examples/ as they stand, but for ports: real programs of a Debian image at their public hostnames.
Usage: example_workloads.py TOOLS_FOLDER"""

import json
import os
import subprocess
import sys
from pathlib import Path

from fleet import Fleet, Skip, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
workloads = Path(__file__).resolve().parent.parent.parent / "examples/workloads"
fleet = Fleet(tools)


def example(name, **settings):
    """The example with some of its variables set; of a port that it exposes too."""
    spec = json.loads((workloads / name / "workload.json").read_text())
    kept = [entry for entry in spec.get("env", []) if entry.split("=")[0] not in settings]
    spec["env"] = kept + [f"{variable}={value}" for variable, value in settings.items()]
    if "PORT" in settings:
        spec["expose"]["port"] = settings["PORT"]
    return spec


def deploy(spec):
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))


def deploy_in_vain(spec):
    """What ddctl says of it."""
    return fleet.ctl("deploy", "-", code=1, text=json.dumps(spec))


def ended(name):
    row = lambda: next((r for r in fleet.ctl_json("ps", "--all") if r["app_name"] == name and r["status"] not in ("deploying", "running")), None)
    return wait_for(f"the end of {name}", row)


def scripts_are_shell():
    seen = []
    for file in sorted(workloads.glob("*/workload.json*")):
        cmd = json.loads(file.read_text()).get("cmd", [])
        if cmd[:2] == ["/bin/sh", "-c"]:
            done = subprocess.run(["/bin/sh", "-n"], input=cmd[2], capture_output=True, text=True)
            assert done.returncode == 0 and not done.stderr, (file, done.stderr)
            seen.append(file.parent.name)
    assert "nginx" in seen, seen


def nginx_is_public():
    if not os.access("/usr/sbin/nginx", os.X_OK):
        raise Skip("Debian's nginx is not installed")
    port = free_port()
    url = deploy(example("nginx", PORT=port))["urls"][0]
    assert url.startswith("http://nginx."), url
    status, body = fleet.get(url)
    assert (status, body.strip()) == (200, "hello from nginx"), (status, body)
    assert fleet.get(url + "/absent")[0] == 404
    family = fleet.processes("nginx:")
    assert len(family) >= 2, "want a master and a worker"
    for pid in family:
        assert Path(f"/proc/{pid}").stat().st_uid != 0 or os.geteuid() != 0, f"nginx runs as root: {pid}"
    fleet.ctl("mop", "nginx")
    assert fleet.get(url)[0] == 404
    assert fleet.processes("nginx:") == []


def mount_models_names_a_missing_disk():
    if os.geteuid() != 0:
        raise Skip("privileged workloads need root")
    said = deploy_in_vain(example("mount-models", DISK="/dev/absent", MODELS=str(fleet.folder / "models")))
    assert "cannot mount /dev/absent: no such disk" in said, said
    row = ended("mount-models")
    assert (row["status"], row["exit_code"]) == ("exited", 1), row
    assert "cannot mount /dev/absent: no such disk" in fleet.ctl("logs", "mount-models"), row
    assert not (fleet.folder / "models").exists()


def nv_names_a_missing_driver():
    if os.geteuid() != 0:
        raise Skip("privileged workloads need root")
    if list(Path("/lib/modules", os.uname().release, "kernel").glob("nvidia-*")):
        raise Skip("this machine has the driver, a test must not load it")
    said = deploy_in_vain(example("nv"))
    assert "cannot find nvidia.ko" in said, said
    row = ended("nv")
    assert (row["status"], row["exit_code"]) == ("exited", 1), row
    assert "cannot find nvidia.ko" in fleet.ctl("logs", "nv"), row


try:
    main([
        ("every script of an example is shell", scripts_are_shell),
        ("nginx as a plain process answers at its public hostname until it is mopped", nginx_is_public),
        ("mount-models fails and names a missing disk", mount_models_names_a_missing_disk),
        ("nv fails and names a missing driver", nv_names_a_missing_driver),
    ])
finally:
    fleet.stop()
