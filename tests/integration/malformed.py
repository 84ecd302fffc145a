#!/usr/bin/env python3
"""Malformed DeployRequests against a real agent: each is refused with 400 and the path of the field at fault, and the fleet works on.
Usage: malformed.py TOOLS_FOLDER"""

import json
import sys
from pathlib import Path

from fleet import Fleet, free_port, main

tools = Path(sys.argv[1]).resolve()
port = free_port()
good = {"app_name": "app", "cmd": ["hello", str(port)]}
exposed = {"hostname_label": "app", "port": port}


def changed(**members):
    return {**good, **members}


def without(member):
    return {name: value for name, value in good.items() if name != member}


def expose(**members):
    return changed(expose={**exposed, **members})


NAMES = ["", "App", "-app", ".app", "a b", "a/b", "../up", "a\u0000", "ä", "a" * 64]
LABELS = ["", "App", "-a", "a-", "a.b", "a_b", "a" * 33]
VARIABLES = ["", "NAME", "=value", "1A=value", "A-B=value", "A B=value", "A=\u0000"]
PORTS = [0, -1, 65536, 2**40]

# (path that the answer must name, body)
CASES = [
    *[("$", text) for text in ["", "{", "null", "[]", '"text"', "7", "{} {}", '{"app_name":"a","app_name":"b","cmd":["x"]}', "[" * 40 + "]" * 40]],
    ("$.app_name", without("app_name")),
    ("$.app_name", changed(app_name=7)),
    ("$.app_name", changed(app_name=["app"])),
    *[("$.app_name", changed(app_name=name)) for name in NAMES],
    ("$.cmd", without("cmd")),
    ("$.cmd", changed(cmd="hello")),
    ("$.cmd", changed(cmd={})),
    ("$.cmd", changed(cmd=[])),
    ("$.cmd", changed(cmd=["x"] * 257)),
    ("$.cmd[0]", changed(cmd=[""])),
    ("$.cmd[0]", changed(cmd=[7])),
    ("$.cmd[1]", changed(cmd=["hello", "a\u0000b"])),
    ("$.env", changed(env="A=b")),
    ("$.env", changed(env={"A": "b"})),
    ("$.env[1]", changed(env=["A=b", "A=c"])),
    ("$.env[1]", changed(env=["A=b", 7])),
    *[("$.env[0]", changed(env=[text])) for text in VARIABLES],
    ("$.privileged", changed(privileged="yes")),
    ("$.tty", changed(tty=1)),
    ("$.expose", changed(expose="app")),
    ("$.expose[0]", changed(expose=["app"])),
    ("$.expose.hostname_label", changed(expose={"port": port})),
    ("$.expose.port", expose(port=str(port))),
    ("$.expose.port", expose(port=1.5)),
    *[("$.expose.port", expose(port=port)) for port in PORTS],
    *[("$.expose.hostname_label", expose(hostname_label=label)) for label in LABELS],
    ("$.expose.protocol", expose(protocol="gopher")),
    ("$.expose[1].hostname_label", changed(expose=[exposed, {**exposed, "port": port + 1}])),
]


def each_is_refused_with_its_path(fleet):
    wrong = []
    for path, body in CASES:
        text = body if isinstance(body, str) else json.dumps(body)
        status, answer = fleet.as_owner("POST", fleet.agent_url() + "/deploy", text)
        if status != 400 or answer.get("path") != path or answer.get("code") not in ("malformed", "invalid_argument"):
            wrong.append(f"{text[:100]!r}: want 400 {path}, got {status} {answer}")
    assert not wrong, "\n".join(wrong)
    print(f"{len(CASES)} requests refused")


def nothing_was_started(fleet):
    started = [row["app_name"] for row in fleet.ctl_json("ps", "--all")]
    assert "app" not in started and "" not in started, started


def a_good_one_still_works(fleet):
    answer = json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(good)))
    assert answer["status"] == "running", answer
    fleet.ctl("mop", "app")
    assert [agent["status"] for agent in fleet.ctl_json("agents")] == ["healthy"]


if __name__ == "__main__":
    with Fleet(tools) as running:
        main([(case.__name__.replace("_", " "), lambda case=case: case(running))
              for case in (each_is_refused_with_its_path, nothing_was_started, a_good_one_still_works)])
