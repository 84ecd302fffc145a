#!/usr/bin/env python3
"""A fleet whose tunnels, names and owner are real: Cloudflare and GitHub, with cloudflared, where their keys are in the environment (named as dd-cp's
and ddctl's: docs/configuration.md). Evidence is simulated: no hardware is asked for. Everything that it makes at Cloudflare carries an environment label of
its own, and is removed at the end. Usage: live.py TOOLS_FOLDER [--stand-in]; with --stand-in the local services take the place of the real ones."""

import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from fleet import Fleet, Skip, main, wait_for  # noqa: E402

CLOUDFLARE = ["DD_CF_API_TOKEN", "DD_CF_ACCOUNT_ID", "DD_CF_ZONE_ID", "DD_CF_DOMAIN"]
GITHUB = ["DD_OWNER", "DD_OWNER_ID", "DD_PAT"]
PATIENCE = 240  # a new name takes its time to be known everywhere

tools = Path(sys.argv[1]).resolve()
stand_in = "--stand-in" in sys.argv[2:]
label = "live-" + secrets.token_hex(3)


class Services:
    """Which Cloudflare, which GitHub and which connector."""

    def __init__(self, local):
        self.local = local
        given = local.cp_environment() | {"DD_PAT": local.credential} if stand_in else os.environ
        self.keys = {name: given[name] for name in [*CLOUDFLARE, *GITHUB, "DD_OWNER_KIND"] if given.get(name)}
        self.api = given.get("DD_CF_API_URL", "https://api.cloudflare.com/client/v4")
        self.github = given.get("DD_GITHUB_API_URL", "https://api.github.com")
        self.edge = given.get("DD_EDGE_URL", "")
        cloudflared = None if stand_in else shutil.which("cloudflared")
        self.connector = [str(tools / "ddctl"), "connector"] if stand_in else [cloudflared] if cloudflared else None

    def need(self, *names):
        missing = [name for name in names if name not in self.keys]
        if missing:
            raise Skip("not in the environment: " + ", ".join(missing))

    @property
    def host(self):
        return f"{label}.{self.keys['DD_CF_DOMAIN']}"

    @property
    def origin(self):
        # The local edge speaks http at its own port.
        return f"http://{self.host}:{urlsplit(self.edge).port}" if self.edge else f"https://{self.host}"

    def get(self, url):
        """The status, or 0 while nobody answers."""
        if self.edge:
            return self.local.get(url)[0]
        try:
            return urllib.request.urlopen(url, timeout=20, context=ssl.create_default_context()).status
        except urllib.error.HTTPError as answer:
            return answer.code
        except OSError:
            return 0

    def cloudflare(self, method, path):
        request = urllib.request.Request(self.api + path, method=method, headers={"Authorization": "Bearer " + self.keys["DD_CF_API_TOKEN"]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["result"]

    def marked(self):
        """(tunnels, records) of this run, as paths to delete."""
        account, zone = f"/accounts/{self.keys['DD_CF_ACCOUNT_ID']}/cfd_tunnel", f"/zones/{self.keys['DD_CF_ZONE_ID']}/dns_records"
        tunnels = self.cloudflare("GET", f"{account}?is_deleted=false&per_page=100&include_prefix=dd-{label}-")
        records = self.cloudflare("GET", f"{zone}?per_page=1000")
        return ([f"{account}/{t['id']}" for t in tunnels if t["name"].startswith(f"dd-{label}-")],
                [f"{zone}/{r['id']}" for r in records if (r.get("comment") or "").startswith(f"dd env={label} ")])

    def remove_all(self):
        tunnels, records = self.marked()
        for path in tunnels:
            self.cloudflare("DELETE", path + "/connections")
        for path in [*records, *tunnels]:
            self.cloudflare("DELETE", path)


local = Fleet(tools)
services = Services(local)


def fleet_environment():
    return {"PATH": os.environ["PATH"], "HOME": str(local.folder), "DD_CP_URL": services.origin, "DD_PAT": services.keys["DD_PAT"], "DD_EDGE_URL": services.edge}


def ctl(*arguments):
    done = subprocess.run([tools / "ddctl", *arguments], env=fleet_environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done
    return done.stdout


def shared_settings():
    settings = {name: services.keys[name] for name in ("DD_OWNER", "DD_OWNER_ID", "DD_OWNER_KIND") if name in services.keys}
    settings |= {"DD_ENV": label, "DD_GITHUB_API_URL": services.github, "DD_CF_DOMAIN": services.keys["DD_CF_DOMAIN"], "DD_EDGE_URL": services.edge}
    return [f"{name}={value}" for name, value in settings.items()]


def with_connector(workloads):
    next(w for w in workloads if w.get("role") == "connector")["cmd"] = services.connector


def doctor_finds_nothing_bad():
    services.need(*CLOUDFLARE, *GITHUB)
    environment = {**local.environment, **local.cp_environment(), **services.keys, "DD_CF_API_URL": services.api, "DD_GITHUB_API_URL": services.github}
    done = subprocess.run([tools / "ddctl", "doctor", "control-plane"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.stdout, done.stderr)


def ready():
    services.need(*CLOUDFLARE, *GITHUB)
    if services.connector is None:
        raise Skip("cloudflared is not installed")


def control_plane_is_public():
    ready()
    cloudflare = [f"{name}={services.keys[name]}" for name in CLOUDFLARE if name != "DD_CF_DOMAIN"]
    local.boot("cp-live", "cp", *shared_settings(), *cloudflare, f"DD_CF_API_URL={services.api}", f"DD_HOSTNAME={services.host}",
               f"DD_CP_ORIGIN={services.origin}", "DD_POLICY=tofu", "DD_INGRESS_STYLE=flat", "DD_GITHUB_CLIENT_ID=", "DD_GITHUB_CLIENT_SECRET=",
               change=with_connector)
    wait_for("the control plane at its public name", lambda: services.get(services.origin + "/health") == 200, PATIENCE)


def agent_is_healthy():
    ready()
    local.boot("vm-live", "vm-1", *shared_settings(), f"DD_CP_URL={services.origin}", f"DD_PAT={services.keys['DD_PAT']}", "DD_JOIN_TICKET=",
               "DD_VM_NAME=vm-live", "DD_INGRESS_STYLE=flat", change=with_connector)
    agent = wait_for("a healthy agent", lambda: [a for a in json.loads(ctl("agents", "-o", "json")) if a["status"] == "healthy"], PATIENCE)[0]
    # It is healthy from its registration on; its connector comes a moment later.
    wait_for("its connector", lambda: services.get(services.origin.replace(services.host, agent["hostname"]) + "/health") == 200, PATIENCE)


def workload_is_public():
    ready()
    url = ctl("deploy", local.hello).strip()
    wait_for("the workload at its public name", lambda: services.get(url) == 200, PATIENCE)
    assert ctl("exec", "--app", "hello", "--", "echo", "here") == "here\n"
    ctl("mop", "hello")
    wait_for("404 behind it", lambda: services.get(url) == 404, PATIENCE)


def nothing_is_left():
    ready()
    ctl("agents", "revoke", "vm-live", "--reason", "the test is over")
    tunnels, records = services.marked()
    assert len(tunnels) == 1 and len(records) == 1, (tunnels, records)  # the control plane's own
    services.remove_all()
    assert services.marked() == ([], []), services.marked()


try:
    main([
        ("ddctl doctor finds nothing bad", doctor_finds_nothing_bad),
        ("a control plane is public through Cloudflare", control_plane_is_public),
        ("an agent registers and is healthy", agent_is_healthy),
        ("a workload answers at its public name until it is mopped", workload_is_public),
        ("what was made is removed, and nothing else", nothing_is_left),
    ], counts=True)
finally:
    if not [name for name in CLOUDFLARE if name not in services.keys]:
        services.remove_all()
    local.stop()
