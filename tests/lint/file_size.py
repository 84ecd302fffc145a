#!/usr/bin/env python3
"""One idea per file: a file that is longer than this holds two."""

import re

from sources import Problem, files, main, text_of

# The first pattern that fits a path decides.
LIMITS = [
    (re.compile(r"include/dd/.*\.hpp"), 300),
    (re.compile(r"tools/.*\.cpp"), 150),
    (re.compile(r"examples/.*\.cpp"), 120),
    (re.compile(r".*"), 500),
]


def limit_of(path):
    return next(limit for pattern, limit in LIMITS if pattern.fullmatch(path))


def check(root):
    found = []
    for path in files(root, {".cpp", ".hpp", ".py"}):
        lines = len(text_of(root, path).splitlines())
        if lines > limit_of(path):
            found.append(Problem(path, lines, f"{lines} lines, want at most {limit_of(path)}: split it by idea"))
    return found


if __name__ == "__main__":
    main(check)
