#!/usr/bin/env python3
"""What a deploy says is what is true: first deploys and redeploys that go well, badly, late or never. Each row is a spec, what ddctl says of it,
and which deployment answers at the URL afterwards. Usage: deploys.py TOOLS_FOLDER"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--agent-env", "DD_STEADY_AFTER=400ms")

# A server that says who it is. How it comes up is its second argument.
SERVER = """
import http.server, os, signal, socket, sys, time
name, how, port, elsewhere = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if how == "crash":
    print("cannot read config", file=sys.stderr, flush=True); sys.exit(78)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "never":
    time.sleep(1000)
if how == "late":
    time.sleep(0.7)
if how == "away":
    if os.fork(): time.sleep(1000)
    os.setsid()
    if os.fork(): os._exit(0)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = name.encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if how == "ipv6" else socket.AF_INET
    def handle_error(self, *_): pass
Server(("::1" if how == "ipv6" else "127.0.0.1", elsewhere if how == "elsewhere" else port), Answer).serve_forever()
"""


elsewhere = free_port()


def server(app, name, how, port, **more):
    return {"app_name": app, "cmd": ["python3", "-c", SERVER, name, how, str(port), str(elsewhere)], "expose": {"hostname_label": app, "port": port},
            "ready_timeout": "1500ms" if how in ("never", "elsewhere") else "60s"} | more


def shell(app, script, **more):
    return {"app_name": app, "cmd": ["sh", "-c", script]} | more


class Said:
    def __init__(self, spec, *flags):
        done = subprocess.run([tools / "ddctl", "deploy", "-", "-o", "json", *flags], env=fleet.environment, input=json.dumps(spec), capture_output=True,
                              text=True, timeout=120)
        self.code, self.err = done.returncode, done.stderr
        self.answer = json.loads(done.stdout) if done.stdout else {}

    def __repr__(self):
        return f"exit {self.code}\n{json.dumps(self.answer, indent=1)}\n{self.err}"


def url_of(app):
    return fleet.agent_url().replace("://", f"://{app}.", 1) + "/"


def who_answers(app):
    status, body = fleet.get(url_of(app))
    return body if status == 200 else status


def statuses(app):
    rows = fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"]
    return [row["status"] for row in rows if row["app_name"] == app]


OLD = "old"
# name: (what is deployed, exit code, who answers, said on stderr). PORT and ELSEWHERE are filled in.
FIRST = {
    "good": ("good", 0, "new", ""),
    "late": ("late", 0, "new", ""),
    "escaped": ("away", 0, "new", ""),
    "ipv6": ("ipv6", 0, "new", ""),
    "never": ("never", 1, 404, "port PORT does not answer after 1500ms"),
    "elsewhere": ("elsewhere", 1, 404, "it listens on ELSEWHERE"),
    "crash": ("crash", 1, 404, "it exited with status 78 before its ports answered"),
    "killed": ("killed", 1, 404, "it was ended by signal 9 (Killed)"),
}
AGAIN = {
    "good": ("good", 0, "new", ""),
    "late": ("late", 0, "new", ""),
    "never": ("never", 1, OLD, "what was there before it serves"),
    "elsewhere": ("elsewhere", 1, OLD, "it listens on ELSEWHERE"),
    "crash": ("crash", 1, OLD, "cannot read config"),
    "killed": ("killed", 1, OLD, "it was ended by signal 9 (Killed)"),
}
seen = []


def fill(text, port):
    return text.replace("ELSEWHERE", str(elsewhere)).replace("PORT", str(port))


def check(row, app, said, code, answering, words, final):
    assert said.code == code, said
    assert words in said.err, said
    if code == 1:
        assert f"next: ddctl logs {app} --agent vm-1 --id {said.answer['id']}" in said.err and not said.answer["ready"], said
    if code == 0:
        assert said.answer["ready"] and said.answer["urls"] == [url_of(app)], said
    answers = wait_for(f"{answering} at the URL of {row}", lambda: (lambda a: [a] if a == answering else None)(who_answers(app)), 20)
    assert answers == [answering] and statuses(app)[-1] == final, (answers, statuses(app), said)
    seen.append(row)


def first_deploys():
    for row, (how, code, answering, words) in FIRST.items():
        app, port = f"f-{row}", free_port()
        said = Said(server(app, "new", how, port))
        check("first, " + row, app, said, code, answering, fill(words, port), "running" if code == 0 else {"crash": "exited", "killed": "exited"}.get(row, "stopped"))
        assert not said.answer["rolled_back"], said
        fleet.ctl("mop", app)


def redeploys():
    for row, (how, code, answering, words) in AGAIN.items():
        app, port = f"a-{row}", free_port()
        good = Said(server(app, OLD, "good", port))
        assert good.code == 0 and who_answers(app) == OLD, good
        said = Said(server(app, "new", how, port))
        check("again, " + row, app, said, code, answering, fill(words, port), "running")
        assert said.answer["replaced"] == good.answer["id"] and said.answer["rolled_back"] == (code == 1), said
        if code == 1:
            back = [r for r in fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"] if r.get("rollback_of") == said.answer["id"]]
            assert len(back) == 1 and back[0]["id"] not in (said.answer["id"], good.answer["id"]), back
        fleet.ctl("mop", app)


def what_cannot_start_leaves_the_one_before_alone():
    release = {"github_release": {"repo": "nobody/nothing", "asset": "server"}}
    for row, broken in {"missing": {"cmd": ["/opt/nowhere/server"]}, "release": release}.items():
        app, port = f"s-{row}", free_port()
        first = Said(server(app, "new", "good", port) | broken)
        assert first.code == 1 and "start_failed" in first.err and who_answers(app) == 404, first
        seen.append("first, " + row)
        good = Said(server(app, OLD, "good", port))
        again = Said(server(app, "new", "good", port) | broken)
        assert again.code == 1 and "what was there before serves" in again.err and who_answers(app) == OLD, again
        assert [r["id"] for r in fleet.ctl_json("ps") if r["app_name"] == app] == [good.answer["id"]], again
        seen.append("again, " + row)
        fleet.ctl("mop", app)


def a_port_of_another_is_nobodys():
    port = free_port()
    held = Said(server("holder", "holder", "good", port))
    said = Said(server("taker", "taker", "good", port))
    assert held.code == 0 and said.code == 1 and "port_in_use" in said.err and who_answers("holder") == "holder", said
    seen.append("first, port taken")
    # One that takes it between the look and the start, as far as anybody can tell: the redeployed app's own new process finds it taken.
    taken = free_port()
    squatter = subprocess.Popen(["python3", "-c", SERVER, "squatter", "good", str(taken), "0"])
    try:
        wait_for("the squatter", lambda: subprocess.run(["python3", "-c", f"import socket; socket.create_connection(('127.0.0.1', {taken}))"],
                                                        capture_output=True).returncode == 0)
        said = Said(server("taker", "taker", "good", taken))
        assert said.code == 1 and "port_in_use" in said.err and who_answers("taker") == 404, said
    finally:
        squatter.kill()
        squatter.wait()
    seen.append("first, port of a stranger")
    fleet.ctl("mop", "holder")


def without_a_port():
    rows = {
        "runs": ("sleep 1000", 0, "running", ""),
        "one-shot": ("echo done", 0, "exited", ""),
        "one-shot that fails": ("echo no input >&2; exit 3", 1, "exited", "it exited with status 3"),
        "dies soon": ("sleep 0.1; exit 4", 1, "exited", "it exited with status 4"),
    }
    for number, (row, (script, code, final, words)) in enumerate(rows.items()):
        said = Said(shell(f"p-{number}", script))
        assert said.code == code and words in said.err and statuses(f"p-{number}") == [final], (row, said)
        assert said.answer["ready"] == (code == 0), said
        seen.append("first, " + row)


def kept_as_it_is():
    port = free_port()
    said = Said(server("kept", "new", "never", port, on_failure="keep"))
    assert said.code == 1 and statuses("kept") == ["running"] and who_answers("kept") == 404, said
    seen.append("first, keep")
    port = free_port()
    Said(server("kept-2", OLD, "good", port))
    said = Said(server("kept-2", "new", "crash", port, on_failure="keep"))
    assert said.code == 1 and not said.answer["rolled_back"] and statuses("kept-2")[-1] == "exited", said
    wait_for("404 at its URL", lambda: who_answers("kept-2") == 404)
    seen.append("again, keep")


def the_wait_is_the_callers_and_the_deployment_the_agents():
    port = free_port()
    Said(server("waited", OLD, "good", port))
    said = Said(server("waited", "new", "never", port), "--wait", "200ms")
    assert said.code == 124 and said.answer["status"] == "deploying", said
    look = lambda: fleet.as_owner("GET", fleet.agent_url() + f"/deployments/{said.answer['id']}?wait=20s")[1]
    answer = look()
    assert answer["settled"] and answer["rolled_back"] and not answer["ready"] and "does not answer after" in answer["reason"], answer
    assert who_answers("waited") == OLD
    seen.append("again, nobody waits")
    port = free_port()
    said = Said(server("waited-2", "new", "late", port), "--wait", "0")
    assert said.code == 124, said
    answer = fleet.as_owner("GET", fleet.agent_url() + f"/deployments/{said.answer['id']}?wait=20s")[1]
    assert answer["ready"] and answer["urls"] == [url_of("waited-2")] and answer["listening"] == [port] and who_answers("waited-2") == "new", answer
    seen.append("first, nobody waits")


def what_crashes_later_was_ready():
    port = free_port()
    said = Said(server("mortal", "new", "good", port))
    row = next(r for r in fleet.ctl_json("ps") if r["app_name"] == "mortal")
    os.kill(row["pid"], signal.SIGKILL)
    assert said.code == 0
    wait_for("404 at its URL", lambda: who_answers("mortal") == 404)
    seen.append("first, crashes after it was ready")


def of_two_at_once_the_last_one_serves():
    port = free_port()
    slow = []
    thread = threading.Thread(target=lambda: slow.append(Said(server("twins", "first", "never", port))))
    thread.start()
    wait_for("the first one", lambda: "running" in statuses("twins"))
    said = Said(server("twins", "second", "good", port))
    thread.join()
    assert said.code == 0 and who_answers("twins") == "second", said
    assert slow[0].code == 1 and "took its place" in slow[0].err and not slow[0].answer["rolled_back"], slow[0]
    seen.append("again, while another is under way")


def mop_ends_what_is_under_way():
    port = free_port()
    Said(server("mopped", OLD, "good", port))
    said = Said(server("mopped", "new", "never", port), "--wait", "0")
    fleet.ctl("mop", "mopped")
    answer = fleet.as_owner("GET", fleet.agent_url() + f"/deployments/{said.answer['id']}?wait=20s")[1]
    assert answer["settled"] and answer["reason"] == "it was mopped" and not answer["rolled_back"], answer
    assert set(statuses("mopped")) == {"stopped"} and who_answers("mopped") == 404
    seen.append("again, mopped while under way")


def ports_by_the_platform():
    """The server takes PORT; two apps of one spec stand side by side, and a redeploy has another port under the same name."""
    spec = lambda app, name: {"app_name": app, "cmd": ["sh", "-c", 'exec python3 -c "$0" "$1" good "$PORT" 0', SERVER, name], "expose": {"hostname_label": app}}
    said = {app: Said(spec(app, app)) for app in ("chosen-1", "chosen-2")}
    ports = {app: one.answer["expose"][0]["port"] for app, one in said.items()}
    assert all(one.code == 0 for one in said.values()) and len(set(ports.values())) == 2, said
    assert all(20000 <= port <= 29999 for port in ports.values()), ports
    assert [who_answers(app) for app in ports] == list(ports)
    assert {row["app_name"]: row["expose"][0]["port"] for row in fleet.ctl_json("ps") if row["app_name"] in ports} == ports
    again = Said(spec("chosen-1", "again"))
    assert again.code == 0 and who_answers("chosen-1") == "again", again
    refused = Said(spec("chosen-3", "x") | {"env": ["PORT=80"]})
    assert refused.code == 30 and "PORT" in refused.err, refused
    seen.append("first, chosen port")
    seen.append("again, chosen port")


def strangers_take_chosen_ports(app, most):
    """Deploys it; the first `most` ports that are chosen for it are taken before it listens. What ddctl said, and those ports."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as strangers:
        os.chmod(folder, 0o755)
        script = f'until [ -e {folder}/$PORT ]; do sleep 0.05; done; exec python3 -c "$0" new good "$PORT" 0'
        spec = {"app_name": app, "cmd": ["sh", "-c", script, SERVER], "expose": {"hostname_label": app}}
        before = [r["expose"][0]["port"] for r in fleet.ctl_json("ps") if r["app_name"] == app]
        ports, said = [], []
        thread = threading.Thread(target=lambda: said.append(Said(spec)))
        thread.start()

        def next_port():
            running = [r["expose"][0]["port"] for r in fleet.ctl_json("ps") if r["app_name"] == app and r["status"] == "running"]
            return next((port for port in reversed(running) if port not in ports + before), None)

        while len(ports) < most:
            ports.append(wait_for("the next port that is chosen", next_port))
            strangers.enter_context(socket.create_server(("127.0.0.1", ports[-1])))
            Path(folder, str(ports[-1])).touch()
        if most < 3:
            last = wait_for("a port that nobody takes", next_port)
            Path(folder, str(last)).touch()
        thread.join()
        return said[0], ports


