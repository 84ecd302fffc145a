#!/usr/bin/env python3
"""The workload socket as easyenclave's clients know it: every method, field and error shape over a plain socket. The client shares no code with
libdd and was written from the protocol's description. Usage: workload_api.py TOOLS_FOLDER"""

import base64
import json
import os
import re
import socket
import stat
import sys
import tempfile
import time
from pathlib import Path

from fleet import Fleet, main, wait_for

scratch = tempfile.TemporaryDirectory(prefix="dd-releases-", dir="/tmp")
tool = Path(scratch.name, "acme/tool/v1/tool")
tool.parent.mkdir(parents=True)
tool.write_text("#!/bin/sh\necho tool $1\n")
fleet = Fleet(sys.argv[1], "--releases", scratch.name)
home = fleet.home / "vm-1"
path = str(home / "run/agent.sock")
environment = Path(f"/proc/{fleet.tool_pid('dd-agent')}/environ").read_text().split("\0")
TOKEN = next(entry.removeprefix("EE_TOKEN=") for entry in environment if entry.startswith("EE_TOKEN="))

INFO = {"id": str, "pid": (int, type(None)), "app_name": str, "source": str, "status": str, "started_at": str}
LONGEST_LINE = 1024 * 1024
# Of a v4 quote: 48 bytes of header, 520 of the body before it.
REPORT_DATA = slice(568, 632)


class Connection:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.bytes = b""

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self.bytes:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed")
            self.bytes += piece
        line, self.bytes = self.bytes.split(b"\n", 1)
        return json.loads(line)

    def call(self, method, **fields):
        self.send(json.dumps({"method": method, "token": TOKEN, **fields}).encode() + b"\n")
        return self.line()

    def rest(self):
        """Everything up to the end."""
        said, self.bytes = self.bytes, b""
        while piece := self.socket.recv(65536):
            said += piece
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def call(method, **fields):
    with Connection() as connection:
        return connection.call(method, **fields)


def done(method, **fields):
    answer = call(method, **fields)
    assert answer["ok"] is True and "error" not in answer, (method, fields, answer)
    return answer


def refused(wanted, method, **fields):
    answer = call(method, **fields)
    assert answer["ok"] is False and isinstance(answer["error"], str), (method, fields, answer)
    assert re.search(wanted, answer["error"]), (wanted, answer)
    return answer


def info(id):
    return next((row for row in done("list")["deployments"] if row["id"] == id), None)


def deploy(app_name, *cmd, **more):
    return done("deploy", app_name=app_name, cmd=list(cmd), **more)["id"]


def settled(id, *states):
    return wait_for(f"{states} of {id}", lambda: (lambda row: row if row["status"] in states else None)(info(id)))


def ran(app_name, *cmd, **more):
    """To its end; the record and the log."""
    id = deploy(app_name, *cmd, **more)
    row = settled(id, "exited", "failed", "completed")
    return row, done("logs", id=id)["lines"]


def lines_and_order():
    with Connection() as connection:
        requests = [json.dumps({"method": method, "token": TOKEN}) for method in ("health", "list", "health")]
        connection.send(("\n".join(requests) + "\n").encode())
        first, second, third = connection.line(), connection.line(), connection.line()
        assert "uptime_secs" in first and "deployments" in second and "uptime_secs" in third
        for slow in (b'{"method":"health",', b'"token":"%s"}' % TOKEN.encode(), b"\n"):
            connection.send(slow)
            time.sleep(0.05)
        assert connection.line()["ok"]
    assert stat.S_IMODE(os.stat(path).st_mode) & 0o007 == 0, "the socket is open to everybody"


def errors_have_their_words():
    with Connection() as connection:
        for line, wanted in [(b"{", "^invalid json: "), (b"[]", "^invalid json: "), (b'"health"', "^invalid json: "), (b"\xff\xfe", "^invalid json: "), (b"", "^invalid json: ")]:
            connection.send(line + b"\n")
            answer = connection.line()
            assert answer["ok"] is False and re.search(wanted, answer["error"]), (line, answer)
        connection.send(json.dumps({"token": TOKEN}).encode() + b"\n")
        assert connection.line()["error"] == "missing method"
        assert connection.call("restart")["error"] == "unknown method: restart"
        assert connection.call("health")["ok"], "the connection did not stay open"


