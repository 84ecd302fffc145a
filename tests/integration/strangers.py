#!/usr/bin/env python3
"""What people who prove nothing, and workloads, can use up of a control plane and an agent: their own share.
Usage: strangers.py TOOLS_FOLDER"""

import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from fleet import Fleet, Skip, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=200ms")
LARGE = 4 * 1024 * 1024

# Opens as many requests as it can, ends none, and says how many it has. Arguments: PORT, how many to try.
HALF_OPEN = """
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
tried = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(int(sys.argv[2]))]
for one in tried:
    one.sendall(b"GET /health HTTP/1.1\\r\\n")
    one.settimeout(2)
time.sleep(1)
def is_open(one):
    one.setblocking(False)
    try:
        return one.recv(4096) == None
    except BlockingIOError:
        return True
    except OSError:
        return False
print("holds", sum(map(is_open, tried)), flush=True)
time.sleep(600)
"""

# Signs in with wrong tokens, in the name of an address that is not its own. Arguments: PORT HOST ORIGIN ADDRESS, how often.
WRONG_TOKENS = """
import http.client, sys
port, host, origin, address, count = int(sys.argv[1]), *sys.argv[2:5], int(sys.argv[5])
statuses = []
for number in range(count):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/auth/pat", f"pat=ghp_wrong{number}", {"Host": host, "Origin": origin, "CF-Connecting-IP": address,
                                                                     "Content-Type": "application/x-www-form-urlencoded"})
    statuses.append(connection.getresponse().status)
print("statuses", *statuses, flush=True)
"""


def said(app, what):
    lines = fleet.as_owner("GET", fleet.agent_url() + f"/logs/{app}?tail=100")[1].get("lines", [])
    return next((line for line in lines if line.startswith(what)), None)


def run(name, program, *arguments):
    if os.geteuid() != 0:
        raise Skip("without root there is one uid")
    spec = {"app_name": name, "cmd": ["env", "python3", "-u", "-c", program, *map(str, arguments)]}
    fleet.ctl("deploy", "-", text=json.dumps(spec))


def a_registration_that_proves_nothing_is_answered_unread():
    with socket.create_connection(("127.0.0.1", fleet.port_of("cp", "control plane")), 20) as caller:
        caller.settimeout(20)
        caller.sendall((f"POST /register HTTP/1.1\r\nHost: app.dd.localhost\r\nAuthorization: Bearer {fleet.credential}\r\n"
                        f"Content-Length: {LARGE}\r\n\r\n").encode())
        answer = caller.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 400 "), answer
    assert "DD-Register" in answer, answer


def a_workload_holds_its_share_of_connections_and_no_more():
    run("half-open", HALF_OPEN, fleet.port_of("vm-1", "agent"), 600)
    held = int(wait_for("what it holds", lambda: said("half-open", "holds")).split()[1])
    assert 1 <= held <= 64, held
    seen = fleet.agent()["last_seen"]
    wait_for("a poll after that", lambda: fleet.agent()["last_seen"] > seen)
    assert fleet.agent()["status"] == "healthy", fleet.agent()
    status, answer = fleet.as_owner("GET", fleet.agent_url() + "/deployments")
    assert status == 200, answer
    fleet.ctl("mop", "half-open")


def a_workload_spends_nobody_elses_tries():
    origin = fleet.about["cp_url"]
    host = urlsplit(origin).netloc
    run("wrong", WRONG_TOKENS, fleet.port_of("cp", "control plane"), host, origin, "127.0.0.1", 12)
    statuses = wait_for("its answers", lambda: said("wrong", "statuses")).split()[1:]
    assert statuses == ["401"] * 10 + ["429"] * 2, statuses
    form = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    status, text = fleet.request("POST", origin + "/auth/pat", f"pat={fleet.credential}", form)
    assert status == 303, (status, text)


if __name__ == "__main__":
    with fleet:
        main([("a registration that proves nothing is answered while its body is unread", a_registration_that_proves_nothing_is_answered_unread),
              ("a workload holds its share of connections and no more", a_workload_holds_its_share_of_connections_and_no_more),
              ("a workload spends nobody else's tries", a_workload_spends_nobody_elses_tries)])
