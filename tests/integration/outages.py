#!/usr/bin/env python3
"""What comes back by itself after an outage, and what never does. Usage: outages.py TOOLS_FOLDER"""

import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from fleet import Fleet, free_port, main, stand_still, wait_for

tools = Path(sys.argv[1]).resolve()
DELETE_AFTER = 2  # seconds
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=1s", "--cp-env", "DD_POLL_TIMEOUT=500ms", "--cp-env", f"DD_DELETE_AFTER={DELETE_AFTER}s",
              "--cp-env", "DD_TUNNEL_CHECK_AFTER=1s", "--agent-env", "DD_RENEW_PAUSE=1s", "--agent-env", "DD_TUNNEL_CHECK_AFTER=1s")
port = free_port()


def status():
    agent = fleet.agent()
    return agent["status"] if agent else None


def deploy():
    answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(
        {"app_name": "web", "cmd": ["hello", str(port)], "expose": {"hostname_label": "web", "port": port}})))
    return answer["urls"][0]


def silenced(while_silent):
    stand_still(fleet.tool_pid("dd-agent"), while_silent)


def a_silent_agent_comes_back():
    url = deploy()
    before, names = fleet.agent(), fleet.edge_names()
    assert fleet.get(url)[0] == 200
    silenced(lambda: wait_for("the agent deleted", lambda: status() == "dropped"))
    wait_for("the agent healthy again", lambda: status() == "healthy")
    wait_for("its workload public again", lambda: fleet.get(url)[0] == 200)
    after = fleet.agent()
    assert (after["agent_id"], after["hostname"], after["kid"]) == (before["agent_id"], before["hostname"], before["kid"]), (before, after)
    assert [a["vm_name"] for a in fleet.ctl_json("agents")] == ["vm-1"], fleet.ctl_json("agents")
    assert fleet.edge_names() == names, (names, fleet.edge_names())
    assert fleet.get(url)[0] == 200


def an_agents_tunnel_is_made_anew():
    url = deploy()
    wait_for("its workload public", lambda: fleet.get(url)[0] == 200)
    before, names = fleet.agent(), fleet.edge_names()
    gone = fleet.delete_tunnel(before["agent_id"])
    assert fleet.get(url)[0] != 200
    wait_for("its workload public again", lambda: fleet.get(url)[0] == 200)
    wait_for("the agent healthy again", lambda: status() == "healthy")
    after = fleet.agent()
    assert (after["agent_id"], after["hostname"], after["registered_at"]) == (before["agent_id"], before["hostname"], before["registered_at"]), (before, after)
    assert fleet.edge_names() == names, (names, fleet.edge_names())
    assert not [r for r in fleet.edge_state()["records"] if gone in r["content"]], "a DNS record leads to the tunnel that is gone"


def the_control_planes_too():
    names = fleet.edge_names()
    own = next(n for n in names[0] if n.startswith("dd-local-cp-"))
    fleet.delete_tunnel(own)
    wait_for("the control plane public again", lambda: fleet.get(fleet.about["cp_url"] + "/health")[0] == 200)
    assert fleet.edge_names() == names, (names, fleet.edge_names())
    wait_for("the agent healthy again", lambda: status() == "healthy")


def logged_at(vm, words):
    """When that was logged last."""
    return datetime.fromisoformat([line for line in fleet.said(vm).splitlines() if words in line][-1].split()[0])


def a_pause_outlives_the_process():
    """Longer than a start of the control plane waits for one call. Neither the process that was told, nor the one after it, makes a call meanwhile."""
    pause = 24
    limits = lambda: fleet.said("cp").count("Cloudflare limits our calls")
    fleet.cloudflare("POST", "/__edge/faults", {"times": 1, "status": 429, "retry_after": str(pause)})
    for round in (1, 2):
        os.kill(fleet.tool_pid("dd-cp"), signal.SIGKILL)
        wait_for(f"the control plane told to wait, {round}", lambda: limits() >= round)
    requests = fleet.edge_state()["requests"]
    throttled_at = logged_at("cp", "Cloudflare throttles us")
    wait_for("the control plane public again", lambda: fleet.get(fleet.about["cp_url"] + "/health")[0] == 200, 2 * pause)
    wait_for("the agent healthy again", lambda: status() == "healthy")
    assert fleet.said("cp").count("Cloudflare throttles us") == 1 and fleet.edge_state()["requests"] > requests
    waited = (logged_at("cp", "tunnel adopted") - throttled_at).total_seconds()
    assert pause - 1 <= waited < pause + 10, waited


def a_revoked_one_does_not():
    before = fleet.agent()
    silenced(lambda: (wait_for("the agent deleted", lambda: status() == "dropped"), fleet.ctl("agents", "revoke", "vm-1", "--reason", "lost")))
    wait_for("its question answered", lambda: "was revoked" in fleet.said("vm-1"))
    assert status() == "dropped" and fleet.agent()["agent_id"] == before["agent_id"]
    tunnels, names = fleet.edge_names()
    assert not [n for n in tunnels if n == before["agent_id"]] and not [n for n in names if before["agent_id"] in n], (tunnels, names)


try:
    main([
        ("an agent that was silent until it was deleted comes back as who it was, with its workloads", a_silent_agent_comes_back),
        ("an agent's tunnel that was deleted by hand is made anew, under its names, and its workloads are public again", an_agents_tunnel_is_made_anew),
        ("so is the control plane's own", the_control_planes_too),
        ("a pause that Cloudflare asks for outlives the control plane's process", a_pause_outlives_the_process),
        ("one that was revoked meanwhile does not", a_revoked_one_does_not),
    ])
finally:
    fleet.stop()
