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


main([
    ("each port of a workload has a hostname below its agent's", lambda: every_port_has_its_hostname("nested", lambda agent, label: f"{label}.{agent}")),
    ("each port of a workload has a flat hostname beside its agent's",
     lambda: every_port_has_its_hostname("flat", lambda agent, label: agent.replace(".", f"-{label}.", 1))),
])
