#!/usr/bin/env python3
"""Several ports of one workload at public hostnames, in either form. Usage: hostnames.py TOOLS_FOLDER"""

import json
import sys
from urllib.parse import urlsplit

from fleet import Fleet, free_port, main, wait_for


def two_ports(fleet):
    ports = [free_port(), free_port()]
    script = " & ".join(f"hello {port}" for port in ports) + " & wait"
    return {"app_name": "two", "cmd": ["sh", "-c", script],
            "expose": [{"hostname_label": f"port-{i}", "port": port} for i, port in enumerate(ports)]}


def hosts_of(fleet, urls):
    agent = urlsplit(fleet.agent_url()).hostname
    return agent, [urlsplit(url).hostname for url in urls]


def every_port_has_its_hostname(style, want):
    with Fleet(sys.argv[1], "--cp-env", f"DD_INGRESS_STYLE={style}") as fleet:
        answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(two_ports(fleet))))
        agent, hosts = hosts_of(fleet, answer["urls"])
        assert hosts == [want(agent, label) for label in ("port-0", "port-1")], (agent, hosts)
        for url in answer["urls"]:
            wait_for(f"{url} to answer", lambda url=url: fleet.get(url)[0] == 200)
        # A redeploy that exposes one of them withdraws the other.
        spec = two_ports(fleet)
        spec["expose"] = spec["expose"][1]
        kept = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))
        assert kept["urls"] == answer["urls"][1:], kept
        assert fleet.get(answer["urls"][0])[0] == 404 and fleet.get(kept["urls"][0])[0] == 200
        fleet.ctl("mop", "two")
        assert [fleet.get(url)[0] for url in answer["urls"]] == [404, 404]


def workloads_have_a_domain_of_their_own():
    with Fleet(sys.argv[1], "--cp-env", "DD_WORKLOAD_DOMAIN=dd-apps.localhost", "--cp-env", f"DD_WORKLOAD_ZONE_ID={'0' * 28}20af") as fleet:
        answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(two_ports(fleet))))
        agent, hosts = hosts_of(fleet, answer["urls"])
        assert hosts == [f"port-{i}.{agent.replace('.dd.localhost', '.dd-apps.localhost')}" for i in (0, 1)], (agent, hosts)
        for url in answer["urls"]:
            wait_for(f"{url} to answer", lambda url=url: fleet.get(url)[0] == 200)
        records = {r["name"] for r in fleet.edge_state()["records"]}
        assert {agent, *hosts} <= records, records
        fleet.ctl("mop", "two")
        assert [fleet.get(url)[0] for url in answer["urls"]] == [404, 404]
        assert not set(hosts) & {r["name"] for r in fleet.edge_state()["records"]}
        fleet.ctl("deploy", "-", text=json.dumps(two_ports(fleet)))
        fleet.ctl("agents", "revoke", fleet.agent()["agent_id"])
        left = [r["name"] for r in fleet.edge_state()["records"] if agent.split(".")[0] in r["name"]]
        assert not left, left


main([
    ("workloads have a domain of their own when there is one, and nothing is left there", workloads_have_a_domain_of_their_own),
    ("each port of a workload has a hostname below its agent's", lambda: every_port_has_its_hostname("nested", lambda agent, label: f"{label}.{agent}")),
    ("each port of a workload has a flat hostname beside its agent's",
     lambda: every_port_has_its_hostname("flat", lambda agent, label: agent.replace(".", f"-{label}.", 1))),
])
