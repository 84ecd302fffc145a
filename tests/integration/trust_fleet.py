#!/usr/bin/env python3
"""The attack table against a real fleet: what real agents answer to forged, replayed and altered polls, who may choose report data,
which names are taken, what an edge in strangers' hands can do. Usage: trust_fleet.py TOOLS_FOLDER"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for
from relay import Relay
from statements import Signer, altered, b64u, from_b64u, thumbprint

tools = Path(sys.argv[1]).resolve()
POLL = "dd-poll+jwt"
REPORT_DATA_AT = 48 + 520  # header of a version 4 quote, then the offset in the TD report body

# The control plane reaches its agents through this relay: what Cloudflare's edge sees and could do.
edge = Relay(lambda fleet: fleet.environment_of("vm-1", "agent")["DD_EDGE_URL"])
fleet = Fleet(tools, "--agents", "2", "--cp-env", "DD_SCRAPE_INTERVAL=200ms", "--cp-env", f"DD_EDGE_URL={edge.url}", relays=[edge])
stranger = Signer()


def hostname(vm):
    return fleet.agent(vm)["hostname"]


def url_of(vm, path):
    return fleet.about["cp_url"].replace("app.dd.localhost", hostname(vm)) + path


def ask(vm, path, poll=None):
    status, body = fleet.get(url_of(vm, path), {"DD-Challenge": poll} if poll else None)
    return status, json.loads(body)


def control_plane_key():
    return json.loads(fleet.get(fleet.about["cp_url"] + "/api/key")[1])


def poll_claims(vm, **changes):
    now = int(time.time())
    return {"aud": fleet.agent(vm)["agent_id"], "iss": control_plane_key()["cp_origin"], "iat": now, "exp": now + 60,
            "nonce": b64u(secrets.token_bytes(32)), "log_from": 0, **changes}


def hold_back_a_poll(vm):
    """A genuine poll that the agent never got."""
    held, host = [], hostname(vm)

    def hold(_, to, path, headers):
        if not held and to.startswith(host) and path == "/health" and "DD-Challenge" in headers:
            held.append(headers["DD-Challenge"])
            return 503
        return None

    edge.on_request = hold
    wait_for("a poll on its way", lambda: held)
    edge.on_request = lambda *_: None
    return held[0]


def check_refused(answer, status, reason):
    assert answer[0] == status and answer[1].get("reason") == reason, answer
    assert "ita_token" not in answer[1], answer


def strangers_see_little():
    status, health = ask("vm-1", "/health")
    assert status == 200 and set(health) == {"ok", "service", "version", "integrity"}, health
    assert health["integrity"] == "simulated", health
    status, answer = ask("vm-1", "/log?from=0")
    assert status == 401 and "events" not in answer, answer


def unknown_key_is_refused():
    before = fleet.agent("vm-1")
    forged = stranger.sign(POLL, poll_claims("vm-1"))
    for path in ("/health", "/log?from=0"):
        check_refused(ask("vm-1", path, forged), 401, "cp_key_unknown")
    after = fleet.agent("vm-1")
    assert (after["agent_id"], after["kid"], after["registered_at"]) == (before["agent_id"], before["kid"], before["registered_at"]), after


def forged_polls_are_refused():
    genuine = hold_back_a_poll("vm-1")
    known = thumbprint(control_plane_key()["cp_key"])
    assert json.loads(from_b64u(genuine.split(".")[0])) == {"alg": "EdDSA", "kid": known, "typ": POLL}
    header = b64u(json.dumps({"alg": "none", "kid": known, "typ": POLL}).encode())
    forgeries = {
        "the control plane's kid over a stranger's signature": stranger.sign(POLL, poll_claims("vm-1"), kid=known),
        "another nonce under a genuine signature": altered(genuine, nonce=b64u(secrets.token_bytes(32))),
        "a later exp under a genuine signature": altered(genuine, exp=int(time.time()) + 3600),
        "no signature": genuine.rsplit(".", 1)[0] + ".",
        "alg none": header + "." + genuine.split(".")[1] + ".",
        "a statement of another kind": stranger.sign("dd-join+jwt", poll_claims("vm-1"), kid=known),
        "a header that brings its key along": stranger.sign(POLL, poll_claims("vm-1"), kid=known, jwk={"kty": "OKP"}),
        "no statement at all": "a.b.c",
    }
    for name, forged in forgeries.items():
        answer = ask("vm-1", "/health", forged)
        assert answer[0] == 401 and answer[1]["reason"] == "signature_invalid", (name, answer)


def polls_are_for_one_agent_and_one_use():
    genuine = hold_back_a_poll("vm-1")
    check_refused(ask("vm-2", "/health", genuine), 401, "signature_invalid")
    status, health = ask("vm-1", "/health", genuine)  # that it was good is what makes the next refusal say something
    assert status == 200 and health["agent_id"] == fleet.agent("vm-1")["agent_id"], health
    check_refused(ask("vm-1", "/health", genuine), 401, "replayed")


def late_polls_are_refused():
    wait_for("the end of the held poll's life", lambda: time.time() > json.loads(from_b64u(kept_poll.split(".")[1]))["exp"], 90)
    check_refused(ask("vm-1", "/health", kept_poll), 401, "signature_invalid")


def report_data_is_not_the_callers():
    nonce, chosen = secrets.token_bytes(32), secrets.token_bytes(64)
    refused = [f"report_data={b64u(chosen)}", f"nonce={b64u(nonce)}&report_data_b64={b64u(chosen)}", f"nonce={b64u(nonce)}&runtime_data={b64u(chosen)}",
               "", "nonce=", f"nonce={b64u(nonce[:15])}", f"nonce={b64u(chosen + b'x')}", "nonce=%2B%2B%2B%2B"]
    for query in refused:
        status, answer = fleet.as_owner("GET", url_of("vm-1", "/attest?" + query))
        assert (status, answer["code"]) == (400, "invalid_argument") and "quote_b64" not in answer, (query, answer)
    status, answer = fleet.as_owner("POST", url_of("vm-1", "/attest"), json.dumps({"report_data_b64": base64.b64encode(chosen).decode()}))
    assert (status, answer["code"]) == (405, "unsupported"), answer

    status, evidence = fleet.as_owner("GET", url_of("vm-1", "/attest?nonce=" + b64u(chosen)))
    assert status == 200, evidence
    bound, quote = from_b64u(evidence["runtime_data_b64u"]), base64.b64decode(evidence["quote_b64"])
    in_quote = quote[REPORT_DATA_AT:REPORT_DATA_AT + 64]
    assert in_quote == hashlib.sha512(bound).digest() and in_quote != chosen
    assert bound[:64] == hashlib.sha256(b"dd/attest/v1").digest() + hashlib.sha256(chosen).digest(), bound.hex()


def strangers_get_nothing_of_the_owners():
    calls = [("GET", "/attest?nonce=" + b64u(secrets.token_bytes(32)), None), ("POST", "/deploy", json.dumps({"app_name": "theirs", "cmd": ["true"]})),
             ("GET", "/deployments", None), ("GET", "/logs/dd-agent", None), ("DELETE", "/deployments/dd-agent", None)]
    session = stranger.sign("dd-session+jwt", poll_claims("vm-1", sub="ada"), kid=thumbprint(control_plane_key()["cp_key"]))
    for method, path, body in calls:
        status, answer = fleet.request(method, url_of("vm-1", path), body, {"Authorization": "Bearer " + fleet.stranger})
        assert (status, json.loads(answer)["code"]) == (403, "permission_denied"), (method, path, status, answer)
        for credential in (None, "ghp_nobody", session, stranger.sign("dd-session+jwt", poll_claims("vm-1", sub="ada"))):
            headers = {"Authorization": "Bearer " + credential} if credential else {}
            status, answer = fleet.request(method, url_of("vm-1", path), body, headers)
            assert status == 401 and json.loads(answer)["code"] == "unauthenticated", (method, path, credential, status, answer)
    assert "theirs" not in [row["app_name"] for row in fleet.ctl_json("ps", "--all", "--agent", "vm-1")]


def platform_names_are_taken():
    for name in ("dd-agent", "dd-agent.", "connector", "cloudflared", "dd-cp", "dd-management", "dd-enclave", "easyenclave"):
        status, answer = fleet.as_owner("POST", url_of("vm-1", "/deploy"), json.dumps({"app_name": name, "cmd": ["sleep", "1000"]}))
        assert (status, answer.get("reason")) == (409, "reserved_name"), (name, answer)
    for name in ("dd-agent", "connector"):
        status, answer = fleet.as_owner("DELETE", url_of("vm-1", "/deployments/" + name))
        assert (status, answer.get("reason")) == (409, "reserved_name"), (name, answer)
    status, answer = fleet.as_owner("GET", url_of("vm-1", "/deployments"))
    running = {d["app_name"]: d["status"] for d in answer["deployments"]}
    assert status == 200 and running["dd-agent"] == "running" and "sleep 1000" not in [d["source"] for d in answer["deployments"]], answer


def a_host_chooses_nothing_that_runs():
    """The same programs as every VM, started by somebody who says what names resolve to, where releases are and who vouches for them."""
    hostile = fleet.home / "hostile"
    hostile.mkdir()
    (hostile / "id").write_text("#!/bin/sh\necho uid=0")
    (hostile / "id").chmod(0o755)
    as_owner = ("DD_VM_NAME=vm-3", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
    for name, value in (("DD_ENCLAVE_PATH", f"{hostile}:/usr/bin:/bin"), ("DD_GITHUB_API_URL", "http://127.0.0.1:9"),
                        ("DD_CA_FILE", str(hostile / "id")), ("DD_FETCH_PROGRAM", str(hostile / "id"))):
        fleet.boot("vm-3", "vm-1", *as_owner, runtime={name: value})
        wait_for(f"refused for {name}", lambda: "trust_settings is runtime." in fleet.said("vm-3"))
        fleet.end("vm-3")
    assert "vm-3" not in [a["vm_name"] for a in fleet.ctl_json("agents")]
    fleet.boot("vm-3", "vm-1", *as_owner)
    wait_for("in without them", lambda: "healthy" in [a["status"] for a in fleet.ctl_json("agents") if a["vm_name"] == "vm-3"])
    fleet.end("vm-3")


def a_host_adds_nothing_that_boots():
    """The policy of `ddctl up` lists what boots; and what makes a program run other code is refused by any."""
    as_owner = ("DD_VM_NAME=vm-4", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")

    def connector(**members):
        return lambda workloads: next(w for w in workloads if w.get("role") == "connector").update(members)

    changes = [
        (lambda workloads: workloads.append({"app_name": "spy", "cmd": ["sleep", "1000"], "inherit_token": True}), "boot_workloads has spy sha256:"),
        (lambda workloads: workloads.insert(0, {"app_name": "first", "cmd": ["sleep", "1000"]}), "boot_workloads has first sha256:"),
        (connector(env=["HTTPS_PROXY=http://127.0.0.1:9"]), "boot_workloads has connector sha256:"),
        (connector(env=["LD_PRELOAD=/evil.so"]), "connector.LD_PRELOAD=/evil.so"),
        (connector(cmd=[str(tools / "ddctl"), "connector", "--elsewhere"]), "connector.cmd=["),
    ]
    for change, why in changes:
        fleet.boot("vm-4", "vm-1", *as_owner, change=change)
        wait_for(f"refused with {why}", lambda: why in fleet.said("vm-4"))
        fleet.end("vm-4")
    assert "vm-4" not in [a["vm_name"] for a in fleet.ctl_json("agents")]


def a_policy_is_written_from_a_vm():
    written = json.loads(fleet.ctl("policy", "from-vm", "vm-1", "vm-2"))
    kept = json.loads((fleet.home / "policy.json").read_text())
    # ... but for what it says besides.
    rules = written["rules"]
    assert rules.pop("privileged")["allow"] == ["false"] and rules.pop("boundary")["allow"] == ["uid" if os.geteuid() == 0 else "none"], rules
    assert written == kept, (written, kept)
    assert "no-such-vm" in fleet.ctl("policy", "from-vm", "vm-1", "no-such-vm", code=1)


def deploys_still_work():
    port = free_port()
    spec = {"app_name": "after", "cmd": ["hello", str(port)], "expose": {"hostname_label": "after", "port": port}}
    url = json.loads(fleet.ctl("deploy", "-", "--agent", "vm-1", "-o", "json", text=json.dumps(spec)))["urls"][0]
    assert fleet.get(url)[0] == 200


def tunnels():
    return {t["name"] for t in fleet.edge_state()["tunnels"] if t["deleted_at"] is None}


def an_altered_health_answer_is_noticed():
    """A real agent's answer, one word changed at the edge: the control plane believes the agent and not its edge."""
    victim = fleet.agent("vm-2")
    edge.on_answer = lambda host, path, body: body.replace(b'"ok":true', b'"ok":false') if host.startswith(victim["hostname"]) else body
    row = wait_for("vm-2 dropped", lambda: (lambda a: a if a["status"] == "dropped" else None)(fleet.agent("vm-2")))
    edge.on_answer = lambda host, path, body: body
    assert row["agent_id"] == victim["agent_id"] and "body is not what was signed" in row["reason"], row
    assert victim["agent_id"] not in tunnels()
    assert fleet.agent("vm-1")["status"] == "healthy"


