#!/usr/bin/env python3
"""A real agent whose attestation service refuses it: its token expires, its workloads go from the edge, and all comes back with a new token.
Usage: quarantine.py TOOLS_FOLDER"""

import json
import sys
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for
from relay import Relay

tools = Path(sys.argv[1]).resolve()

# Between the agent and the attestation service.
attestation = Relay(lambda fleet: fleet.cp_environment()["DD_ITA_ISSUER"])
fleet = Fleet(tools, "--token-lifetime", "8", "--cp-env", "DD_SCRAPE_INTERVAL=200ms", "--cp-env", "DD_TOKEN_LEEWAY=1s", "--cp-env", "DD_DELETE_AFTER=5m",
              "--agent-env", "DD_REFRESH_INTERVAL=1s", "--agent-env", f"DD_ITA_BASE_URL={attestation.url}", relays=[attestation])
port = free_port()
workload = {"app_name": "web", "cmd": ["hello", str(port)], "expose": {"hostname_label": "web", "port": port}}
before = fleet.agent()
urls = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(workload)))["urls"]


def agent_in(status):
    row = fleet.agent()
    return row if row["status"] == status else None


def ingress():
    return next(t["ingress"] for t in fleet.edge_state()["tunnels"] if t["name"] == before["agent_id"] and t["deleted_at"] is None)


def refreshed_tokens_keep_it_healthy():
    assert fleet.get(urls[0])[0] == 200
    minted = []
    attestation.on_request = lambda method, host, path, headers: minted.append(path)
    wait_for("two refreshed tokens", lambda: len(minted) >= 2)
    assert agent_in("healthy") and fleet.get(urls[0])[0] == 200


def expiry_takes_workloads_off_the_edge():
    attestation.on_request = lambda *_: 503
    row = wait_for("quarantine", lambda: agent_in("quarantined"))
    assert "expired" in row["reason"], row
    wait_for("404 for the workload", lambda: fleet.get(urls[0])[0] == 404)
    assert [rule.get("hostname") for rule in ingress()] == [before["hostname"], None], ingress()
    status, health = fleet.get(fleet.agent_url() + "/health")
    assert status == 200 and json.loads(health)["ok"], health
    assert len(fleet.processes(f"hello {port}")) == 1, "the workload itself runs on"


def new_hostnames_wait():
    """What the agent is asked to publish meanwhile is kept, and not published."""
    second = free_port()
    spec = {"app_name": "later", "cmd": ["hello", str(second)], "expose": {"hostname_label": "later", "port": second}}
    answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))
    assert any("quarantine" in warning for warning in answer["warnings"]), answer
    urls.extend(answer["urls"])
    assert agent_in("quarantined") and [fleet.get(url)[0] for url in urls] == [404, 404]
    assert len(ingress()) == 2, ingress()


def a_new_token_brings_it_back():
    attestation.on_request = lambda *_: None
    row = wait_for("healthy again", lambda: agent_in("healthy"))
    assert (row["agent_id"], row["registered_at"]) == (before["agent_id"], before["registered_at"]), row
    wait_for("both workloads answer", lambda: [fleet.get(url)[0] for url in urls] == [200, 200])


try:
    main([
        ("tokens are refreshed before they expire", refreshed_tokens_keep_it_healthy),
        ("an expired token takes the workloads off the edge, and not the agent", expiry_takes_workloads_off_the_edge),
        ("a hostname asked for in quarantine waits", new_hostnames_wait),
        ("a new token brings agent and workloads back", a_new_token_brings_it_back),
    ])
finally:
    fleet.stop()
