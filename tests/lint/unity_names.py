#!/usr/bin/env python3
"""Files of one folder are compiled together (docs/adr/0011): what their unnamed namespaces define has a name of its own in the folder.

Which files share a compilation changes whenever one is added, so that two equal names would fail later, elsewhere. An alias of the same type may
stand in several files, and overloads in one."""

import re
from collections import defaultdict
from pathlib import PurePosixPath

from sources import Problem, code_only, cpp_files, main, text_of

# As clang-format lays them out: at the start of a line.
DEFINITIONS = [re.compile(pattern) for pattern in (
    r"(?:constexpr|const|static|inline|constinit|thread_local)\b.*?\b(k[A-Z]\w*)\b",
    r"(?:struct|class|enum class|enum|union)\s+(\w+)",
    r"using\s+(\w+)\s*=",
    r"(?!return\b|if\b|using\b|template\b|namespace\b|friend\b)[A-Za-z_][\w:<>,&*\s]*?[\s&*>](\w+)(?:\(|\{|;| =)",
)]


def definitions(text):
    """(name, line number, line) of what unnamed namespaces define."""
    inside = False
    for number, (line, code) in enumerate(zip(text.splitlines(), code_only(text).splitlines()), 1):
        if line == "namespace {":
            inside = True
        elif line == "}  // namespace":
            inside = False
        elif inside:
            match = next((m for m in (d.match(code) for d in DEFINITIONS) if m), None)
            if match:
                yield match[1], number, line


def check(root):
    seen = defaultdict(dict)  # (folder, name): path: (line number, line)
    for path in cpp_files(root, ("libdd", "tests/unit")):
        if not path.endswith(".cpp"):
            continue
        for name, number, line in definitions(text_of(root, path)):
            seen[str(PurePosixPath(path).parent), name].setdefault(path, (number, line))
    problems = []
    for (_, name), places in seen.items():
        if len(places) == 1 or len({line for _, line in places.values()}) == 1 and next(iter(places.values()))[1].startswith("using "):
            continue
        first, *others = places
        problems += [Problem(path, places[path][0], f"{name} is the name of something in {first} too, which may be compiled together with it")
                     for path in others]
    return problems


if __name__ == "__main__":
    main(check)
