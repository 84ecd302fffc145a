#!/usr/bin/env python3
"""A workload that turns on its VM: whatever it tries on agent, runtime, connector, control plane and another workload is refused, although
the same attempt works on what is its own. Usage: workload_boundary.py TOOLS_FOLDER"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

from fleet import Fleet, Skip, main, parent_of, wait_for

tools = Path(sys.argv[1]).resolve()
intruder = (Path(__file__).resolve().parent / "intruder.py").read_text()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=200ms")
vm, cp = fleet.home / "vm-1", fleet.home / "cp"
OF_A_PROCESS = ("memory", "environment", "descriptors", "work_folder", "trace", "signal")


def deploy(name, *cmd):
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps({"app_name": name, "cmd": cmd, "env": ["SECRET=of another"]})))


def process(needle):
    found = fleet.processes(needle)
    assert found, f"no process runs {needle}"
    return found[0]


def started_by(parent, needle):
    return next(pid for pid in fleet.processes(needle) if parent_of(pid) == parent)


def runtime_of(role):
    return parent_of(process(role))


def subjects():
    """[kind, name, subject] of everything that is not the intruder's. Each is looked at as root first, so that a path that is wrong is noticed."""
    deploy("other", "sh", "-c", "echo mine > secret; exec sleep 4242")
    wait_for("the other workload's file", lambda: (vm / "data/work/other/secret").exists())
    agent, control_plane = process("tools/dd-agent"), process("tools/dd-cp")
    processes = {"agent": agent, "runtime": runtime_of("tools/dd-agent"), "connector": started_by(agent, "connector tunnel"), "control-plane": control_plane,
                 "its-runtime": runtime_of("tools/dd-cp"), "other": process("sleep 4242")}
    assert len(set(processes.values())) == len(processes), processes
    state = vm / "data/work/dd-agent/state/connector"
    paths = {
        "read": [vm / "config.json", cp / "config.json", fleet.home / "simulator.json", vm / "data/lock", state / "tunnel-token", vm / "data/work/other/secret",
                 *(cp / "data/work/dd-cp/state").glob("*.db*"), vm / "enclave.log"],
        "listing": [fleet.home, vm, vm / "data/store", vm / "data/work", vm / "data/work/dd-agent", state, vm / "data/work/other", cp / "data/work/dd-cp"],
        "write": [*(vm / "data/store").iterdir(), Path("/proc/sys/kernel/core_pattern"), vm / "data/work/other/secret"],
        "create": [vm, vm / "run", vm / "data/store", vm / "data/work", vm / "data/work/dd-agent", vm / "data/work/other"],
        "connect": [vm / "run/agent.sock", cp / "run/agent.sock"],
    }
    missing = [path for group in paths.values() for path in group if not path.exists()]
    assert not missing, missing
    assert any("registry" in str(p) or ".db" in str(p) for p in paths["read"]), paths["read"]
    found = [[kind, name, pid] for name, pid in processes.items() for kind in OF_A_PROCESS]
    found += [["capability", name, processes[name]] for name in ("agent", "control-plane", "runtime")]
    return found + [[kind, str(path), str(path)] for kind, group in paths.items() for path in group]


def need_root():
    if os.geteuid() != 0:
        raise Skip("without root there is one uid for everything, and no boundary")


def intruder_is_refused_everything():
    need_root()
    wanted = subjects()
    deploy("intruder", "env", "python3", "-c", intruder, json.dumps(wanted))
    lines = wait_for("the intruder's last line", lambda: (lambda said: said if said and said[-1] == "done" else None)(log_of("intruder")))
    verdicts = {tuple(line.split()[:2]): line.split()[2] for line in lines if line.split()[0] not in ("variables", "done")}
    kinds = {kind for kind, _, _ in wanted}
    useless = [kind for kind in kinds if verdicts.get((kind, "own")) != "allowed"]
    assert not useless, f"cannot even do on its own: {useless}\n" + "\n".join(lines)
    not_refused = [f"{kind} {name}" for kind, name, _ in wanted if verdicts.get((kind, name)) != "refused"]
    assert not not_refused, "\n".join(not_refused)
    print(f"{len(wanted)} attempts of {len(kinds)} kinds refused")


