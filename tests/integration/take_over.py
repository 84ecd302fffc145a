#!/usr/bin/env python3
"""One control plane takes the host name over from another: the new one is ready and proves itself first, the old one then leaves, agents register
again; of two that start at once one stays. Usage: take_over.py TOOLS_FOLDER"""

import json
import os
import signal
import sys
from pathlib import Path

from fleet import Fleet, command_line, descendants, main, wait_for

tools = Path(sys.argv[1]).resolve()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=1s")

def control_planes(name):
    return [pid for pid in descendants(fleet.runtime_of(name)) if "dd-cp" in command_line(pid)]


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
    impostor = fleet.boot("cp-poor", "cp", "DD_ITA_API_KEY=")
    wait_for("it says why", lambda: "the control plane there is attested and this one is not" in fleet.said("cp-poor"))
    assert key() == before
    impostor.send_signal(signal.SIGTERM)
    assert impostor.wait(30) == 0


def a_new_one_takes_over():
    fleet.boot("vm-2", "vm-1", "DD_VM_NAME=vm-2", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
    wait_for("vm-2 is healthy", lambda: status_of("vm-2") == "healthy")
    before, old = key(), control_planes("cp")
    gaps = []
    fleet.boot("cp-2", "cp")
    after = wait_for("another key", lambda: (lambda k: gaps.append(k) or (k if k and k != before else None))(key()))
    assert None not in gaps, f"{gaps.count(None)} of {len(gaps)} requests were not answered"
    wait_for("the old one is gone", lambda: not control_planes("cp"))
    wait_for("its tunnel is gone", lambda: cp_tunnels() == [name_record()])
    assert "another control plane has taken the host name" in fleet.said("cp") and old
    wait_for("vm-2 is healthy at the new one", lambda: status_of("vm-2") == "healthy")
    assert key() == after


def the_old_one_stays_away():
    assert not control_planes("cp")
    rows = [line for line in fleet.said("cp").splitlines() if "workload ended" in line and "dd-cp" in line]
    assert len(rows) == 1 and "exit 0" in rows[0], rows


def two_at_once_settle_on_one():
    before = key()
    fleet.boot("cp-3", "cp")
    fleet.boot("cp-4", "cp")
    names = ("cp-2", "cp-3", "cp-4")
    # Before both have begun, the one that was there is still alone.
    for newcomer in ("cp-3", "cp-4"):
        wait_for(f"{newcomer} begins", lambda: "control plane listening" in fleet.said(newcomer))
    wait_for("one of them", lambda: sum(len(control_planes(n)) for n in names) == 1)
    wait_for("its key", lambda: key() not in (None, before))
    assert not control_planes("cp-2")
    assert wait_for("one tunnel", lambda: cp_tunnels() == [name_record()])
    wait_for("vm-2 is healthy", lambda: status_of("vm-2") == "healthy")


def a_dead_one_is_replaced():
    holder = next(n for n in ("cp-3", "cp-4") if control_planes(n))
    fleet.booted[holder].kill()
    for pid in descendants(fleet.booted[holder].pid):
        os.kill(pid, signal.SIGKILL)
    before = name_record()
    fleet.boot("cp-5", "cp")
    wait_for("the name is its", lambda: "no control plane proves to be" in fleet.said("cp-5") and name_record() != before and key())


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
    fleet.stop()
