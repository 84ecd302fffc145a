#!/usr/bin/env python3
"""Redeploys of an app whose port is the platform's choice: the new deployment starts beside the old one, and visitors notice nothing.
Usage: overlap.py TOOLS_FOLDER"""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from fleet import Fleet, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools)

# Answers after 50 ms and dies of SIGTERM with whatever it is doing.
SERVER = """
import http.server, os, sys, time
name, how = sys.argv[1], sys.argv[2]
if how == "crash": sys.exit(78)
if how == "late": time.sleep(5)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.05)
        self.send_response(200); self.send_header("Content-Length", str(len(name))); self.end_headers(); self.wfile.write(name.encode())
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    def handle_error(self, *_): pass
Server(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


def spec(name, how="good", **more):
    return {"app_name": "web", "cmd": ["python3", "-c", SERVER, name, how], "expose": {"hostname_label": "web"}} | more


def deploy(request, *flags, code=0):
    done = subprocess.run([tools / "ddctl", "deploy", "-", "-o", "json", *flags], env=fleet.environment, input=json.dumps(request), capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if done.stdout else done.stderr


def url():
    return fleet.agent_url().replace("://", "://web.", 1) + "/"


def live():
    """None while the agent is away."""
    status, text = fleet.request("GET", fleet.agent_url() + "/deployments", headers={"Authorization": f"Bearer {fleet.credential}"})
    return None if status != 200 else [row["id"] for row in json.loads(text)["deployments"] if row["app_name"] == "web" and row["status"] in ("running", "deploying")]


def apply_late(milliseconds):
    fleet.cloudflare("POST", "/__edge/lateness", {"apply_late_ms": milliseconds})


def only(deployment):
    wait_for(f"{deployment} alone", lambda: live() == [deployment], 30)


class Visitors:
    """Eight that ask again and again, and what they got."""

    def __enter__(self):
        self.seen, self.failed, self.over = [], [], False
        self.threads = [threading.Thread(target=self.visit) for _ in range(8)]
        for thread in self.threads:
            thread.start()
        wait_for("a visitor", lambda: self.seen)
        return self

    def visit(self):
        while not self.over:
            try:
                status, body = fleet.get(url())
            except (OSError, http.client.HTTPException) as error:
                status, body = 0, str(error)
            (self.seen if status == 200 else self.failed).append(body if status == 200 else (status, body))

    def __exit__(self, *_):
        self.over = True
        for thread in self.threads:
            thread.join()


def visitors_notice_nothing():
    deploy(spec("v0"))
    wait_for("the first one", lambda: fleet.get(url()) == (200, "v0"))
    apply_late(1500)
    with Visitors() as visitors:
        for number in (1, 2, 3):
            answer = deploy(spec(f"v{number}"))
            assert answer["ready"] and answer["replaced"], answer
            wait_for(f"v{number}", lambda: fleet.get(url())[1] == f"v{number}", 20)
        only(answer["id"])
    apply_late(0)
    assert not visitors.failed, visitors.failed[:5]
    assert {"v0", "v1", "v2", "v3"} <= set(visitors.seen), set(visitors.seen)


def a_failed_one_touches_nothing():
    before = live()
    with Visitors() as visitors:
        answer = deploy(spec("broken", "crash"), code=1)
        assert answer["rolled_back"] and answer["replaced"] == before[0], answer
    assert live() == before and not visitors.failed and set(visitors.seen) == {"v3"}, (visitors.failed[:5], set(visitors.seen))


def back_while_the_old_one_lives():
    before = live()
    apply_late(8000)
    deploy(spec("v4"))
    assert len(live()) == 2, "the old one did not wait for the connector"
    fleet.ctl("rollback", "web")
    apply_late(0)
    assert fleet.get(url()) == (200, "v3")
    assert len(live()) == 1 and live() != before, live()


def an_agent_goes_on_with_it():
    before = live()
    answer = deploy(spec("v5", "late"), "--wait", "0", code=124)
    wait_for("both", lambda: live() == [*before, answer["id"]])
    os.kill(fleet.tool_pid("dd-agent"), signal.SIGKILL)
    only(answer["id"])
    wait_for("the new one", lambda: fleet.get(url()) == (200, "v5"))


def the_last_one_serves():
    before = live()
    answer = deploy(spec("v6", "late"), "--wait", "0", code=124)
    last = deploy(spec("v7"))
    only(last["id"])
    first = fleet.as_owner("GET", fleet.agent_url() + f"/deployments/{answer['id']}?wait=30s")[1]
    assert last["replaced"] == before[0] and not first["ready"] and "took its place" in first["reason"], (first, last)
    wait_for("the last one", lambda: fleet.get(url()) == (200, "v7"))


def mop_ends_both():
    answer = deploy(spec("v8", "late"), "--wait", "0", code=124)
    wait_for("both", lambda: answer["id"] in live() and len(live()) == 2)
    fleet.ctl("mop", "web")
    assert live() == [] and fleet.get(url())[0] == 404


def what_cannot_be_is_said():
    said = deploy(spec("x", overlap=True, expose={"hostname_label": "web", "port": 18080}), code=30)
    assert "$.overlap" in str(said) and "port 18080 is named" in str(said), said


try:
    main([
        ("visitors notice nothing of redeploys, although the connector applies new rules late", visitors_notice_nothing),
        ("a redeploy that fails touches nothing of what serves", a_failed_one_touches_nothing),
        ("a rollback goes to the one before, also while that lives", back_while_the_old_one_lives),
        ("an agent that was killed goes on with the redeploy that it finds", an_agent_goes_on_with_it),
        ("of two redeploys the last one serves, and the other is stopped", the_last_one_serves),
        ("mop ends both", mop_ends_both),
        ("what cannot run beside the one before is refused with the reason", what_cannot_be_is_said),
    ])
finally:
    fleet.stop()