def the_token_is_asked_for():
    assert re.fullmatch("[0-9a-f]{64}", TOKEN), "want 32 bytes in lower-case hex"
    with Connection() as connection:
        for wrong in ({}, {"token": ""}, {"token": TOKEN[:-1]}, {"token": TOKEN.upper()}, {"token": None}, {"token": [TOKEN]}):
            for method in ("health", "list", "deploy", "exec", "attach", "attest", "no such method"):
                connection.send(json.dumps({"method": method, "cmd": ["true"], "app_name": "unseen", **wrong}).encode() + b"\n")
                answer = connection.line()
                assert answer["ok"] is False and answer["error"] == "unauthenticated", (method, wrong, answer)
        assert connection.call("health")["ok"]
    assert not [row for row in done("list")["deployments"] if row["app_name"] == "unseen"]


def health_counts():
    before = done("health")
    assert {type(before[name]) for name in ("workloads", "uptime_secs")} == {int} and before["attestation_type"] == "tdx-simulated", before
    ran("counted", "true")
    after = done("health")
    assert after["workloads"] == before["workloads"] + 1, "finished records count too"
    assert 0 <= before["uptime_secs"] <= after["uptime_secs"] < 3600


def quotes_hold_what_was_asked():
    def b64(data):
        return base64.b64encode(data).decode()

    for fields, data in [({"report_data_b64": b64(b"x" * 64)}, b"x" * 64), ({"report_data_b64": b64(b"short")}, b"short"), ({}, b""),
                         ({"nonce": b64(b"\xf0\x00 bytes")}, b"\xf0\x00 bytes"), ({"nonce": "deadbeef"}, bytes.fromhex("deadbeef")), ({"nonce": "DEADbeef"}, bytes.fromhex("deadbeef")),
                         ({"report_data_b64": "deadbeef"}, base64.b64decode("deadbeef")), ({"report_data_b64": b64(b"this"), "nonce": b64(b"not this")}, b"this")]:
        answer = done("attest", **fields)
        assert answer["quote_format"] == "tdx" and answer["attestation_type"] == "tdx-simulated", answer
        assert base64.b64decode(answer["report_data_b64"]) == data and answer["report_data_len"] == len(data), (fields, answer)
        assert base64.b64decode(answer["quote_b64"])[REPORT_DATA] == data.ljust(64, b"\0"), fields
    assert refused("^TDX report data is 65 bytes; maximum is 64$", "attest", report_data_b64=b64(b"x" * 65))
    refused("^invalid report_data_b64 base64: ", "attest", report_data_b64="*")
    refused("^invalid nonce base64: ", "attest", nonce="*")
    reports = Path("/sys/kernel/config/tsm/report")
    assert not reports.exists() or not any(reports.iterdir()), "an entry was left"


def a_deployment_is_answered_at_once_and_listed():
    started = time.monotonic()
    answer = done("deploy", app_name="listed", cmd=["sleep", "1000"], env=["COLOUR=blue=green"], volumes=["x:/y"], native=True, requires_agent_mode="read_write", oracle={"title": "t"})
    assert answer["status"] == "deploying" and time.monotonic() - started < 5
    assert re.fullmatch("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", answer["id"]), "want a UUID v4"
    row = settled(answer["id"], "running")
    assert all(isinstance(row[name], kind) for name, kind in INFO.items()), row
    assert row["source"] == "sleep 1000" and row["pid"] > 1 and "error_message" not in row, row
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", row["started_at"]), row
    assert b"COLOUR=blue=green" in Path(f"/proc/{row['pid']}/environ").read_bytes().split(b"\0")
    starts = [r["started_at"] for r in done("list")["deployments"]]
    assert starts == sorted(starts), "want the list in order"


def a_wrong_deployment_is_refused_whole():
    before = len(done("list")["deployments"])
    for wrong in ({"cmd": "sleep 1"}, {"cmd": ["sh", 7]}, {"cmd": ["x", "a\0b"]}, {"env": ["NOVALUE"]}, {"env": "A=1"}, {"tty": "yes"}, {"app_name": 7},
                  {"app_name": "../../etc/passwd"}, {"app_name": "a/b"}, {"app_name": ""}, {"app_name": "x" * 64}, {"github_release": "a/b"}, {"cmd": []}):
        refused("^invalid deploy request: ", "deploy", **{"app_name": "wrong", "cmd": ["true"], **wrong})
    assert len(done("list")["deployments"]) == before


def arguments_arrive_as_they_were_said():
    strange = ["a b", "$HOME", "'", '"', "", "*", "\\", "ü", "new\nline"]
    row, lines = ran("argv", "sh", "-c", 'for a; do printf "<%s>" "$a"; done', "sh", *strange)
    assert "\n".join(lines) == "".join(f"<{a}>" for a in strange) and row["exit_code"] == 0, lines
    row, lines = ran("argv", "sh", "-c", 'printf "<%s>" "$@"; test -t 1 && echo tty', "sh", "a b", "$(id)", tty=True)
    assert lines == ["<a b><$(id)>tty"], lines


