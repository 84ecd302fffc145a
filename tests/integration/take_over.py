#!/usr/bin/env python3
"""One control plane takes the host name over from another: the new one is ready and proves itself first, the old one then leaves, agents register
again; of two that start at once one stays. Usage: take_over.py TOOLS_FOLDER"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from fleet import Fleet, command_line, descendants, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=1s")
booted = {}


def runtime_of(vm):
    """The dd-enclave of a VM that `ddctl up` has booted."""
    return next(pid for pid in fleet.processes("dd-enclave") if f"/{vm}/config.json" in Path(f"/proc/{pid}/environ").read_text())


def boot(name, like, *settings, **members):
    """A dd-enclave beside those of the fleet, configured like VM `like`; `settings` and `members` replace those of its service."""
    folder = fleet.home / name
    folder.mkdir(mode=0o711)
    config = json.loads((fleet.home / like / "config.json").read_text())
    config.update(socket_path=str(folder / "run/agent.sock"), data_dir=str(folder / "data"))
    service = next(w for w in config["boot_workloads"] if w.get("role") in ("cp", "agent"))
    names = [s.split("=", 1)[0] for s in settings]
    service["env"] = [s for s in service["env"] if s.split("=", 1)[0] not in names] + list(settings)
    service.update(members)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "config.json").chmod(0o600)
    environment = dict(v.split("=", 1) for v in Path(f"/proc/{runtime_of('cp')}/environ").read_text().split("\0") if v)
    environment["DD_ENCLAVE_CONFIG"] = str(folder / "config.json")
    environment["DD_UID_BASE"] = str(int(environment["DD_UID_BASE"]) + 5000 + 1000 * len(booted))
    log = open(folder / "enclave.log", "w")
    booted[name] = subprocess.Popen([tools / "dd-enclave"], env=environment, stdout=log, stderr=log)
    return booted[name]


def said(name):
    return (fleet.home / name / "enclave.log").read_text()


def control_planes(name):
    root = booted[name].pid if name in booted else runtime_of(name)
    return [pid for pid in descendants(root) if "dd-cp" in command_line(pid)]


def key():
    status, body = fleet.get(fleet.about["cp_url"] + "/api/key")
    return json.loads(body)["cp_key"]["x"] if status == 200 else None


def cp_tunnels():
    return sorted(t["name"] for t in fleet.edge_state()["tunnels"] if t["deleted_at"] is None and "-cp-" in t["name"])


def name_record():
    records = [r for r in fleet.edge_state()["records"] if r["name"] == "app.dd.localhost"]
    assert len(records) == 1, records
    return records[0]["comment"].split("tunnel=")[1]


def status_of(vm):
    return next((a["status"] for a in fleet.ctl_json("agents") if a["vm_name"] == vm), None)


def an_owner_gets_the_control_planes_evidence():
    status, answer = fleet.as_owner("GET", fleet.about["cp_url"] + "/cp/ita")
    assert status == 200 and answer["claims"]["tcb_status"] == "UpToDate", answer
    nonce = "A" * 43
    status, answer = fleet.as_owner("GET", fleet.about["cp_url"] + f"/cp/attest?nonce={nonce}")
    assert status == 200 and answer["nonce"] == nonce and answer["ita_token"], answer
    status, answer = fleet.as_owner("GET", fleet.about["cp_url"] + "/cp/attest?report_data=" + "00" * 64)
    assert (status, answer["path"]) == (400, "report_data"), answer
    for path in ("/cp/ita", f"/cp/attest?nonce={nonce}"):
        assert fleet.get(fleet.about["cp_url"] + path)[0] == 401, path


def an_unattested_one_gets_nothing():
    before = key()
    impostor = boot("cp-poor", "cp", "DD_ITA_API_KEY=")
    wait_for("it says why", lambda: "the control plane there is attested and this one is not" in said("cp-poor"))
    assert key() == before
    impostor.send_signal(signal.SIGTERM)
    assert impostor.wait(30) == 0


def a_new_one_takes_over():
    boot("vm-2", "vm-1", "DD_VM_NAME=vm-2", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=", f"EE_SOCKET_PATH={fleet.home}/vm-2/run/agent.sock")
    wait_for("vm-2 is healthy", lambda: status_of("vm-2") == "healthy")
    before, old = key(), control_planes("cp")
    gaps = []
    boot("cp-2", "cp")
    after = wait_for("another key", lambda: (lambda k: gaps.append(k) or (k if k and k != before else None))(key()))
    assert None not in gaps, f"{gaps.count(None)} of {len(gaps)} requests were not answered"
    wait_for("the old one is gone", lambda: not control_planes("cp"))
    wait_for("its tunnel is gone", lambda: cp_tunnels() == [name_record()])
    assert "another control plane has taken the host name" in said("cp") and old
    wait_for("vm-2 is healthy at the new one", lambda: status_of("vm-2") == "healthy")
    assert key() == after


def the_old_one_stays_away():
    assert not control_planes("cp")
    rows = [line for line in said("cp").splitlines() if "workload ended" in line and "dd-cp" in line]
    assert len(rows) == 1 and "exit 0" in rows[0], rows


def two_at_once_settle_on_one():
    before = key()
    boot("cp-3", "cp")
    boot("cp-4", "cp")
    names = ("cp-2", "cp-3", "cp-4")
    wait_for("one of them", lambda: sum(len(control_planes(n)) for n in names) == 1 and key() not in (None, before))
    assert not control_planes("cp-2")
    assert wait_for("one tunnel", lambda: cp_tunnels() == [name_record()])
    wait_for("vm-2 is healthy", lambda: status_of("vm-2") == "healthy")


def a_dead_one_is_replaced():
    holder = next(n for n in ("cp-3", "cp-4") if control_planes(n))
    booted[holder].kill()
    for pid in descendants(booted[holder].pid):
        os.kill(pid, signal.SIGKILL)
    before = name_record()
    boot("cp-5", "cp")
    wait_for("the name is its", lambda: name_record() != before and key())
    assert "no control plane proves to be" in said("cp-5")


try:
    main([
        ("an owner gets the control plane's evidence, and nobody else", an_owner_gets_the_control_planes_evidence),
        ("one that cannot prove itself does not take over from one that can", an_unattested_one_gets_nothing),
        ("a new one takes over without a gap, the old one leaves with its tunnel", a_new_one_takes_over),
        ("the old one does not come back", the_old_one_stays_away),
        ("two that start at once settle on one", two_at_once_settle_on_one),
        ("a dead one is replaced", a_dead_one_is_replaced),
    ])
finally:
    for process in booted.values():
        process.send_signal(signal.SIGTERM)
    for process in booted.values():
        process.wait(40)
    fleet.stop()