def intruder_was_given_nothing():
    need_root()
    given = next(line for line in log_of("intruder") if line.startswith("variables ")).split()[1:]
    ours = [name for name in given if name.startswith(("EE_", "DD_"))]
    assert "SECRET" in given and ours == ["DD_DEPLOYMENT_ID"], given


def log_of(app):
    return fleet.as_owner("GET", fleet.agent_url() + f"/logs/{app}?tail=1000")[1].get("lines", [])


def call(token, method):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(vm / "run/agent.sock"))
        client.sendall(json.dumps({"token": token, "method": method}).encode() + b"\n")
        return json.loads(client.makefile().readline())


def the_socket_has_no_way_to_the_keys():
    """As whoever stole the agent's token, from a uid that may connect: what the capability offers is not offered here."""
    settings = Path(f"/proc/{process('tools/dd-agent')}/environ").read_bytes().split(b"\0")
    token = next(s for s in settings if s.startswith(b"EE_TOKEN=")).split(b"=", 1)[1].decode()
    assert call(token, "health")["ok"]
    for method in ("sign", "open", "quote", "seq", "keys", "log"):
        answer = call(token, method)
        assert not answer["ok"] and answer["code"] == "unsupported", (method, answer)
    for wrong in ("", token[:-1], token.upper() if token.upper() != token else token[::-1], None):
        answer = call(wrong, "health")
        assert not answer["ok"] and answer["code"] == "unauthenticated", answer


def verdict_says_whether_there_is_a_boundary():
    told = json.dumps(fleet.agent()["verdict"])
    assert ("no boundary" in told) == (os.geteuid() != 0), told


def the_fleet_serves_on():
    assert [a["status"] for a in fleet.ctl_json("agents")] == ["healthy"]
    assert deploy("after", "sleep", "1000")["status"] == "running"


def a_policy_can_refuse_what_is_privileged():
    """The control plane starts again with a stricter file; what runs already is accepted by it, and what is deployed then is not."""
    file = fleet.home / "policy.json"
    policy = json.loads(file.read_text())
    policy["rules"]["privileged"] = {"allow": ["false"]}
    file.write_text(json.dumps(policy))
    before = process("tools/dd-cp")
    os.kill(before, signal.SIGKILL)
    wait_for("the control plane again", lambda: fleet.processes("tools/dd-cp") not in ([], [before]))
    wait_for("its answer", lambda: fleet.get(fleet.about["cp_url"] + "/health")[0] == 200)
    # Until then the registry shows the verdict of the poll before.
    wait_for("a poll that passed under the new policy", lambda: "privileged" in {r["rule"] for r in fleet.agent()["verdict"]["rules"] if r["passed"]})
    assert fleet.agent()["status"] == "healthy", fleet.agent()
    # Its answer may find the tunnel gone already.
    fleet.request("POST", fleet.agent_url() + "/deploy", json.dumps({"app_name": "root", "cmd": ["sleep", "1000"], "privileged": True}),
                  {"Authorization": f"Bearer {fleet.credential}", "Content-Type": "application/json"})
    row = wait_for("the agent dropped", lambda: (lambda a: a if a["status"] == "dropped" else None)(fleet.agent()))
    assert "privileged is true" in row["reason"], row


try:
    main([
        ("a workload is refused everything that is not its own", intruder_is_refused_everything),
        ("a workload is given no token and no capability", intruder_was_given_nothing),
        ("the enclave's socket offers nothing that the capability does", the_socket_has_no_way_to_the_keys),
        ("the verdict says whether there is a boundary", verdict_says_whether_there_is_a_boundary),
        ("the fleet serves on", the_fleet_serves_on),
        ("a policy can refuse what is privileged", a_policy_can_refuse_what_is_privileged),
    ])
finally:
    fleet.stop()
