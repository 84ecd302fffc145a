#!/usr/bin/env python3
"""People sign in at the control plane: by link, by PAT and at GitHub's stand-in; and what a session is good for."""

import json
import sys

from fleet import Fleet, main
from pages import Browser
from statements import Signer, altered, from_b64u


def sign_in(fleet, browser, pat=None):
    page = browser.open(fleet.about["cp_url"])
    return browser.submit(page, page.form("/auth/pat"), pat=pat or fleet.credential)


def token_for(fleet, agent_id):
    status, answer = fleet.as_owner("POST", fleet.about["cp_url"] + "/auth/token", json.dumps({"aud": agent_id}))
    assert status == 200, answer
    return answer["token"]


def deployments(fleet, credential):
    return fleet.get(fleet.agent_url() + "/deployments", {"Authorization": "Bearer " + credential})[0]


def cases(fleet):
    cp = fleet.about["cp_url"]
    agent_id = fleet.about["agents"][0]["agent_id"]

    def link():
        browser = Browser(fleet)
        page = browser.open(fleet.about["sign_in_url"])
        page = browser.open(fleet.about["sign_in_url"])
        fleet_page = browser.submit(page, page.form("/auth/link/use"))
        assert fleet_page.status == 200 and fleet_page.url == cp + "/", fleet_page.url
        assert "vm-1" in fleet_page.text and "SIMULATED" in fleet_page.text
        again = Browser(fleet)
        refused = again.submit(page, page.form("/auth/link/use"))
        assert refused.status == 401 and "was used" in refused.text, refused.text

    def login():
        browser = Browser(fleet)
        page = browser.open(fleet.ctl_json("login")["url"])
        assert browser.submit(page, page.form("/auth/link/use")).url == cp + "/"

    def pat():
        browser = Browser(fleet)
        page = sign_in(fleet, browser)
        assert page.status == 200 and "local-owner" in page.text
        agent = browser.open(f"{cp}/agent/{agent_id}")
        assert agent.status == 200 and "accepted" in agent.text and "mrtd" in agent.text
        refused = sign_in(fleet, Browser(fleet), pat="ghp_nobody")
        assert refused.status == 401 and 'role="alert"' in refused.text

    def github():
        browser = Browser(fleet)
        start = browser.open(f"{cp}/agent/{agent_id}")
        link = next(href for href in start.links if href.startswith("/auth/github/start"))
        asked = browser.open(cp + link)
        page = browser.submit(asked, next(form for form in asked.forms if form.button == "local-owner"))
        assert page.status == 200 and page.url == f"{cp}/agent/{agent_id}", page.url

    def next_is_ours():
        browser = Browser(fleet)
        for target in ("//evil.example/", "/\\evil.example/", "https://evil.example/"):
            page = browser.open(cp + "/auth/pat?next=" + target.replace("\\", "%5C"))
            assert page.form("/auth/pat").fields["next"] == "/", target

    def sign_out():
        browser = Browser(fleet)
        page = sign_in(fleet, browser)
        copy = Browser(fleet)
        copy.cookies = {host: dict(kept) for host, kept in browser.cookies.items()}
        assert copy.open(cp + "/api/agents").status == 200
        assert "Sign in" in browser.submit(page, page.form("/auth/logout")).text
        assert copy.open(cp + "/api/agents").status == 401
        assert copy.open(cp + "/").url.startswith(cp + "/auth/pat?next=")

    def foreign_pages():
        browser = Browser(fleet)
        page = sign_in(fleet, browser)
        refused = browser.submit(page, page.form("/auth/logout"), origin="http://hello.dd.localhost")
        assert refused.status == 403, refused.status
        assert browser.open(cp + "/api/agents").status == 200

    def token():
        session = token_for(fleet, agent_id)
        assert deployments(fleet, session) == 200
        claims = json.loads(from_b64u(session.split(".")[1]))
        assert claims["sub"] == "local-owner" and claims["user_id"] == 1001 and claims["exp"] - claims["iat"] == 600, claims
        for attack in (altered(session, aud="another"), altered(session, exp=claims["exp"] + 600), session[:-2],
                       Signer().sign("dd-session+jwt", claims)):
            assert deployments(fleet, attack) == 401, attack
        status, answer = fleet.as_owner("POST", cp + "/auth/token", json.dumps({"aud": "dd-local-agent-none"}))
        assert status == 404, answer
        assert fleet.request("POST", cp + "/auth/token", json.dumps({"aud": agent_id}))[0] == 401

    return [
        ("a one-time link signs in with a click, once", link),
        ("ddctl login prints such a link", login),
        ("a PAT signs in, and pages show the fleet with its verdicts", pat),
        ("GitHub's web flow signs in and leads on to where one wanted", github),
        ("after signing in nobody is sent to another host", next_is_ours),
        ("signing out ends the session everywhere", sign_out),
        ("a page on another host changes nothing with our cookie", foreign_pages),
        ("a session token opens one agent, unaltered", token),
    ]


if __name__ == "__main__":
    with Fleet(sys.argv[1]) as started:
        main(cases(started))