def only_owners_revoke():
    path = fleet.about["cp_url"] + "/api/agents/"
    status, answer = fleet.as_owner("POST", path + "dd-local-agent-00000000-0000-4000-8000-000000000000/revoke", "{}")
    assert (status, answer["code"]) == (404, "not_found"), answer
    for headers in ({}, {"Authorization": "Bearer ghp_nobody"}):
        assert fleet.request("POST", path + fleet.agent("vm-1")["agent_id"] + "/revoke", "{}", headers)[0] == 401
    assert fleet.agent("vm-1")["status"] == "healthy"


def revoked_is_gone_and_stays_away():
    agent = fleet.agent("vm-1")
    names = [agent["hostname"], *agent["extra_hostnames"]]
    published = {r["name"] for r in fleet.edge_state()["records"]}
    assert len(names) > 1 and set(names) <= published, (names, published)
    port = next(rule["service"] for t in fleet.edge_state()["tunnels"] if t["name"] == agent["agent_id"]
                for rule in t["ingress"] if rule.get("hostname") == agent["hostname"]).rsplit(":", 1)[1]
    fleet.ctl("agents", "revoke", "vm-1", "--reason", "lost")

    assert agent["agent_id"] not in tunnels()
    assert not {r["name"] for r in fleet.edge_state()["records"]} & set(names)
    for name in names:
        assert fleet.get(f"http://{name}:{fleet.about['cp_url'].rsplit(':', 1)[1]}/health")[0] == 404, name
    # Its program still runs in the VM. A workload that comes or goes makes it speak to the control plane, which does not know it any more.
    mop = urllib.request.Request(f"http://127.0.0.1:{port}/deployments/after", method="DELETE", headers={"Authorization": "Bearer " + fleet.credential})
    try:
        raise AssertionError(f"mopped without its control plane: {urllib.request.urlopen(mop, timeout=30).read()}")
    except urllib.error.HTTPError as refused:
        assert json.load(refused)["reason"] == "revoked"
    assert [a["status"] for a in fleet.ctl_json("agents") if a["vm_name"] == "vm-1"] == ["dropped"]


