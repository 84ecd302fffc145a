#!/usr/bin/env python3
"""Workloads that are fetched from releases: one JSON each, reached at their public hostnames through the local edge.
Usage: releases.py TOOLS_FOLDER"""

import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from fleet import Fleet, free_port, main, wait_for

tools = Path(sys.argv[1]).resolve()
hello = tools.parent / "examples/hello"
scratch = tempfile.TemporaryDirectory(prefix="dd-releases-", dir="/tmp")
folder = Path(scratch.name)
release = folder / "acme/hello/v1"
release.mkdir(parents=True)
shutil.copy(hello, release / "hello-linux-amd64")
with tarfile.open(release / "hello.tar.gz", "w:gz") as archive:
    archive.add(hello, "hello-1/bin/hello")
fleet = Fleet(tools, "--releases", str(folder))


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def spec(name, asset, **more):
    port = free_port()
    return {"app_name": name, "cmd": ["hello", str(port)], "expose": {"hostname_label": name, "port": port},
            "github_release": {"repo": "acme/hello", "asset": asset, **more}}


def deploy(spec, code=0):
    answer = fleet.ctl("deploy", "-", "-o", "json", text=json.dumps(spec), code=code)
    return json.loads(answer) if code == 0 else answer


def row_of(name):
    return next((r for r in fleet.ctl_json("ps", "--all") if r["app_name"] == name), None)


def answers(url):
    return wait_for(f"{url} to answer", lambda: fleet.get(url)[0] == 200)


def a_program_is_public():
    url = deploy(spec("plain", "hello-linux-amd64", tag="v1", sha256=sha256(hello)))["urls"][0]
    answers(url)
    row = row_of("plain")
    assert row["source"] == "acme/hello@v1" and row["digest"] == "sha256:" + sha256(hello), row
    assert "fetching hello-linux-amd64 of acme/hello@v1" in fleet.ctl("logs", "plain")
    fleet.ctl("mop", "plain")
    assert fleet.get(url)[0] == 404


def an_archive_is_public():
    url = deploy(spec("packed", "hello.tar.gz", rename="hello-1/bin/hello"))["urls"][0]
    answers(url)
    assert row_of("packed")["digest"] == "sha256:" + sha256(hello), "want the digest of what is executed"
    fleet.ctl("mop", "packed")


def a_wrong_digest_is_refused():
    said = deploy(spec("pinned", "hello-linux-amd64", sha256="0" * 64), code=1)
    assert "the request says sha256:0000" in said, said
    row = row_of("pinned")
    assert row["status"] == "failed" and "the request says sha256:0000" in row["error_message"], row


def a_new_release_is_the_latest():
    newer = folder / "acme/hello/v2"
    newer.mkdir()
    (newer / "hello-linux-amd64").write_text("#!/bin/sh\necho version two\n")
    deploy({"app_name": "latest", "cmd": ["hello"], "github_release": {"repo": "acme/hello", "asset": "hello-linux-amd64"}})
    wait_for("version two", lambda: "version two" in fleet.ctl("logs", "latest"))


def nothing_stays_behind():
    assert fleet.processes("dd-fetch") == []
    store = fleet.home / "vm-1/data/store"
    left = [entry.name for entry in store.iterdir() if entry.name.startswith(".")]
    assert left == [], left


try:
    main([
        ("a program of a release answers at its public hostname until it is mopped", a_program_is_public),
        ("a program in a .tar.gz of a release answers at its public hostname", an_archive_is_public),
        ("a release with another digest than the request pins is refused with both digests", a_wrong_digest_is_refused),
        ("without a tag the latest release is fetched", a_new_release_is_the_latest),
        ("no helper and no half-fetched file stays behind", nothing_stays_behind),
    ])
finally:
    fleet.stop()
    scratch.cleanup()
