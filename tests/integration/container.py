#!/usr/bin/env python3
"""A real podman container, deployed by command with one JSON and reached at its public hostname. Usage: container.py TOOLS_FOLDER"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fleet import Fleet, Skip, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
storage = tempfile.TemporaryDirectory(prefix="dd-podman-", dir="/tmp")
podman = ["podman", "--root", f"{storage.name}/root", "--runroot", f"{storage.name}/run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]  # a VM may forbid to raise them
if shutil.which("runc"):
    podman += ["--runtime", shutil.which("runc")]  # crun refuses a machine with both versions of cgroups
port = free_port()
# As PID 1 of its container a shell ends at SIGTERM only when it says so.
serve = f"trap 'exit 0' TERM; echo serving $COLOUR; busybox httpd -f -p 127.0.0.1:{port} -h /www & wait"
fleet = None


def run(*arguments):
    return subprocess.run([*podman, *arguments], capture_output=True, text=True, timeout=60)


def prepare():
    """An image of busybox alone, or why this machine runs no containers."""
    busybox = "/bin/busybox"
    for program in ("podman", "conmon", busybox):
        if not shutil.which(program) and not Path("/usr/libexec/podman", program).exists():
            raise Skip(f"{program} is not installed")
    if os.geteuid() != 0:
        raise Skip("a privileged workload has the uid of the runtime, which is not root here")
    tree = Path(storage.name, "tree")
    (tree / "bin").mkdir(parents=True)
    (tree / "www").mkdir()
    shutil.copy(busybox, tree / "bin")
    for name in ("sh", "httpd"):
        (tree / "bin" / name).symlink_to("busybox")
    (tree / "www/index.html").write_text("from a container\n")
    archive = shutil.make_archive(f"{storage.name}/tree", "tar", tree)
    imported = run("import", archive, "dd-test")
    assert imported.returncode == 0, imported
    tried = run("run", "--rm", "--network", "host", *limits, "dd-test", "/bin/busybox", "true")
    if tried.returncode:
        raise Skip("podman runs no container here: " + tried.stderr.strip()[-200:])


def containers():
    return run("ps", "--all", "--format", "{{.Names}}").stdout.split()


def container_is_public():
    global fleet
    prepare()
    fleet = Fleet(tools)
    spec = {"app_name": "box", "privileged": True, "expose": {"hostname_label": "box", "port": port},
            "cmd": [*podman, "run", "--rm", "--name", "dd-box", "--network", "host", *limits, "--env", "COLOUR=blue", "dd-test", "/bin/sh", "-c", serve]}
    url = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))["urls"][0]
    assert wait_for("the container's answer", lambda: (lambda r: r if r[0] == 200 else None)(fleet.get(url)))[1] == "from a container\n"
    assert "serving blue" in fleet.ctl("logs", "box")
    assert containers() == ["dd-box"]
    assert "something privileged was started" in fleet.ctl("attest", "vm-1")


def mop_takes_it_away():
    if fleet is None:
        raise Skip("no container was started")
    url = fleet.about["cp_url"].replace("app.", f"box.{fleet.about['agents'][0]['hostname'].split('.')[0]}.", 1)
    fleet.ctl("mop", "box")
    wait_for("no container", lambda: containers() == [])
    assert fleet.get(url)[0] == 404


try:
    main([
        ("a podman container deployed by command answers at its public hostname", container_is_public),
        ("its mop ends and removes the container", mop_takes_it_away),
    ])
finally:
    if fleet:
        fleet.stop()
    if shutil.which("podman"):
        run("rm", "--all", "--force")
    storage.cleanup()
