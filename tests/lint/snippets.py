#!/usr/bin/env python3
"""The C++ in README.md and docs/ compiles as a reader would type it: against include/dd alone, warnings as errors.

Usage: snippets.py [ROOT [COMPILER…]]. A block that has no main() stands for the inside of a function."""

import re
import sys
import tempfile
from pathlib import Path

from public_headers import compile_text
from sources import ROOT, Problem, files, line_of, text_of

BLOCK = re.compile(r"^```(?:cpp|c\+\+)\n(.*?)^```$", re.M | re.S)
INCLUDE = re.compile(r"^#include .*\n", re.M)


def program(block):
    """`block` as a file of its own."""
    if re.search(r"\bint main\(", block):
        return block
    return "".join(INCLUDE.findall(block)) + "void snippet();\nvoid snippet() {\n" + INCLUDE.sub("", block) + "}\n"


def check(root, compiler=("g++",)):
    pages = [name for name in ("README.md",) if (root / name).exists()] + files(root, {".md"}, ["docs"])
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        for page in pages:
            text = text_of(root, page)
            for number, match in enumerate(BLOCK.finditer(text)):
                compiled, said, _ = compile_text(compiler, root, program(match[1]), Path(scratch), f"{page.replace('/', '-')}-{number}")
                if not compiled:
                    problems.append(Problem(page, line_of(text, match.start()), f"does not compile:\n{said}"))
    return problems


if __name__ == "__main__":
    found = check(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT, sys.argv[2:] or ["g++"])
    for problem in found:
        print(problem)
    sys.exit(1 if found else 0)
