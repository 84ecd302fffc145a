#!/usr/bin/env python3
"""What comes back by itself after a silence, and what never does. Usage: outages.py TOOLS_FOLDER"""

import sys
from pathlib import Path

from fleet import Fleet, deploy_hello, main, stand_still, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=1s", "--cp-env", "DD_POLL_TIMEOUT=500ms", "--cp-env", "DD_DELETE_AFTER=2s",
              "--agent-env", "DD_RENEW_PAUSE=1s")


def status():
    agent = fleet.agent()
    return agent["status"] if agent else None


def silenced(while_silent):
    stand_still(fleet.tool_pid("dd-agent"), while_silent)


def a_silent_agent_comes_back():
    url = deploy_hello(fleet)
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
        ("one that was revoked meanwhile does not", a_revoked_one_does_not),
    ])
finally:
    fleet.stop()