def chosen_ports_that_strangers_take():
    said, ports = strangers_take_chosen_ports("unlucky", 2)
    assert said.code == 0 and who_answers("unlucky") == "new" and said.answer["expose"][0]["port"] not in ports, said
    assert [w for w in said.answer["warnings"] if "another port was chosen" in w], said
    tries = [r["id"] for r in fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"] if r["app_name"] == "unlucky"]
    assert len(tries) == 3 and tries[2] == said.answer["id"], (tries, said)
    assert {fleet.as_owner("GET", fleet.agent_url() + f"/deployments/{one}")[1]["id"] for one in tries} == {tries[2]}
    assert statuses("unlucky").count("running") == 1
    seen.append("first, chosen ports taken twice")
    said, ports = strangers_take_chosen_ports("hopeless", 3)
    assert said.code == 1 and "port_in_use" in said.err and f"uid {os.getuid()}" in said.err and "running" not in statuses("hopeless"), said
    seen.append("first, chosen ports taken three times")
    said, ports = strangers_take_chosen_ports("unlucky", 3)
    assert said.code == 1 and "port_in_use" in said.err and "what was there before serves" in said.err and who_answers("unlucky") == "new" and statuses("unlucky").count("running") == 1, said
    seen.append("again, chosen ports taken three times")
    fleet.ctl("mop", "unlucky")


def restart_stop_and_rollback():
    port = free_port()
    first = Said(server("verbs", "first", "good", port))
    second = Said(server("verbs", "second", "good", port))
    url = fleet.ctl("rollback", "verbs").strip()
    assert url == url_of("verbs") and who_answers("verbs") == "first"
    newest = fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"][-1]
    assert newest["rollback_of"] == second.answer["id"] and newest["digest"] and newest["id"] != first.answer["id"], newest
    assert fleet.ctl("restart", "verbs").strip() == url and who_answers("verbs") == "first"
    assert fleet.ctl("stop", "verbs") == "stopped verbs\n" and who_answers("verbs") == 404 and "running" not in statuses("verbs")
    assert fleet.ctl("restart", "verbs").strip() == url and who_answers("verbs") == "first"
    fleet.ctl("mop", "verbs")
    alone = Said(shell("alone", "sleep 1000"))
    assert alone.code == 0 and "no earlier deployment" in fleet.ctl("rollback", "alone", code=1)
    assert "reserved_name" in fleet.ctl("restart", "dd-agent", code=1)


def the_other_family_is_nobodys():
    """A stranger on IPv4 has the port that a deployment has on IPv6: visitors never get there."""
    port = free_port()
    said = Said(server("six", "own", "ipv6", port))
    assert said.code == 0, said
    wait_for("own", lambda: who_answers("six") == "own")
    stranger = subprocess.Popen(["python3", "-c", SERVER, "stranger", "good", str(port), "0"])
    try:
        local = lambda: subprocess.run(["curl", "-s", f"http://127.0.0.1:{port}/"], capture_output=True, text=True).stdout
        wait_for("the stranger", lambda: local() == "stranger")
        assert {who_answers("six") for _ in range(20)} == {"own"}
    finally:
        stranger.kill()
        stranger.wait()
    fleet.ctl("mop", "six")


def enough_rows():
    assert len(seen) >= 25 and len(set(seen)) == len(seen), seen
    print(f"{len(seen)} rows")


try:
    main([
        ("a first deploy is ready when its own process answers, and gone when it fails", first_deploys),
        ("a redeploy that fails brings back what was there before", redeploys),
        ("what cannot start leaves the one before alone", what_cannot_start_leaves_the_one_before_alone),
        ("a port of another is nobody's", a_port_of_another_is_nobodys),
        ("without a port, what lives for a while or ends well is ready", without_a_port),
        ("a deployment that is to be kept is left as it is", kept_as_it_is),
        ("the wait is the caller's, and the deployment the agent's", the_wait_is_the_callers_and_the_deployment_the_agents),
        ("what crashes later was ready, and is no longer public", what_crashes_later_was_ready),
        ("of two deploys at once the last one serves", of_two_at_once_the_last_one_serves),
        ("mop ends what is under way", mop_ends_what_is_under_way),
        ("a port may be left to the platform", ports_by_the_platform),
        ("a chosen port that a stranger takes is chosen anew, twice", chosen_ports_that_strangers_take),
        ("restart, stop and rollback act on what ran", restart_stop_and_rollback),
        ("nobody on the other loopback family is reached in a deployment's place", the_other_family_is_nobodys),
        ("there are as many rows as are wanted", enough_rows),
    ])
finally:
    fleet.stop()
