#!/usr/bin/env python3
"""Our agent under a control plane of the earlier system (seed_control_plane.py), beside a fleet of ours, whose compat listener refuses it.
Usage: compat_agent.py TOOLS_FOLDER"""

import json
import sys
from pathlib import Path

from fleet import Fleet, command_line, descendants, free_port, main, stand_still, wait_for
from seed_control_plane import SeedControlPlane

tools = Path(sys.argv[1]).resolve()
AGENT = free_port()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=200ms", "--cp-env", "DD_COMPAT=seed", "--cp-env", "DD_COMPAT_PORT=0",
              "--cp-env", "DD_COMPAT_HOSTNAME=seed.dd.localhost", "--cp-env", "DD_COMPAT_VMS=vm-old=2100-01-01",
              "--cp-env", f"DD_COMPAT_AGENT_PORT={AGENT}")
ours = fleet.about["cp_url"].replace("app.", "seed.", 1)
control_plane = SeedControlPlane(fleet, AGENT, delete_after=2)
fleet.boot("vm-old", "vm-1", "DD_VM_NAME=vm-old", f"DD_PORT={AGENT}", "DD_COMPAT=seed", f"DD_CP_URL={control_plane.url}",
           f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=", "DD_REFRESH_INTERVAL=1s",
           "DD_TUNNEL_CHECK_AFTER=1s", "DD_RENEW_PAUSE=1s")


def row():
    return control_plane.agent("vm-old")


def is_healthy():
    return (row() or {}).get("status") == "healthy"


def url(path):
    return fleet.about["cp_url"].replace("app.dd.localhost", row()["hostname"]) + path


def health():
    return json.loads(fleet.get(url("/health"))[1])


def it_registers_and_stays_healthy():
    wait_for("registered", is_healthy)
    wait_for("its host", lambda: fleet.get(url("/health"))[0] == 200)
    first = health()["ita_token"]
    wait_for("a newer token", lambda: health()["ita_token"] != first)
    wait_for("healthy with it", is_healthy)


def its_health_says_all_that_system_reads():
    said = health()
    assert said["service"] == "agent" and said["vm_name"] == "vm-old" and said["agent_id"] == row()["agent_id"], said
    assert said["deployment_count"] == len(said["deployments"]) and "dd-agent" in said["deployments"], said
    assert said["memory_total_mb"] > said["memory_used_mb"] > 0 and any(d["mount"] == "/" for d in said["disks"]) and "nets" in said, said
    assert isinstance(said["cpu_percent"], int), said
    assert all(d["total_bytes"] >= d["used_bytes"] >= 0 for d in said["disks"]), said["disks"]


def the_native_one_keeps_its_token_to_itself():
    said = json.loads(fleet.get(fleet.agent_url() + "/health")[1])
    assert sorted(said) == ["integrity", "ok", "service", "version"], said


def deployed(app):
    """Its URL."""
    port = free_port()
    spec = {"app_name": app, "cmd": ["hello", str(port)], "expose": {"hostname_label": app, "port": port}}
    status, answer = fleet.as_owner("POST", url("/deploy"), json.dumps(spec))
    assert status == 200 and answer["status"] == "running", answer
    return answer["urls"][0]


def a_deployment_is_public():
    public = deployed("hello")
    assert fleet.get(public)[0] == 200
    assert [e["hostname_label"] for e in health()["extra_ingress"]] == ["hello"]
    assert fleet.as_owner("DELETE", url("/deployments/hello"))[0] == 200
    assert fleet.get(public)[0] == 404


def its_tunnel_is_made_anew():
    public = deployed("lasting")
    assert fleet.get(public)[0] == 200
    before = row()
    fleet.delete_tunnel(before["agent_id"])
    assert fleet.get(public)[0] != 200
    wait_for("its workload public again", lambda: (lambda now: now and fleet.get(public.replace(before["hostname"], now["hostname"]))[0] == 200)(row()))
    wait_for("healthy again", is_healthy)


def it_comes_back_after_a_silence():
    """That control plane knows no key by which it would come back as who it was: it is another entry."""
    before = row()
    agent = next(pid for pid in descendants(fleet.runtime_of("vm-old")) if "dd-agent" in command_line(pid))
    stand_still(agent, lambda: wait_for("the agent deleted", lambda: row() is None))
    wait_for("registered anew", lambda: (lambda now: now and now["agent_id"] != before["agent_id"])(row()))
    wait_for("its workload public again", lambda: fleet.get(f"http://lasting.{row()['hostname']}:{fleet.about['cp_url'].rsplit(':', 1)[1]}/")[0] == 200)
    wait_for("healthy again", is_healthy)


def ours_refuses_its_tokens():
    """They are bound to keys, which no agent of the earlier system's is: whoever holds one and a PAT must not pass for such an agent."""
    request = {"vm_name": "vm-old", "env_label": fleet.cp_environment()["DD_ENV"], "owner": fleet.cp_environment()["DD_OWNER"], "ita_token": health()["ita_token"]}
    status, text = fleet.request("POST", ours + "/register", json.dumps(request), {"Authorization": f"Bearer {fleet.credential}", "Content-Type": "application/json"})
    assert status == 400 and "bound to data that it names" in text, (status, text)


def a_stranger_gets_nothing():
    assert fleet.request("POST", url("/deploy"), "{}", {"Content-Type": "application/json"})[0] == 401


try:
    main([
        ("it registers with a PAT and a token, and refreshes the token", it_registers_and_stays_healthy),
        ("its health says all that the earlier system reads", its_health_says_all_that_system_reads),
        ("an agent of ours shows no token without a challenge", the_native_one_keeps_its_token_to_itself),
        ("a deployment is public while it lives", a_deployment_is_public),
        ("a stranger deploys nothing", a_stranger_gets_nothing),
        ("our compat listener refuses its token, which is bound to keys", ours_refuses_its_tokens),
        ("when its tunnel was deleted by hand it registers again, and its workloads are public", its_tunnel_is_made_anew),
        ("so it does after a silence for which it was deleted", it_comes_back_after_a_silence),
    ])
finally:
    control_plane.stop()
    fleet.stop()
