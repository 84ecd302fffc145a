#!/usr/bin/env python3
"""Arrows between modules point one way: reads the #include lines against the table of docs/architecture.md."""

import re
from pathlib import PurePosixPath

from sources import Problem, cpp_files, line_of, main, text_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.M)

VALUES = {"core", "crypto", "attest", "workload", "protocol"}
NETWORK = VALUES | {"net"}
CLIENTS = {"enclave_client", "fetch", "ita", "identity", "tunnel", "fleet_client"}
BELOW_SERVICES = NETWORK | {"jwks", "collateral", "web"} | CLIENTS
SERVICES = {"cp", "agent", "enclave", "local"}

# Which modules each module may include, besides itself.
ALLOWED = {
    "core": set(),
    "crypto": {"core"},
    "attest": {"core", "crypto"},
    "workload": {"core", "crypto"},
    "protocol": {"core", "crypto", "attest", "workload"},
    "net": VALUES,
    "web": {"core", "net", "workload"},
    "jwks": NETWORK,
    "collateral": NETWORK,
    **{client: NETWORK | {"jwks", "collateral"} for client in CLIENTS},
    **{service: BELOW_SERVICES for service in SERVICES},
    "cli": BELOW_SERVICES | SERVICES,
}

# The module that implements a public header, where it is not called like the header.
OWNER = {
    **dict.fromkeys(["bytes", "clock", "config", "error", "http", "listen_fds", "log", "random", "secret"], "core"),
    **dict.fromkeys(["claims", "event_log", "policy", "quote", "quote_source", "report_data"], "attest"),
    **dict.fromkeys(["control_plane", "registry"], "cp"),
    "bake": "workload",
}

# Headers of other projects, and the only files that may include them.
KEPT_APART = [
    (re.compile(r"(cpprest|pplx)/"), re.compile(r"libdd/net/http_client\.cpp"), "only libdd/net/http_client.cpp includes cpprestsdk"),
    (re.compile(r"boost/beast"), re.compile(r"libdd/(net|local)/[^/]*\.cpp|libdd/net/web_socket_over\.hpp"),
     "only .cpp files of libdd/net and libdd/local, and libdd/net/web_socket_over.hpp, include Beast"),
    (re.compile(r"boost/"), re.compile(r"(?!libdd/(core|crypto|attest|workload|protocol)/).*"), "core, crypto, attest, workload and protocol include no Boost"),
]


def module_of(path):
    """The module that a repository path belongs to, or None."""
    parts = PurePosixPath(path).parts
    if parts[0] == "libdd" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "dd"):
        name = PurePosixPath(path).stem
        return OWNER.get(name, name if name in ALLOWED else None)
    return None


def problem_with(path, target):
    """What is wrong with `path` including `target` (a repository path), or None."""
    module, other = module_of(path), module_of(target)
    if other is None:
        return f"{target} belongs to no module; add it to OWNER in tests/lint/arrows.py" if target.startswith("include/") else None
    if path.startswith(("tools/", "examples/")):
        if target.startswith("include/") or (path.startswith("tools/ddctl") and other == "cli"):
            return None
        return f"tools and examples include public headers only, not {target}"
    if module is None or module == other or other == "pch":
        return None
    if module not in ALLOWED:
        return f"module {module} is not in the table of tests/lint/arrows.py"
    return None if other in ALLOWED[module] else f"{module} must not include {other} ({target})"


def check_file(root, path):
    text = text_of(root, path)
    found = []
    for match in INCLUDE.finditer(text):
        target = match[2]
        problem = None
        if target.startswith("dd/"):
            problem = problem_with(path, "include/" + target)
        elif target.startswith("libdd/"):
            problem = problem_with(path, target)
        for header, may_include, rule in KEPT_APART:
            if header.match(target) and not may_include.fullmatch(path) and not path.startswith("libdd/pch/"):
                problem = rule
        if problem:
            found.append(Problem(path, line_of(text, match.start()), problem))
    return found


def check(root):
    unowned = [Problem(path, 1, "belongs to no module; add it to OWNER in tests/lint/arrows.py")
               for path in cpp_files(root, ["include"]) if module_of(path) is None]
    return unowned + [problem for path in cpp_files(root, ["include", "libdd", "tools", "examples"]) for problem in check_file(root, path)]


if __name__ == "__main__":
    main(check)
