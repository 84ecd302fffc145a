#!/usr/bin/env python3
"""One workload through the whole house: a VM boots, proves itself, registers; a process deployed with one call answers at its public
hostname until it is mopped. Usage: main_line.py TOOLS_FOLDER"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from fleet import Fleet, Skip, command_line, descendants, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()


def workload(name, port, *extra):
    return {"app_name": name, "cmd": ["hello", str(port), *extra], "expose": {"hostname_label": name, "port": port}}


boot_port = free_port()
boot_file = Path("/tmp") / f"dd-boot-{os.getpid()}.json"
boot_file.write_text(json.dumps([workload("greeter", boot_port)]))
fleet = Fleet(tools, "--boot", str(boot_file), "--cp-env", "DD_SCRAPE_INTERVAL=1s")


def deploy(spec):
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec)))


def agents_are_healthy():
    # The first poll may come before the connector.
    agents = wait_for("one healthy agent", lambda: (lambda all: all if [a["status"] for a in all] == ["healthy"] else None)(fleet.ctl_json("agents")))
    assert agents[0]["simulated"] and agents[0]["verdict"]["accepted"], agents


def boot_workload_is_public():
    url = fleet.about["cp_url"].replace("app.", f"greeter.{fleet.about['agents'][0]['hostname'].split('.')[0]}.", 1)
    status, body = wait_for("the boot workload answers", lambda: (lambda r: r if r[0] == 200 else None)(fleet.get(url)))
    assert "hello" in body, body


def deploy_prints_the_url():
    url = fleet.ctl("deploy", fleet.hello).strip()
    assert url.startswith("http://hello."), url
    status, body = fleet.get(url)
    assert status == 200, (status, body)
    assert "hello" in [row["app_name"] for row in fleet.ctl_json("ps")]


def curl_reaches_it():
    url = next(f"http://{name}:{fleet.about['cp_url'].rsplit(':', 1)[1]}/" for name in fleet.agent()["extra_hostnames"] if name.startswith("hello."))
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url], capture_output=True, text=True, timeout=30)
    assert done.stdout == "200", (url, done)


def mop_takes_it_away():
    spec = workload("family", free_port(), "--with-child")
    url = deploy(spec)["urls"][0]
    assert fleet.get(url)[0] == 200
    assert len(fleet.processes(str(spec["expose"]["port"]))) >= 2, "the workload has no child"
    fleet.ctl("mop", "family")
    assert fleet.get(url)[0] == 404
    assert fleet.processes(str(spec["expose"]["port"])) == []


def mop_is_about_the_app():
    """Also behind a redeploy that failed: what runs on is what logs shows and what mop ends."""
    port = free_port()
    good = deploy(workload("twofold", port))
    refused = fleet.ctl("deploy", "-", code=1, text=json.dumps(workload("twofold", port) | {"cmd": ["/opt/nowhere/server"]}))
    assert "/opt/nowhere/server" in refused, refused
    assert fleet.get(good["urls"][0])[0] == 200
    assert fleet.ctl_json("logs", "twofold")["id"] == good["id"]
    before = fleet.ctl_json("logs", "twofold", "--previous")
    assert before["status"] == "failed" and before["id"] != good["id"], before
    assert fleet.ctl_json("logs", "twofold", "--id", before["id"]) == before
    fleet.ctl("mop", "twofold")
    assert fleet.get(good["urls"][0])[0] == 404
    assert fleet.processes(f"hello {port}") == [] and "twofold" not in [row["app_name"] for row in fleet.ctl_json("ps")]


def exit_takes_the_hostname_away():
    port = free_port()
    url = deploy(workload("mortal", port))["urls"][0]
    for pid in fleet.processes(f"hello {port}"):
        os.kill(pid, signal.SIGKILL)
    wait_for("404 after the workload died", lambda: fleet.get(url)[0] == 404)
    row = next(r for r in fleet.ctl_json("ps", "--all") if r["app_name"] == "mortal")
    assert row["status"] == "exited" and row["signal"] == 9, row


def redeploy_replaces():
    port = free_port()
    first = deploy(workload("twice", port))
    second = deploy(workload("twice", port))
    assert first["id"] != second["id"] and first["urls"] == second["urls"]
    assert fleet.get(second["urls"][0])[0] == 200
    live = [r for r in fleet.ctl_json("ps") if r["app_name"] == "twice"]
    assert [r["id"] for r in live] == [second["id"]], live


def logs_are_followed():
    shell = lambda script: {"app_name": "talker", "cmd": ["sh", "-c", script]}
    deploy(shell("n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done"))
    follower = subprocess.Popen([tools / "ddctl", "logs", "talker", "-f"], env=fleet.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = [follower.stdout.readline() for _ in range(50)]
    start = int(seen[0].split()[1])
    assert seen == [f"line {start + i}\n" for i in range(50)], seen
    deploy(shell("echo anew"))
    out, err = follower.communicate(timeout=30)
    assert follower.returncode == 0 and out.endswith("anew\n") and "deployed again" in err and "talker is exited" in err, (out[-80:], err)
    assert fleet.ctl("logs", "talker") == "anew\n"


def clash_of_ports_names_the_holder():
    port = free_port()
    deploy(workload("first", port))
    answer = fleet.ctl("deploy", "-", code=1, text=json.dumps(workload("second", port)))
    assert "held by first" in answer and "port_in_use" in answer, answer


def boot_workloads_are_in_the_registration():
    """The agent's tunnel was configured once, by /register: a list that came afterwards would be its second version."""
    state = fleet.edge_state()
    tunnel = next(t for t in state["tunnels"] if t["name"] == fleet.agent()["agent_id"])
    account = fleet.cp_environment()["DD_CF_ACCOUNT_ID"]
    answer = fleet.cloudflare("GET", f"/client/v4/accounts/{account}/cfd_tunnel/{tunnel['id']}/configurations")["result"]
    hosts = [rule.get("hostname", "") for rule in answer["config"]["ingress"]]
    assert answer["version"] == 1 and any(host.startswith("greeter.") for host in hosts), answer


