#!/usr/bin/env python3
"""Tunnels that were deleted at Cloudflare, and what Cloudflare asks for. Usage: lost_tunnels.py TOOLS_FOLDER"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from fleet import Fleet, deploy_hello, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=1s", "--cp-env", "DD_POLL_TIMEOUT=500ms", "--cp-env", "DD_TUNNEL_CHECK_AFTER=1s",
              "--agent-env", "DD_TUNNEL_CHECK_AFTER=1s")


def status():
    agent = fleet.agent()
    return agent["status"] if agent else None


def an_agents_tunnel_is_made_anew():
    url = deploy_hello(fleet)
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


try:
    main([
        ("an agent's tunnel that was deleted by hand is made anew, under its names, and its workloads are public again", an_agents_tunnel_is_made_anew),
        ("so is the control plane's own", the_control_planes_too),
        ("a pause that Cloudflare asks for outlives the control plane's process", a_pause_outlives_the_process),
    ])
finally:
    fleet.stop()