def the_environment_is_clean():
    _, lines = ran("clean", "env", env=["EE_TOKEN=mine", "EMPTY="], inherit_token=True)
    names = {line.split("=", 1)[0] for line in lines}
    assert "EE_TOKEN=mine" in lines and "EMPTY=" in lines and TOKEN not in "\n".join(lines), lines
    assert names <= {"PATH", "HOME", "TERM", "PWD", "SHLVL", "_", "EE_TOKEN", "EMPTY", "DD_DEPLOYMENT_ID"}, names


def how_it_ended_is_recorded():
    row, lines = ran("ended", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (row["status"], row["exit_code"]) == ("exited", 7) and row["exited_at"] >= row["started_at"] and sorted(lines) == ["err", "out"], row
    row, _ = ran("ended", "sh", "-c", "kill -9 $$")
    assert row["status"] == "exited" and row["signal"] == 9 and "exit_code" not in row, row
    row, _ = ran("ended", "/no/such/program")
    assert row["status"] == "failed" and "/no/such/program" in row["error_message"], row


def stop_is_prompt_and_whole():
    assert call("stop")["error"] == "missing id"
    assert call("stop", id="00000000-0000-4000-8000-000000000000")["error"] == "deployment not found"
    id = deploy("stopped", "sh", "-c", "setsid sleep 4321 & sleep 4321")
    settled(id, "running")
    wait_for("the shell and both children", lambda: len(fleet.processes("sleep 4321")) == 3)
    started = time.monotonic()
    done("stop", id=id)
    assert time.monotonic() - started < 1.5, "a stop of what obeys takes no grace"
    assert fleet.processes("sleep 4321") == []
    assert info(id)["status"] == "stopped"
    assert call("stop", id=id)["error"] == "cannot stop deployment in 'stopped' status"


def a_redeploy_replaces_and_a_failed_one_does_not():
    first = deploy("same", "sh", "-c", "echo first; sleep 1000")
    settled(first, "running")
    wait_for("its line", lambda: done("logs", id=first)["lines"] == ["first"])
    failed = deploy("same", "/no/such/program")
    settled(failed, "failed")
    assert info(first)["status"] == "running", "an outage for a deploy that failed"
    second = deploy("same", "sh", "-c", "echo second; sleep 1000")
    settled(second, "running")
    wait_for("the other line", lambda: done("logs", id=second)["lines"] == ["second"])
    assert info(first)["status"] == "stopped" and done("logs", id=first)["lines"] == ["first"], "an old log goes by its own id"
    ids = [deploy("same", "sleep", "1000") for _ in range(8)]
    settled(ids[-1], "running")
    live = [row["id"] for row in done("list")["deployments"] if row["app_name"] == "same" and row["status"] in ("running", "deploying")]
    assert live == ids[-1:], live


def releases_are_fetched():
    wanted = {"repo": "acme/tool", "asset": "tool"}
    row, lines = ran("fetched", "anything", "argument", github_release=wanted)
    assert lines[-1] == "tool argument" and row["source"] == "acme/tool@latest", (row, lines)
    id = done("deploy", app_name="tool", github_release={**wanted, "tag": "v1", "rename": "utensil"})["id"]
    assert settled(id, "completed", "failed")["status"] == "completed" and info(id)["source"] == "acme/tool@v1"
    assert ran("user", "utensil", "renamed")[1] == ["tool renamed"]
    refused("neither github_release nor cmd|want", "deploy", app_name="neither")
    id = done("deploy", app_name="absent", github_release={**wanted, "asset": "other"})["id"]
    assert "tool" in settled(id, "failed")["error_message"], "want the names that are there"


def exec_waits_for_the_end():
    answer = done("exec", cmd=["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (answer["exit_code"], answer["stdout"], answer["stderr"]) == (3, "out\n", "err\n"), answer
    assert done("exec", cmd=["sh", "-c", "kill -TERM $$"])["exit_code"] == -1
    assert done("exec", cmd=["cat"])["stdout"] == "", "want an empty standard input"
    assert done("exec", cmd=["printf", "\\377"])["stdout"] == "\ufffd"
    assert call("exec")["error"] == "missing cmd array" and call("exec", cmd=[])["error"] == "cmd array is empty"
    refused("cmd", "exec", cmd=["sh", 7])
    refused("no-such-program", "exec", cmd=["no-such-program"])
    started = time.monotonic()
    refused("^command timed out after 1s$", "exec", cmd=["sleep", "4322"], timeout_secs=1)
    assert time.monotonic() - started < 3 and fleet.processes("sleep 4322") == []
    long = done("exec", cmd=["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"])
    assert long["truncated"] is True and 0 < len(long["stdout"]) <= LONGEST_LINE


def logs_are_bytes_made_text():
    assert call("logs")["error"] == "missing id" and call("logs", id="00000000-0000-4000-8000-000000000000")["error"] == "deployment not found"
    row, lines = ran("log", "sh", "-c", "for i in $(seq 200); do echo $i; done; printf 'bad \\377 byte\\nno newline'")
    assert lines == [*(str(i) for i in range(103, 201)), "bad \ufffd byte", "no newline"], lines
    assert done("logs", id=row["id"], tail=2)["lines"] == ["bad \ufffd byte", "no newline"]
    assert done("logs", id=row["id"], tail=0)["lines"] == []
    assert len(done("logs", id=row["id"], tail=10_000)["lines"]) == 202


def attach_hands_the_connection_over():
    with Connection() as connection:
        # What comes right behind the request is typed.
        connection.send(json.dumps({"method": "attach", "token": TOKEN, "cmd": ["sh"]}).encode() + b"\necho $((6*7)) $TERM; tty\nexit\n")
        acknowledged = connection.line()
        assert acknowledged["ok"] is True and acknowledged["attached"] is True, acknowledged
        said = connection.rest()
        assert b"42 xterm-256color" in said and b"/dev/pts/" in said, said
    with Connection() as connection:
        assert connection.call("attach")["attached"], "want /bin/sh without cmd"
        connection.send(b"sleep 4323\n")
        wait_for("the command", lambda: fleet.processes("sleep 4323"))
        connection.send(b"\x03")  # job control
        wait_for("no command", lambda: not fleet.processes("sleep 4323"))
        connection.send(b"sleep 4324\n")
        wait_for("the next", lambda: fleet.processes("sleep 4324"))
        started = time.monotonic()
        connection.socket.shutdown(socket.SHUT_WR)
        connection.rest()
        assert time.monotonic() - started < 8
    wait_for("no command", lambda: not fleet.processes("sleep 4324"))
    with Connection() as connection:
        answer = connection.call("attach", cmd=["/no/such/program"])
        assert answer["ok"] is False and "/no/such/program" in answer["error"], "a failure comes before the acknowledgement"
        assert connection.call("health")["ok"], "and the connection goes on"


def answers():
    try:
        return call("health")["ok"]
    except ConnectionError:
        return False


def limits_hold():
    with Connection() as connection:
        connection.send(b'{"method":"health","x":"' + b"y" * (LONGEST_LINE + 1))
        try:
            answer = connection.line()
            assert answer["ok"] is False, answer
        except ConnectionError:
            pass
    idle = []
    with Connection() as early:
        assert early.call("health")["ok"]
        try:
            for _ in range(600):
                idle.append(Connection())
        except OSError:
            pass
        assert early.call("health")["ok"], "many callers took the socket from an earlier one"
    for connection in idle:
        connection.socket.close()
    wait_for("a free connection", answers)
    refused("timeout_secs", "exec", cmd=["true"], timeout_secs=10**9)


try:
    main([
        ("a line is a request, and answers come in order", lines_and_order),
        ("protocol errors have easyenclave's words, and the connection stays", errors_have_their_words),
        ("every method asks for the token", the_token_is_asked_for),
        ("health counts all records", health_counts),
        ("a quote holds the report data that was asked for", quotes_hold_what_was_asked),
        ("a deployment is answered at once, and listed with every field", a_deployment_is_answered_at_once_and_listed),
        ("a wrong deploy request is refused whole", a_wrong_deployment_is_refused_whole),
        ("arguments arrive as they were said, with a terminal too", arguments_arrive_as_they_were_said),
        ("a workload has the environment that was asked for, and never the token", the_environment_is_clean),
        ("how a workload ended is in its record", how_it_ended_is_recorded),
        ("stop is prompt and takes every child", stop_is_prompt_and_whole),
        ("a redeploy replaces, one that fails does not, and the last of many stays", a_redeploy_replaces_and_a_failed_one_does_not),
        ("a release is fetched, with and without a command", releases_are_fetched),
        ("exec waits for the end and says how it was", exec_waits_for_the_end),
        ("a log is text whatever was written", logs_are_bytes_made_text),
        ("attach hands the connection over behind its acknowledgement", attach_hands_the_connection_over),
        ("lines, connections and times have limits", limits_hold),
    ])
finally:
    fleet.stop()
    scratch.cleanup()
