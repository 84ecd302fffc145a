#!/usr/bin/env python3
"""Somebody who is signed in at the control plane opens an agent's pages, reads a log and signs out."""

import json
import sys

from fleet import Fleet, main, wait_for
from pages import Browser

SCRIPT = "<script>alert(1)</script>"


def sign_in(page, browser, fleet):
    return browser.submit(page, page.form("/auth/pat"), pat=fleet.credential)


def open_agent(fleet, browser, path="/"):
    """Signs in on the way where that is asked; returns the agent's page."""
    page = browser.open(fleet.agent_url() + path)
    if page.url.startswith(fleet.about["cp_url"] + "/auth/pat"):
        page = sign_in(page, browser, fleet)
    return browser.submit(page, page.form("/auth/handoff"))


def deploy(fleet, name, *command):
    return json.loads(fleet.ctl("deploy", "-", "-o", "json", text=json.dumps({"app_name": name, "cmd": list(command)})))["id"]


def cases(fleet):
    agent = fleet.agent_url()

    def handed_over():
        browser = Browser(fleet)
        page = open_agent(fleet, browser)
        assert page.status == 200 and page.url == agent + "/", page.url
        assert "vm-1" in page.text and "SIMULATED" in page.text and "dd-agent" in page.text
        assert browser.open(agent + "/deployments").status == 200

    def leads_on():
        browser = Browser(fleet)
        workload = deploy(fleet, "talker", "sh", "-c", f"echo '{SCRIPT}'; sleep 600")
        wait_for("the line in the log", lambda: SCRIPT in fleet.ctl("logs", "talker"))
        page = open_agent(fleet, browser, f"/workload/{workload}")
        assert page.url == f"{agent}/workload/{workload}", page.url
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text and SCRIPT not in page.text
        logs = json.loads(browser.open(page.url + "/logs").text)
        assert logs["lines"] == [SCRIPT] and logs["status"] == "running", logs
        fleet.ctl("mop", "talker")

    def once():
        browser = Browser(fleet)
        page = browser.open(agent)
        page = sign_in(page, browser, fleet)
        form = page.form("/auth/handoff")
        thief = Browser(fleet)
        stolen = thief.submit(page, form)
        assert stolen.status == 401 and "another browser" in stolen.text, stolen.text
        kept = dict(browser.cookies[form.action.split("/")[2].split(":")[0]])
        assert browser.submit(page, form).status == 200
        browser.cookies[form.action.split("/")[2].split(":")[0]] = kept
        again = browser.submit(page, form)
        assert again.status == 401 and "used" in again.text, again.text

    def sign_out():
        browser = Browser(fleet)
        page = open_agent(fleet, browser)
        copy = Browser(fleet)
        copy.cookies = {host: dict(kept) for host, kept in browser.cookies.items()}
        refused = browser.submit(page, page.form("/auth/logout"), origin="http://hello.dd.localhost")
        assert refused.status == 403, refused.status
        out = browser.submit(page, page.form("/auth/logout"))
        assert out.status == 200 and "Signed out" in out.text
        assert copy.open(agent + "/deployments").status == 401

    def strangers():
        stranger = Browser(fleet)
        assert stranger.open(agent + "/deployments").status == 401
        assert stranger.open(agent + "/").url.startswith(fleet.about["cp_url"] + "/auth/pat?next=")
        assert stranger.open(agent + "/static/rows.js").status == 200

    return [
        ("somebody who signs in on the way sees the agent's workloads", handed_over),
        ("a deep link leads to the workload's log, as text", leads_on),
        ("a hand-off is good once and in one browser", once),
        ("signing out of an agent ends the session everywhere", sign_out),
        ("a stranger sees neither workloads nor logs", strangers),
    ]


if __name__ == "__main__":
    with Fleet(sys.argv[1]) as started:
        main(cases(started))