kept_poll = hold_back_a_poll("vm-1")
try:
    main([
        ("an agent tells strangers that it lives, and no more", strangers_see_little),
        ("a poll under a key that the agent does not know is refused, and changes nothing", unknown_key_is_refused),
        ("a forged or altered poll is refused", forged_polls_are_refused),
        ("a poll is for one agent and one use", polls_are_for_one_agent_and_one_use),
        ("nobody chooses the report data of a quote", report_data_is_not_the_callers),
        ("strangers get no quote, no log and no deploy", strangers_get_nothing_of_the_owners),
        ("names of the platform are neither deployed nor mopped", platform_names_are_taken),
        ("a host that says what the runtime runs and believes gets no VM in", a_host_chooses_nothing_that_runs),
        ("a host that adds what boots gets no VM in", a_host_adds_nothing_that_boots),
        ("the policy that is written from VMs is the one that they were let in by", a_policy_is_written_from_a_vm),
        ("deploys work after all that", deploys_still_work),
        ("a health answer altered at the edge drops the agent", an_altered_health_answer_is_noticed),
        ("a poll that comes later than its exp is refused", late_polls_are_refused),
        ("only owners revoke, and only what is there", only_owners_revoke),
        ("a revoked agent's tunnel and names are gone, and it may not come back", revoked_is_gone_and_stays_away),
    ])
finally:
    fleet.stop()
