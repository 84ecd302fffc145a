#!/usr/bin/env python3
"""Breaks the product on purpose, in a clone of its own, and looks whether the test that is there to notice it turns red.

Usage: broken_products.py [NUMBER…]. Prints a table; exit status 1 when a broken product passes, or a change no longer fits the code. With --fits
only whether they fit is looked at, and nothing is built."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Broken:
    what: str
    file: str
    changes: tuple  # (before, after); the first stands once in the file
    test: str
    case: str


PRODUCTS = [
    Broken("dd-agent logs every caller's PAT", "libdd/agent/visitor.cpp",
           (('#include "libdd/identity/session.hpp"\n', '#include "dd/log.hpp"\n#include "libdd/identity/session.hpp"\n'),
            ("  const auto text = token->reveal();\n", '  const auto text = token->reveal();\n  log::info("caller", {{"with", std::string(text)}});\n')),
           "integration/main_line", "no log of the fleet holds a credential that it was given or shown"),
    Broken("dd-enclave listens on a loopback port", "libdd/enclave/enclave.cpp",
           (("#include <boost/asio/thread_pool.hpp>\n", "#include <boost/asio/ip/tcp.hpp>\n#include <boost/asio/thread_pool.hpp>\n"),
            ("    if (on_serving) on_serving();\n",
             "    static net::asio::ip::tcp::acceptor door(io, {net::asio::ip::address_v4::loopback(), 0});\n    if (on_serving) on_serving();\n")),
           "integration/main_line", "the runtime has no network socket but those it holds for agent and control plane"),
    Broken("the original path is run instead of the hashed copy", "libdd/enclave/supervisor.cpp",
           (("  spec.executable = deployment->executable.path;\n",
             '  spec.executable = deployment->request.app_name == "hashed" ? "/bin/sleep" : deployment->executable.path.string();\n'),),
           "integration/main_line", "what runs is the copy that was hashed, and its digest is in the event log"),
    Broken("the fleet's page never updates", "libdd/web/static/fleet.js",
           (('poll("/api/agents"', 'if (location.hash) poll("/api/agents"'),), "browser/", "the fleet's page follows what happens"),
    Broken("a good PAT of another account counts as signed in", "libdd/identity/owner_check.cpp",
           (("  if (!is_owner(user->id, user->name))\n", "  if (user->id == 0)\n"),), "integration/trust_fleet",
           "strangers get no quote, no log and no deploy"),
    Broken("boot workloads are left out of the registration", "libdd/agent/exposer.cpp",
           (("      else if (info.boot)\n", "      else if (false)\n"),), "integration/main_line",
           "boot workloads are in the registration, and no list is sent after it"),
]


def run(clone, *command):
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def broken(good, product):
    """The text of its file with the changes made; None when one has no place there."""
    for before, after in product.changes:
        if good.count(before) != 1:
            return None
        good = good.replace(before, after)
    return good


def verdict(clone, product):
    path = clone / product.file
    good = path.read_text()
    bad = broken(good, product)
    if bad is None:
        return "does not fit the code any more"
    path.write_text(bad)
    try:
        status, said = run(clone, "./dev", "test", product.test)
    finally:
        path.write_text(good)
    if "cannot build the tests" in said:
        return "does not compile:\n" + said[-3000:]
    if status == 0:
        return "PASSED although it is broken"
    if product.case not in said:
        return "failed elsewhere:\n" + said[-3000:]
    return "red"


def check_fit():
    misfits = [product.what for product in PRODUCTS if broken((ROOT / product.file).read_text(), product) is None]
    for what in misfits:
        print(f"does not fit the code any more: {what}")
    sys.exit(1 if misfits else 0)


def main():
    if sys.argv[1:] == ["--fits"]:
        check_fit()
    chosen = [PRODUCTS[int(n) - 1] for n in sys.argv[1:]] or PRODUCTS
    failed = False
    with tempfile.TemporaryDirectory(prefix="dd-broken-") as scratch:
        clone = Path(scratch) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        for product in chosen:
            outcome = verdict(clone, product)
            failed |= outcome != "red"
            print(f"| {product.what} | `{product.test}`: “{product.case}” | {outcome} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
