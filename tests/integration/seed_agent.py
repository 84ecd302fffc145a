#!/usr/bin/env python3
"""An agent of the earlier system, written from that system's wire format alone: it registers on the compat listener, is polled, deploys with
a PAT, and gets nothing on the native listener. Usage: seed_agent.py TOOLS_FOLDER"""

import base64
import hashlib
import http.client
import json
import subprocess
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from fleet import Fleet, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
LISTENER = free_port()


class SeedAgent:
    """Public /health with its token, as that agent had it, and a connector."""

    def __init__(self, vm_name="vm-seed"):
        self.health = {"ok": True, "service": "agent", "vm_name": vm_name, "attestation_type": "tdx", "deployments": [], "deployment_count": 0}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.connector = None

    def _handler(agent):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = json.dumps(agent.health).encode()
                self.send_response(200 if self.path == "/health" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def connect(self, tunnel_token):
        token_file = fleet.folder / f"tunnel-token-{self.health['vm_name']}"
        token_file.write_text(tunnel_token)
        command = [tools / "ddctl", "connector", "tunnel", "--no-autoupdate", "--metrics", f"127.0.0.1:{free_port()}", "run"]
        self.connector = subprocess.Popen(command, env={"TUNNEL_TOKEN_FILE": str(token_file)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.server.shutdown()
        if self.connector:
            self.connector.kill()
            self.connector.wait()


agent = SeedAgent()
fleet = Fleet(tools, "--cp-env", "DD_SCRAPE_INTERVAL=200ms", "--cp-env", "DD_COMPAT=seed", "--cp-env", f"DD_COMPAT_PORT={LISTENER}",
              "--cp-env", "DD_COMPAT_HOSTNAME=seed.dd.localhost", "--cp-env", "DD_COMPAT_VMS=vm-seed=2100-01-01,vm-1=2100-01-01",
              "--cp-env", f"DD_COMPAT_AGENT_PORT={agent.port}")
owner = fleet.cp_environment()["DD_OWNER"]
listener_url = fleet.about["cp_url"].replace("app.", "seed.", 1)


def fresh_token(report_data=None, **more):
    """A token as that agent's: of a quote over 16 random bytes, with nothing beside it."""
    bare_quote = tools.parent / "tests/integration/bare_quote"
    made = subprocess.run([bare_quote, fleet.home / "simulator.json", *([report_data] if report_data else [])], capture_output=True, text=True, check=True)
    settings = fleet.environment_of("vm-1", "agent")
    url = urlsplit(settings["DD_ITA_BASE_URL"])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    connection.request("POST", "/appraisal/v1/attest", json.dumps({"quote": made.stdout.strip(), **more}),
                       {"x-api-key": settings["DD_ITA_API_KEY"], "Accept": "application/json", "Content-Type": "application/json"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert answer.status == 200, body
    return body["token"]


def bound_token():
    data = b"keys of an attested agent"
    return fresh_token(hashlib.sha512(data).hexdigest(), runtime_data=base64.b64encode(data).decode())


def call(path, body=None, pat=None, url=listener_url, method=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {pat}"} if pat else {})}
    status, text = fleet.request(method or ("POST" if body is not None else "GET"), url + path, json.dumps(body) if body is not None else None, headers)
    return status, json.loads(text)


def registration(**changes):
    return {"vm_name": "vm-seed", "env_label": fleet.cp_environment()["DD_ENV"], "owner": owner, "ita_token": fresh_token(),
            "extra_ingress": [{"hostname_label": "web", "port": agent.port}], **changes}


def row():
    return next((a for a in fleet.ctl_json("agents") if a["vm_name"] == "vm-seed" and a["status"] != "dropped"), None)


def it_registers_and_is_reachable():
    body = registration()
    agent.health["ita_token"] = body["ita_token"]
    status, answer = call("/register", body, fleet.credential)
    assert status == 200, answer
    assert set(answer) == {"tunnel_token", "hostname", "agent_id", "jwt_secret_b64", "cp_hostname"}, answer
    agent.id, agent.hostname = answer["agent_id"], answer["hostname"]
    agent.connect(answer["tunnel_token"])
    port = fleet.about["cp_url"].rsplit(":", 1)[1]
    agent.url = f"http://{agent.hostname}:{port}"
    wait_for("its host", lambda: fleet.get(agent.url + "/health")[0] == 200)
    wait_for("its extra host", lambda: fleet.get(f"http://web.{agent.hostname}:{port}/health")[0] == 200)


def it_is_polled_and_never_attested():
    seen = row()["last_seen"]
    agent.health["ita_token"] = fresh_token()
    found = wait_for("a poll", lambda: (lambda a: a if a and a["status"] == "healthy" and a["last_seen"] > seen else None)(row()))
    assert found["compat"] and not found["verdict"]["accepted"], found
    assert "not attested" in fleet.ctl("agents")
    status, health = call("/health", url=fleet.about["cp_url"])
    assert (health["agent_count"], health["healthy_count"]) == (2, 1), health
    status, rows = call("/api/agents", pat=fleet.credential)
    assert {"control-plane", agent.id} <= {a["agent_id"] for a in rows}, rows


def refusals_are_spelled_as_they_were():
    good = registration()
    for pat, body, status, code, words in (
        (None, good, 401, "UNAUTHORIZED", "unauthorized"),
        ("ghp_nobody", good, 401, "UNAUTHORIZED", "unauthorized"),
        (fleet.credential, {**good, "owner": "mallory"}, 400, "BAD_REQUEST", f"bad request: owner mismatch: got mallory expected {owner}"),
        (fleet.credential, {**good, "env_label": "prod"}, 400, "BAD_REQUEST", "bad request: env_label mismatch"),
        (fleet.credential, {**good, "vm_name": "vm-9"}, 400, "BAD_REQUEST", "DD_COMPAT_VMS does not name it"),
        (fleet.credential, {**good, "vm_name": "vm-1"}, 400, "BAD_REQUEST", "cannot go back"),
        (fleet.credential, {**good, "ita_token": "nonsense"}, 400, "BAD_REQUEST", "token"),
        (fleet.credential, {**good, "ita_token": bound_token()}, 400, "BAD_REQUEST", "bound to data that it names"),
        (fleet.credential, {**good, "ita_token": fresh_token("ab" * 64)}, 400, "BAD_REQUEST", "bound to 64 bytes of REPORTDATA"),
        (fleet.credential, {}, 400, "BAD_REQUEST", "vm_name"),
        (fleet.credential, good, 400, "BAD_REQUEST", "held by an agent that answers"),
        (fleet.credential, good, 400, "BAD_REQUEST", "registered an agent before"),
    ):
        got, answer = call("/register", body, pat)
        assert (got, answer["code"]) == (status, code) and words in answer["message"], (got, answer, words)
    assert call("/nothing")[1]["code"] == "NOT_FOUND"


def what_is_different_is_what_the_page_says():
    """docs/wire.md, 12: the rows that need no registration."""
    good, pat = {**registration(), "ita_token": "a.b.c"}, f"Bearer {fleet.credential}"
    json_type = {"Content-Type": "application/json"}
    for method, path, body, headers, status, words in (
        ("POST", "/register", "no JSON", {}, 401, "unauthorized"),
        ("GET", "/register", None, {}, 400, "allowed are POST"),
        ("POST", "/register", "x" * (256 * 1024 + 1), {"Authorization": pat, **json_type}, 400, "over 262144 bytes"),
        ("POST", "/register", json.dumps(good), {"Authorization": pat}, 400, "token"),
        ("POST", "/register", "no JSON", {"Authorization": pat, **json_type}, 400, "cannot parse JSON"),
        ("POST", "/register", "[1]", {"Authorization": pat, **json_type}, 400, "want an object"),
        *(("POST", "/register", json.dumps({**good, "vm_name": name}), {"Authorization": pat, **json_type}, 400, "vm_name")
          for name in ("VM-1", "vm_1", "vm.1", "-vm", "")),
        *(("POST", "/register", json.dumps({**good, "extra_ingress": [extra]}), {"Authorization": pat, **json_type}, 400, "extra_ingress")
          for extra in ({"hostname_label": "web", "port": 0}, {"hostname_label": "Web", "port": 80}, {"hostname_label": "", "port": 80})),
        ("POST", "/ingress/replace", json.dumps({"agent_id": "control-plane", "extras": []}), {"Authorization": pat, **json_type}, 404, "not found"),
        ("GET", "/api/agents", None, {"Cookie": "dd_auth=x"}, 401, "unauthorized"),
        ("GET", "/cp/attest", None, {"Authorization": pat}, 404, "not found"),
        ("GET", "/", None, {}, 404, "not found"),
    ):
        got, text = fleet.request(method, listener_url + path, body, headers)
        answer = json.loads(text)
        assert got == status and words in answer["message"] and answer["code"] in ("BAD_REQUEST", "UNAUTHORIZED", "NOT_FOUND"), (method, path, got, answer, words)


def the_native_listener_gives_it_nothing():
    before = {t["name"] for t in fleet.edge_state()["tunnels"]}
    url = fleet.about["cp_url"]
    status, answer = call("/register", registration(vm_name="vm-8"), fleet.credential, url)
    assert status == 400 and "DD-Register" in answer["message"], answer
    status, answer = call("/ingress/replace", {"agent_id": agent.id, "extras": []}, fleet.credential, url)
    assert status == 401, answer
    assert {t["name"] for t in fleet.edge_state()["tunnels"]} == before
    # ... and the other way round.
    assert call("/register/challenge", {})[0] == 404
    assert call("/api/invites", {}, fleet.credential)[0] == 404


def ingress_is_replaced_with_a_pat():
    extras = [{"hostname_label": "api", "port": agent.port}]
    status, answer = call("/ingress/replace", {"agent_id": agent.id, "extras": extras}, fleet.credential)
    assert (status, answer["extra_hostnames"]) == (200, [f"api.{agent.hostname}"]), answer
    status, answer = call("/ingress/replace", {"agent_id": fleet.agent()["agent_id"], "extras": []}, fleet.credential)
    assert (status, answer["code"]) == (404, "NOT_FOUND"), answer


def a_pat_deploys_as_it_did():
    port = free_port()
    spec = {"app_name": "old", "cmd": ["hello", str(port)], "expose": {"hostname_label": "old", "port": port}}
    status, answer = call("/deploy", spec, fleet.credential, fleet.agent_url())
    assert status == 200 and answer["ok"] and answer["id"], answer
    host = fleet.agent()["hostname"]
    status, body = fleet.get(fleet.about["cp_url"].replace("app.dd.localhost", f"old.{host}"))
    assert status == 200 and "hello" in body, (status, body)


def what_an_earlier_control_plane_left_is_taken_over():
    """Its tunnel, rules and record as that system made them; a new control plane, which has never heard of the agent, is told of it in a variable."""
    left = SeedAgent("vm-left")
    left.health.update(ita_token=fresh_token(), extra_ingress=[{"hostname_label": "web", "port": left.port}])
    settings = fleet.cp_environment()
    name = f"dd-{settings['DD_ENV']}-agent-{uuid.uuid4()}"
    host = f"{name}.{settings['DD_CF_DOMAIN']}"
    tunnels = f"/client/v4/accounts/{settings['DD_CF_ACCOUNT_ID']}/cfd_tunnel"
    tunnel = fleet.cloudflare("POST", tunnels, {"name": name, "config_src": "cloudflare"})["result"]
    hosts = [f"web.{host}", host]
    rules = [{"hostname": one, "service": f"http://localhost:{left.port}"} for one in hosts] + [{"service": "http_status:404"}]
    assert fleet.cloudflare("PUT", f"{tunnels}/{tunnel['id']}/configurations", {"config": {"ingress": rules}})["success"]
    for one in hosts:
        record = {"type": "CNAME", "name": one, "content": f"{tunnel['id']}.cfargotunnel.com", "proxied": True}
        assert fleet.cloudflare("POST", f"/client/v4/zones/{settings['DD_CF_ZONE_ID']}/dns_records", record)["success"]
    left.connect(fleet.cloudflare("GET", f"{tunnels}/{tunnel['id']}/token")["result"])
    try:
        fleet.boot("cp-2", "cp", "DD_COMPAT_PORT=0", "DD_COMPAT_VMS=vm-left=2100-01-01", f"DD_COMPAT_TUNNELS={name}={tunnel['id']}",
                   f"DD_COMPAT_AGENT_PORT={left.port}")
        found = wait_for("taken over", lambda: fleet.agent("vm-left"))
        assert found["agent_id"] == name and found["compat"] and not found["verdict"]["accepted"], found
        seen = found["last_seen"]
        wait_for("a poll", lambda: fleet.agent("vm-left")["last_seen"] > seen)
        assert fleet.agent("vm-left")["status"] == "healthy"
        status, answer = call("/ingress/replace", {"agent_id": name, "extras": [{"hostname_label": "api", "port": left.port}]}, fleet.credential)
        assert (status, answer["extra_hostnames"]) == (200, [f"api.{host}"]), answer
        assert fleet.edge_names()[1].count(f"api.{host}") == 1 and f"web.{host}" not in fleet.edge_names()[1]
        fleet.ctl("agents", "revoke", name, "--reason", "moved on")
        found, names = fleet.edge_names()
        assert name not in found and not [one for one in names if name in one], (found, names)
    finally:
        left.stop()


def revoked_is_for_good():
    fleet.ctl("agents", "revoke", agent.id, "--reason", "moved on")
    assert row() is None
    assert agent.id not in {t["name"] for t in fleet.edge_state()["tunnels"] if t["deleted_at"] is None}
    status, answer = call("/register", registration(), fleet.credential)
    assert status == 400 and "was revoked" in answer["message"], answer


try:
    main([
        ("an agent of the earlier system registers and its hosts answer", it_registers_and_is_reachable),
        ("it is polled without a challenge and never counts as attested", it_is_polled_and_never_attested),
        ("refusals are spelled as they were", refusals_are_spelled_as_they_were),
        ("what is different is what the page says", what_is_different_is_what_the_page_says),
        ("the native listener gives it nothing", the_native_listener_gives_it_nothing),
        ("its ingress is replaced with a PAT, and nobody else's", ingress_is_replaced_with_a_pat),
        ("a PAT deploys at an agent as it did", a_pat_deploys_as_it_did),
        ("revoked is for good", revoked_is_for_good),
        ("what an earlier control plane left is taken over", what_an_earlier_control_plane_left_is_taken_over),
    ])
finally:
    agent.stop()
    fleet.stop()
