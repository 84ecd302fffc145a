#!/usr/bin/env python3
"""Boot specs of the earlier system: no roles, no owner id, no policy, everything fetched from releases, one binary whose mode is said by
DD_MODE or its first argument.
Usage: seed_boot.py TOOLS_FOLDER"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from fleet import Fleet, main, wait_for

tools = Path(sys.argv[1]).resolve()
binary = tools / "devopsdefender"
scratch = tempfile.TemporaryDirectory(prefix="dd-releases-", dir="/tmp")
releases = Path(scratch.name)
(releases / "devopsdefender/dd/latest").mkdir(parents=True)
shutil.copy(binary, releases / "devopsdefender/dd/latest")
connector = releases / "cloudflare/cloudflared/2026.3.0/cloudflared-linux-amd64"
connector.parent.mkdir(parents=True)
connector.write_text(f'#!/bin/sh\nexec {tools}/ddctl connector "$@"\n')
fleet = Fleet(tools, "--releases", str(releases), "--control-plane", str(binary), "--cp-env", "DD_MODE=management", "--cp-env", "DD_OWNER_ID=", "--cp-env", "DD_OWNER_KIND=",
              "--cp-env", "DD_POLICY=")


def as_the_earlier_system_had_it(workloads):
    for workload in workloads:
        if workload.pop("role") == "connector":
            workload.pop("cmd")
            workload.update(app_name="cloudflared", github_release={"repo": "cloudflare/cloudflared", "asset": "cloudflared-linux-amd64", "rename": "cloudflared"})
        else:
            workload.update(app_name="dd-agent", cmd=["devopsdefender", "agent"],
                            github_release={"repo": "devopsdefender/dd", "asset": "devopsdefender", "tag": "latest"})
            workload.pop("inherit_token")
            workload["env"] = [s for s in workload["env"] if not s.startswith(("DD_OWNER_ID=", "DD_OWNER_KIND=", "DD_JOIN_TICKET="))]


def the_control_plane_runs_under_its_old_name():
    assert fleet.ctl_json("doctor", "fleet")["ok"]
    assert "the owner was looked up by login" in fleet.said("cp"), fleet.said("cp")
    health = fleet.as_owner("GET", fleet.about["cp_url"] + "/health")[1]
    assert health["policy"] == "tofu", health


def so_does_an_agent():
    fleet.boot("vm-seed", "vm-1", "DD_MODE=agent", "DD_VM_NAME=vm-seed", f"DD_PAT={fleet.credential}", change=as_the_earlier_system_had_it)
    row = wait_for("it is healthy", lambda: (lambda a: a if a and a["status"] == "healthy" else None)(fleet.agent("vm-seed")))
    assert row["verdict"]["accepted"] and row["verdict"]["tofu"], row
    wait_for("its connector", lambda: fleet.get(fleet.about["cp_url"].replace("app.dd.localhost", row["hostname"]) + "/health")[0] == 200)
    sources = {w["app_name"]: w["source"] for w in fleet.ctl_json("ps", "--all", "--agent", "vm-seed")}
    assert sources == {"cloudflared": "cloudflare/cloudflared@latest", "dd-agent": "devopsdefender/dd@latest"}, sources
    deployed = fleet.ctl("deploy", fleet.hello, "--agent", "vm-seed")
    assert fleet.get(deployed.strip())[0] == 200, deployed


def run(program, *arguments, **environment):
    return subprocess.run([tools / program, *arguments], env=environment, capture_output=True, text=True, timeout=30)


def the_mode_is_said_as_before():
    for arguments, environment in [((), {}), (("serve",), {}), (("agent",), {"DD_MODE": "serve"})]:
        done = run("devopsdefender", *arguments, **environment)
        assert done.returncode == 2 and "Usage:" in done.stderr and not done.stdout, (arguments, environment, done)
    for arguments, environment in [(("agent", "--version"), {}), (("--version", "cp"), {}), (("--version",), {"DD_MODE": "management"})]:
        done = run("devopsdefender", *arguments, **environment)
        assert done.returncode == 0 and done.stdout.startswith("devopsdefender "), (arguments, environment, done)
    assert "DD_CP_URL" in run("devopsdefender", "agent", "--help").stdout and "DD_CF_DOMAIN" in run("devopsdefender", "cp", "--help").stdout


def other_programs_know_their_own_mode():
    assert run("dd-agent", "agent", "--version").returncode == 0 and run("dd-cp", "--version", DD_MODE="management").returncode == 0
    for program, arguments, environment in [("dd-agent", ("cp",), {}), ("dd-cp", (), {"DD_MODE": "agent"}), ("dd-cp", ("serve",), {})]:
        done = run(program, *arguments, **environment)
        assert done.returncode == 2 and "cannot run as" in done.stderr, (program, done)


try:
    main([
        ("the control plane runs as it was configured before", the_control_plane_runs_under_its_old_name),
        ("so does an agent, and what it deploys is public", so_does_an_agent),
        ("DD_MODE or the first argument says the mode, anything else is exit 2", the_mode_is_said_as_before),
        ("dd-agent and dd-cp take their own mode and no other", other_programs_know_their_own_mode),
    ])
finally:
    fleet.stop()
    scratch.cleanup()
