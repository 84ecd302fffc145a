#!/usr/bin/env python3
"""Real podman containers, deployed by command with one JSON each and reached at their public hostnames. The ollama and openclaw examples run as they
stand, with a stand-in image. Usage: container.py TOOLS_FOLDER"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fleet import Fleet, Skip, free_port, main, wait_for
from podman import Podman

tools = Path(sys.argv[1]).resolve()
workloads = Path(__file__).resolve().parent.parent.parent / "examples/workloads"
fleet = podman = None

# As PID 1 of its container a shell ends at SIGTERM only when it says so.
SERVE = "trap 'exit 0' TERM; echo serving $COLOUR; httpd -f -p 127.0.0.1:$PORT -h /www & wait"
# What the examples ask of ollama: it serves, lists, pulls and launches.
OLLAMA = """#!/bin/sh
case $1 in
  serve) mkdir -p /www/api; echo '{"models":[]}' > /www/api/tags; trap 'exit 0' TERM; httpd -f -p "$OLLAMA_HOST" -h /www & wait ;;
  list) wget -q -O - "http://$OLLAMA_HOST/api/tags" ;;
  pull) : > "/root/.ollama/$2"; echo "pulled $2" ;;
  launch) mkdir -p /claw; echo "$2 with $4" > /claw/index.html; exec httpd -f -p 127.0.0.1:18789 -h /claw ;;
esac
"""


def release_of_podman():
    """A folder of releases with this machine's podman in the form in which podman-static publishes it."""
    folder = podman.folder / "releases"
    release = folder / "mgoltzsche/podman-static/v1"
    release.mkdir(parents=True)
    with tarfile.open(release / "podman-linux-amd64.tar.gz", "w:gz", compresslevel=1) as archive:
        for program, name in [("podman", "bin/podman"), ("conmon", "lib/podman/conmon"), ("runc", "bin/crun")]:
            archive.add(os.path.realpath(shutil.which(program)), "podman-linux-amd64/usr/local/" + name)
    return folder


def start():
    """Once, for all cases."""
    global fleet, podman
    if fleet is None:
        podman = Podman()
        fleet = Fleet(tools, "--releases", str(release_of_podman()))


def deploy(spec, **variables):
    settings = {**podman.settings, **variables}
    kept = [entry for entry in spec.get("env", []) if entry.split("=")[0] not in settings]
    spec = {**spec, "env": kept + [f"{name}={value}" for name, value in settings.items()]}
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))


def body_of(url):
    return wait_for("an answer", lambda: (lambda r: r[1] if r[0] == 200 else None)(fleet.get(url)))


def container_is_public():
    start()
    port = free_port()
    podman.image("dd-test", {"www/index.html": "from a container\n"})
    spec = {"app_name": "box", "privileged": True, "expose": {"hostname_label": "box", "port": port},
            "cmd": ["podman", "run", "--rm", "--name", "dd-box", "--network", "host", "--env", "COLOUR=blue", "--env", f"PORT={port}", "dd-test", "/bin/sh", "-c", SERVE]}
    url = deploy(spec)["urls"][0]
    assert body_of(url) == "from a container\n"
    assert "serving blue" in fleet.ctl("logs", "box")
    assert podman.containers() == ["dd-box"]
    assert "something privileged was started" in fleet.ctl("attest", "vm-1")
    fleet.ctl("mop", "box")
    wait_for("no container", lambda: podman.containers() == [])
    assert fleet.get(url)[0] == 404


def podman_may_come_from_a_release():
    start()
    fetched = fleet.home / "vm-1/data/bin"
    # Every program of this machine but podman.
    others = podman.folder / "others"
    others.mkdir()
    for program in [*Path("/usr/bin").iterdir(), *Path("/usr/sbin").iterdir()]:
        if program.name != "podman" and not (others / program.name).exists():
            (others / program.name).symlink_to(program)
    deploy(json.loads((workloads / "podman-bootstrap/workload.json").read_text()), PATH=f"{others}:{fetched}")
    deploy(json.loads((workloads / "podman-static/workload.json").read_text()))
    wait_for("podman-bootstrap is done", lambda: "podman-bootstrap: ok, podman version" in fleet.ctl("logs", "podman-bootstrap"))
    podman.image("dd-static", {})
    deploy({"app_name": "static", "privileged": True,
            "cmd": [str(fetched / "podman"), "run", "--rm", "--network", "host", "dd-static", "/bin/busybox", "echo", "from a fetched podman"]})
    wait_for("the container's word", lambda: "from a fetched podman" in fleet.ctl("logs", "static"))


def baked(name, **variables):
    done = subprocess.run([tools / "ddctl", "bake", "--strict", workloads / name / "workload.json.tmpl"], env={**fleet.environment, **variables},
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def examples_run():
    """openclaw listens where its image says, so that runs side by side take turns."""
    with open(Path(tempfile.gettempdir()) / "dd-test-port-18789.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        examples_take_their_turn()


def examples_take_their_turn():
    start()
    if Path("/proc/net/tcp").read_text().find(f"0100007F:{18789:04X}") != -1:
        raise Skip("port 18789 of openclaw is taken here")
    podman.image("docker.io/ollama/ollama:latest", {"bin/ollama": OLLAMA, "root/.ollama/here": ""}, entrypoint="/bin/ollama")
    bootstrap = json.loads((workloads / "podman-bootstrap/workload.json").read_text())
    deploy(bootstrap)
    wait_for("podman-bootstrap is done", lambda: "podman-bootstrap: ok" in fleet.ctl("logs", "podman-bootstrap"))
    models = podman.folder / "models"
    deploy(json.loads((workloads / "ollama/workload.json").read_text()), MODELS=models, PORT=free_port())
    url = deploy(baked("openclaw", MODEL="qwen2.5:0.5b"))["urls"][0]
    assert body_of(url) == "openclaw with qwen2.5:0.5b\n"
    assert (models / "qwen2.5:0.5b").exists(), "the model is not in the folder of the VM"
    assert "pulled qwen2.5:0.5b" in fleet.ctl("logs", "openclaw")
    fleet.ctl("mop", "openclaw")
    fleet.ctl("mop", "ollama")
    wait_for("no container", lambda: podman.containers() == [])
    assert fleet.get(url)[0] == 404


try:
    main([
        ("a podman container deployed by command answers at its public hostname until it is mopped", container_is_public),
        ("podman itself may come from a release: podman-static and podman-bootstrap", podman_may_come_from_a_release),
        ("the ollama and openclaw examples run as they stand, with a stand-in image", examples_run),
    ])
finally:
    if fleet:
        fleet.stop()
    if podman:
        podman.remove()