def sockets_of(pid):
    links = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def the_runtime_has_no_network():
    if os.geteuid() != 0:
        raise Skip("cannot read other users' descriptors without root")
    for vm, service in (("cp", "dd-cp"), ("vm-1", "dd-agent")):
        handed_over = sockets_of(fleet.tool_pid(service))
        mine = sockets_of(fleet.runtime_of(vm)) - handed_over
        assert mine and handed_over, vm
        for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6"):
            rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
            found = [row for row in rows if row[9] in mine]
            assert not found, f"{vm}'s dd-enclave has a socket of {table} that is not {service}'s: {found}"


def what_runs_is_the_copy_that_was_hashed():
    if os.geteuid() != 0:
        raise Skip("cannot read other users' processes without root")
    deploy({"app_name": "hashed", "cmd": ["sleep", "1000"]})
    rows = {row["app_name"]: row for row in fleet.as_owner("GET", fleet.agent_url() + "/deployments")[1]["deployments"]}
    pid = next(pid for pid in descendants(fleet.runtime_of("vm-1")) if command_line(pid) == "sleep 1000 ")
    program = Path(os.readlink(f"/proc/{pid}/exe"))
    digest = hashlib.sha256(Path(f"/proc/{pid}/exe").read_bytes()).hexdigest()
    assert program.parent == fleet.home / "vm-1/data/store" and program.name == "sha256-" + digest, program
    assert rows["hashed"]["digest"] == "sha256:" + digest, rows["hashed"]
    log = fleet.as_owner("GET", fleet.agent_url() + "/attest?nonce=" + "A" * 43)[1]["log"]
    assert digest in json.dumps(log["events"][-1]), log
    fleet.ctl("mop", "hashed")


def sockets_are_local():
    inodes = set()
    for pid in descendants(fleet.process.pid):
        try:
            inodes |= sockets_of(pid)
        except OSError:
            continue
    if not inodes:
        raise Skip("cannot read other users' descriptors without root")
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                address = columns[1].rsplit(":", 1)[0]
                assert address in ("0100007F", "00000000000000000000000001000000"), f"{table} listens on {address}"


def connector_comes_back():
    url = fleet.agent_url() + "/health"
    assert fleet.get(url)[0] == 200
    connectors = fleet.processes("connector tunnel")
    assert len(connectors) == 2, connectors  # the control plane's and the agent's
    seen = []
    for pid in connectors:
        os.kill(pid, signal.SIGKILL)
    seen.append(fleet.get(url)[0])
    assert 530 in seen or wait_for("530 without a connector", lambda: fleet.get(url)[0] == 530, 5)
    wait_for("the hostname answers again", lambda: fleet.get(url)[0] == 200)
    wait_for("the control plane answers again", lambda: fleet.get(fleet.about["cp_url"] + "/health")[0] == 200)


def healthy_after(tool):
    """Kills the tool; its enclave starts it again. The agent as soon as a poll has proved it once more."""
    before = fleet.processes("tools/" + tool)
    os.kill(before[0], signal.SIGKILL)
    wait_for(f"{tool} again", lambda: fleet.processes("tools/" + tool) not in ([], before))
    wait_for("an answer", lambda: fleet.get(fleet.about["cp_url"] + "/health")[0] == 200)
    return wait_for("a proven poll", lambda: (lambda a: a if a["status"] == "healthy" else None)(fleet.agent()))


def agent_tunnels():
    return sorted(t["id"] for t in fleet.edge_state()["tunnels"] if t["deleted_at"] is None and "-agent-" in t["name"])


