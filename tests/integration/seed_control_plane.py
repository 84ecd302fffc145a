"""A control plane of the earlier system, written from that system's wire format alone: it registers agents for a PAT and a token, makes their
tunnels at the fleet's local edge, polls them, and forgets those that stay silent. It listens on loopback and has no tunnel of its own."""

import base64
import datetime
import http.client
import json
import secrets
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

POLL_EVERY = 0.2


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.body = status, {"code": code, "message": message}


UNAUTHORIZED = Refusal(401, "UNAUTHORIZED", "unauthorized")
NOT_FOUND = Refusal(404, "NOT_FOUND", "not found")


def bad_request(why):
    return Refusal(400, "BAD_REQUEST", "bad request: " + why)


class SeedControlPlane:
    def __init__(self, fleet, agent_port, delete_after):
        """`agent_port` is where its agents listen; `delete_after` is in seconds."""
        self.fleet, self.agent_port, self.delete_after = fleet, agent_port, delete_after
        self.settings = fleet.cp_environment()
        self.jwt_secret = base64.b64encode(secrets.token_bytes(32)).decode()
        self.store = {}
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.threads = [threading.Thread(target=self.server.serve_forever), threading.Thread(target=self._collect)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        self.server.shutdown()
        for thread in self.threads:
            thread.join()
        self.server.server_close()

    def agent(self, vm_name):
        """The newest entry of a VM, or None."""
        with self.lock:
            return next((dict(a) for a in reversed(self.store.values()) if a["vm_name"] == vm_name), None)

    def register(self, request):
        owner, env = self.settings["DD_OWNER"], self.settings["DD_ENV"]
        if request["owner"] != owner:
            raise bad_request(f"owner mismatch: got {request['owner']} expected {owner}")
        if request["env_label"] != env:
            raise bad_request(f"env_label mismatch: got {request['env_label']} expected {env}")
        check_token(request["ita_token"])
        name = f"dd-{env}-agent-{uuid.uuid4()}"
        tunnel = self._cloudflare("POST", self._tunnels(), {"name": name, "tunnel_secret": base64.b64encode(secrets.token_bytes(16)).decode(), "config_src": "cloudflare"})
        entry = {"agent_id": name, "vm_name": request["vm_name"], "hostname": f"{name}.{self.settings['DD_CF_DOMAIN']}", "status": "healthy", "tunnel": tunnel["id"],
                 "extras": request.get("extra_ingress", []), "seen": time.monotonic(), "last_seen": now(), "token": request["ita_token"]}
        self._publish(entry)
        with self.lock:
            self.store = {key: a for key, a in self.store.items() if a["vm_name"] != entry["vm_name"]}  # their tunnels stay
            self.store[name] = entry
        return {"tunnel_token": self._cloudflare("GET", f"{self._tunnels()}/{tunnel['id']}/token"), "hostname": entry["hostname"], "agent_id": name,
                "jwt_secret_b64": self.jwt_secret, "cp_hostname": self.settings["DD_HOSTNAME"]}

    def replace_ingress(self, request):
        with self.lock:
            entry = self.store.get(request["agent_id"])
        if entry is None:
            raise NOT_FOUND
        entry["extras"] = request["extras"]
        self._publish(entry)
        return {"agent_id": entry["agent_id"], "extra_hostnames": [f"{e['hostname_label']}.{entry['hostname']}" for e in entry["extras"]]}

    def agents(self, _):
        own = {"agent_id": "control-plane", "vm_name": f"dd-{self.settings['DD_ENV']}-cp", "hostname": self.settings["DD_HOSTNAME"], "status": "healthy", "last_seen": now()}
        with self.lock:
            return [own] + [{key: a[key] for key in own} for a in self.store.values()]

    def health(self, _):
        return {"ok": True, "service": "cp", "hostname": self.settings["DD_HOSTNAME"], "env": self.settings["DD_ENV"], "agent_count": 1 + len(self.store)}

    def authenticate(self, header):
        """By GitHub, each time: the token's user is the owner."""
        api = urlsplit(self.settings["DD_GITHUB_API_URL"])
        connection = http.client.HTTPConnection(api.hostname, api.port, timeout=10)
        connection.request("GET", "/user", headers={"Authorization": header, "User-Agent": "devopsdefender"})
        answer = connection.getresponse()
        user = json.loads(answer.read())
        connection.close()
        if answer.status != 200 or user.get("login") != self.settings["DD_OWNER"]:
            raise UNAUTHORIZED

    def _collect(self):
        while not self.stopping.wait(POLL_EVERY):
            with self.lock:
                entries = list(self.store.values())
            for entry in entries:
                self._poll(entry)

    def _poll(self, entry):
        try:
            status, text = self.fleet.get(self.fleet.about["cp_url"].replace(urlsplit(self.fleet.about["cp_url"]).hostname, entry["hostname"]) + "/health")
            health = json.loads(text) if status == 200 else {}
        except (OSError, ValueError, http.client.HTTPException):
            health = {}
        if "ita_token" in health:
            check_token(health["ita_token"])
            entry.update(seen=time.monotonic(), last_seen=now(), status="healthy", token=health["ita_token"])
            return
        entry["status"] = "stale"
        if time.monotonic() - entry["seen"] > self.delete_after:
            self._forget(entry)

    def _forget(self, entry):
        """Its tunnel and its own record; the others stay."""
        with self.lock:
            self.store.pop(entry["agent_id"], None)
        for path in (f"{self._tunnels()}/{entry['tunnel']}/connections", f"{self._tunnels()}/{entry['tunnel']}"):
            self.fleet.cloudflare("DELETE", path)
        for record in self.fleet.cloudflare("GET", f"{self._records()}?type=CNAME&name={entry['hostname']}")["result"]:
            self.fleet.cloudflare("DELETE", f"{self._records()}/{record['id']}")

    def _publish(self, entry):
        rules = [{"hostname": f"{e['hostname_label']}.{entry['hostname']}", "service": f"http://localhost:{e['port']}"} for e in entry["extras"]]
        rules += [{"hostname": entry["hostname"], "service": f"http://localhost:{self.agent_port}"}]
        self._cloudflare("PUT", f"{self._tunnels()}/{entry['tunnel']}/configurations", {"config": {"ingress": [*rules, {"service": "http_status:404"}]}})
        for host in [rules[-1]["hostname"], *(rule["hostname"] for rule in rules[:-1])]:
            record = {"type": "CNAME", "name": host, "content": f"{entry['tunnel']}.cfargotunnel.com", "proxied": True}
            known = self._cloudflare("GET", f"{self._records()}?type=CNAME&name={host}")
            self._cloudflare(*(("PUT", f"{self._records()}/{known[0]['id']}") if known else ("POST", self._records())), record)

    def _tunnels(self):
        return f"/client/v4/accounts/{self.settings['DD_CF_ACCOUNT_ID']}/cfd_tunnel"

    def _records(self):
        return f"/client/v4/zones/{self.settings['DD_CF_ZONE_ID']}/dns_records"

    def _cloudflare(self, method, path, body=None):
        answer = self.fleet.cloudflare(method, path, body)
        if not answer["success"]:
            raise Refusal(502, "UPSTREAM", f"upstream: {method} {path}: {json.dumps(answer)}")
        return answer["result"]

    def _handler(plane):
        routes = {("POST", "/register"): (plane.register, True), ("POST", "/ingress/replace"): (plane.replace_ingress, True),
                  ("GET", "/api/agents"): (plane.agents, True), ("GET", "/health"): (plane.health, False)}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    answer, needs_owner = routes.get((self.command, self.path), (None, False))
                    if answer is None:
                        raise NOT_FOUND
                    if needs_owner:
                        plane.authenticate(self.headers.get("Authorization", ""))
                    status, said = 200, answer(json.loads(body) if body else None)
                except Refusal as refused:
                    status, said = refused.status, refused.body
                except (KeyError, ValueError) as why:
                    status, said = 400, bad_request(repr(why)).body
                content = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = serve

            def log_message(self, *_):
                pass

        return Handler


def check_token(token):
    """That it is one of the issuer's is left to those who test tokens; that it is one is not."""
    try:
        payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (IndexError, ValueError) as why:
        raise bad_request(f"token: {why}") from why
    if payload["exp"] < time.time():
        raise bad_request("token: expired")


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
