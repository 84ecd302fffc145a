#!/usr/bin/env python3
"""The control plane's own VM through its pages: what runs there, the logs, and a terminal. Usage: control_plane_vm.py TOOLS_FOLDER"""

import re
import sys

from fleet import Fleet, main
from pages import Browser
from web_socket import Refused, WebSocket

HOME = "/agent/control-plane"


def cases(fleet):
    cp = fleet.about["cp_url"]
    bearer = {"Authorization": f"Bearer {fleet.credential}"}

    def signed_in():
        browser = Browser(fleet)
        page = browser.open(cp)
        return browser, browser.submit(page, page.form("/auth/pat"), pat=fleet.credential)

    def shell(query="", headers=None):
        return WebSocket(fleet.about["edge_url"], f"{cp}/cp/ws/shell{query}", bearer if headers is None else headers)

    def refused(status, *arguments):
        try:
            shell(*arguments).close()
        except Refused as answer:
            assert answer.args == (status,), answer
            return
        raise AssertionError(f"a terminal opened: {arguments}")

    def rows():
        return fleet.as_owner("GET", cp + "/api/control-plane/deployments")[1]["deployments"]

    def pages():
        browser, home = signed_in()
        assert HOME in home.links, home.links
        vm = browser.open(cp + HOME)
        assert "dd-local-cp" in vm.text and "SIMULATED" in vm.text and "dd-cp" in vm.text, vm.text
        assert {HOME + "/logs/dd-cp", "/cp/shell"} <= set(vm.links), vm.links
        log = browser.open(cp + HOME + "/logs/dd-cp")
        assert log.status == 200 and "control plane listening" in log.text, log.text
        assert browser.open(cp + HOME + "/logs/nobody").status == 404

    def json_too():
        assert {row["app_name"] for row in rows()} == {"connector", "dd-cp"}, rows()
        log = fleet.as_owner("GET", cp + "/api/control-plane/logs/dd-cp")[1]
        assert log["status"] == "running" and any("control plane listening" in line for line in log["lines"]), log
        assert fleet.as_owner("GET", cp + "/api/control-plane/logs/nobody")[0] == 404

    def terminal():
        browser, _ = signed_in()
        page = browser.open(cp + "/cp/shell")
        assert page.status == 200 and 'data-socket="/cp/ws/shell"' in page.text, page.text
        socket = shell("?cols=91&rows=17")
        assert socket.message() == {"type": "banner", "vm_name": "dd-local-cp", "attestation": "tdx-simulated"}
        socket.type("stty size\r")
        socket.read_until("17 91")
        socket.type("echo uid:$(id -u):\r")
        said = ""
        while not (uid := re.search(r"uid:(\d+):", said)):
            said += socket.receive()[1].decode(errors="replace")
        assert int(uid[1]) != 0 and int(uid[1]) not in {row["uid"] for row in rows()}, said
        socket.close()

    def tickets():
        status, answer = fleet.as_owner("POST", cp + "/cp/shell/ticket", "")
        assert status == 200 and answer["expires_in"] == 30, answer
        socket = shell("?ticket=" + answer["ticket"], {})
        assert socket.message()["type"] == "banner"
        socket.close()
        refused(401, "?ticket=" + answer["ticket"], {})
        browser, _ = signed_in()
        host = cp.split("/")[2].split(":")[0]
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies[host].items())
        refused(401, "", {"Cookie": cookie})
        refused(403, "", {**bearer, "Origin": "https://evil.example"})

    def strangers():
        stranger = Browser(fleet)
        for path in (HOME, HOME + "/logs/dd-cp", "/cp/shell"):
            assert stranger.open(cp + path).url.startswith(cp + "/auth/pat?next="), path
        for path in ("/api/control-plane/deployments", "/api/control-plane/logs/dd-cp"):
            assert fleet.get(cp + path)[0] == 401, path
            assert fleet.get(cp + path, {"Authorization": "Bearer ghp_nobody"})[0] == 401, path
        assert fleet.request("POST", cp + "/cp/shell/ticket", "")[0] == 401
        refused(401, "", {})

    return [
        ("the control plane's own workloads and their logs are on its pages", pages),
        ("the pages' scripts read the same as JSON", json_too),
        ("a terminal on the control plane's VM runs under a uid of its own, in no workload", terminal),
        ("a ticket opens it once, a cookie alone and another page's script never", tickets),
        ("strangers see nothing of the control plane's VM", strangers),
    ]


with Fleet(sys.argv[1]) as fleet:
    main(cases(fleet))