def killed_tools_come_back_as_who_they_were():
    agent, tunnels = fleet.agent(), agent_tunnels()
    registrations = lambda: (fleet.home / "vm-1/enclave.log").read_text().count("took_ms=")
    first = registrations()
    again = healthy_after("dd-cp")
    assert (again["agent_id"], agent_tunnels(), registrations()) == (agent["agent_id"], tunnels, first), again
    again = healthy_after("dd-agent")
    wait_for("a second registration", lambda: registrations() > first)
    wait_for("its host again", lambda: fleet.get(fleet.agent_url() + "/health")[0] == 200)
    assert (again["agent_id"], agent_tunnels()) == (agent["agent_id"], tunnels), again


def attest_explains():
    text = wait_for("the agent answers", lambda: fleet.ctl("attest", "vm-1"))
    assert "SIMULATED" in text and "bound to our nonce" in text and "replays to RTMR3" in text, text
    told = fleet.ctl_json("attest", fleet.agent_url())
    assert told["verified"] and [len(r) for r in (told["mrtd"], *told["rtmr"])] == [96] * 5, told


def doctor_finds_nothing_bad():
    told = fleet.ctl_json("doctor", "fleet")
    assert told["ok"] and {"what": "agent vm-1", "health": "ok", "found": "healthy", "fix": ""} in told["checks"], told
    assert "simulated evidence is accepted" in fleet.ctl("doctor", "fleet")
    environment = {**fleet.environment, **fleet.cp_environment()}
    done = subprocess.run([tools / "ddctl", "doctor", "control-plane"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "ok    Cloudflare tunnels: allowed" in done.stdout, (done.stdout, done.stderr)
    environment["DD_CF_API_TOKEN"] = "wrong"
    done = subprocess.run([tools / "ddctl", "doctor", "control-plane"], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "FAIL  Cloudflare tunnels" in done.stdout and "wrong" not in done.stdout, (done.stdout, done.stderr)


def unknown_members_are_warned_about():
    port = free_port()
    answer = deploy({**workload("warned", port), "replicas": 3})
    assert any("replicas" in warning for warning in answer["warnings"]), answer


def revoke_removes_everything_but_strangers():
    account = fleet.cp_environment()["DD_CF_ACCOUNT_ID"]
    agent = fleet.agent()
    stranger = agent["agent_id"][:-1] + ("0" if agent["agent_id"][-1] != "0" else "1")
    made = fleet.cloudflare("POST", f"/client/v4/accounts/{account}/cfd_tunnel", {"name": stranger, "config_src": "cloudflare"})
    assert made["success"], made
    fleet.ctl("agents", "revoke", "vm-1", "--reason", "test")
    state = fleet.edge_state()
    live = {t["name"] for t in state["tunnels"] if t["deleted_at"] is None}
    assert agent["agent_id"] not in live and stranger in live, live
    assert not [r for r in state["records"] if agent["agent_id"] in r["name"]], state["records"]
    assert fleet.agent()["status"] == "dropped"
    assert fleet.get(fleet.agent_url() + "/health")[0] == 404


def nothing_is_left():
    before = descendants(fleet.process.pid)
    assert before
    code = fleet.stop()
    boot_file.unlink()
    assert code == 0, code
    left = [pid for pid in before if Path(f"/proc/{pid}").exists()]
    assert left == [], left
    assert not fleet.folder.exists()


try:
    main([
        ("agents are healthy", agents_are_healthy),
        ("a boot workload is public right after registration", boot_workload_is_public),
        ("boot workloads are in the registration, and no list is sent after it", boot_workloads_are_in_the_registration),
        ("deploy prints the URL and it answers", deploy_prints_the_url),
        ("curl reaches the public hostname", curl_reaches_it),
        ("mop takes hostname, process and children away", mop_takes_it_away),
        ("mop and logs are about the app, also behind a redeploy that failed", mop_is_about_the_app),
        ("the hostname goes when the workload dies", exit_takes_the_hostname_away),
        ("a redeploy replaces the running one", redeploy_replaces),
        ("ddctl logs -f prints every line once, through a redeploy, to the end", logs_are_followed),
        ("a clash of ports names the holder", clash_of_ports_names_the_holder),
        ("unknown members are named in warnings", unknown_members_are_warned_about),
        ("ddctl doctor finds nothing bad, and says what is", doctor_finds_nothing_bad),
        ("the runtime has no network socket but those it holds for agent and control plane", the_runtime_has_no_network),
        ("what runs is the copy that was hashed, and its digest is in the event log", what_runs_is_the_copy_that_was_hashed),
        ("agent and enclave listen on loopback or unix only", sockets_are_local),
        ("a killed connector gives 530 and comes back", connector_comes_back),
        ("a killed dd-cp or dd-agent keeps its keys, entry and tunnel", killed_tools_come_back_as_who_they_were),
        ("ddctl attest verifies and explains", attest_explains),
        ("revoke removes tunnel and DNS, and no stranger's", revoke_removes_everything_but_strangers),
        ("Ctrl-C leaves nothing behind", nothing_is_left),
    ])
finally:
    fleet.stop()
