#!/usr/bin/env python3
"""The pages in a real browser (sign_in.mjs) at a real fleet. Usage: browser.py TOOLS_FOLDER"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parent / "integration"))

from fleet import NO_SECRETS, Fleet, Skip, free_port, wait_for  # noqa: E402

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
TALKER = f"while :; do echo '{SCRIPT}'; sleep 1; done"
# Shows and says which cookies it was sent.
LISTENER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(("<p id=cookie>" + (self.headers.get("Cookie") or "none") + "</p>").encode())
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def deploy(fleet, **request):
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(request)))


def needed():
    """The browser and its driver, or why this machine has none."""
    for command in ("chromium", "node"):
        if not shutil.which(command):
            raise Skip(f"{command} is not installed")
    if not (here / "node_modules" / "playwright-core").is_dir():
        raise Skip("playwright-core is not installed (npm ci in tests/browser)")


def browser(tools):
    port = free_port()
    with Fleet(tools) as fleet:
        talker = deploy(fleet, app_name="talker", cmd=["sh", "-c", TALKER])
        listener = deploy(fleet, app_name="listener", cmd=["/usr/bin/python3", "-c", LISTENER, str(port)],
                          expose={"hostname_label": "listener", "port": port})
        wait_for("the first line of the log", lambda: SCRIPT in fleet.ctl("logs", "talker"))
        about = {"cp_url": fleet.about["cp_url"], "sign_in_url": fleet.about["sign_in_url"], "agent_url": fleet.agent_url(),
                 "credential": fleet.credential, "talker": talker["id"], "script": SCRIPT, "listener_url": listener["urls"][0],
                 "chromium": shutil.which("chromium")}
        with subprocess.Popen(["node", here / "sign_in.mjs"], env={**os.environ, "FLEET": json.dumps(about)}, stdout=subprocess.PIPE, text=True) as node:
            for line in node.stdout:
                print(line, end="", flush=True)
                if line == "want another VM\n":
                    fleet.boot("vm-2", "vm-1", "DD_VM_NAME=vm-2", f"DD_PAT={fleet.credential}", "DD_JOIN_TICKET=")
        printed = fleet.printed_secrets()
        print(f"{'; '.join(printed)}\nnot ok {NO_SECRETS}" if printed else f"ok {NO_SECRETS}")
    return node.returncode or bool(printed)


if __name__ == "__main__":
    try:
        needed()
    except Skip as why:
        print(f"skip a browser signs in, opens an agent, reads a log and signs out: {why}")
        sys.exit(0)
    sys.exit(browser(Path(sys.argv[1]).resolve()))
