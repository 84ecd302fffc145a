#!/usr/bin/env python3
"""Each header of include/dd compiles by itself and reaches only the standard library, tl/expected and nlohmann/json_fwd.

Usage: public_headers.py [ROOT [COMPILER…]]. What may be reached is what the compiler itself reaches from those three."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import ROOT, Problem, files

REACHABLE = "#include <bits/stdc++.h>\n#include <math.h>\n#include <stdlib.h>\n#include <nlohmann/json_fwd.hpp>\n#include <tl/expected.hpp>\n"
SHOWN = 5
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-x", "c++"]


def compile_text(compiler, root, text, scratch, name):
    """Compiles `text` and returns (whether it compiled, what the compiler said, the files it read)."""
    source = scratch / f"{name}.cpp"
    source.write_text(text)
    made = scratch / f"{name}.d"
    run = subprocess.run([*compiler, *FLAGS, "-I", str(root / "include"), "-MD", "-MF", str(made), str(source)], capture_output=True, text=True)
    if run.returncode != 0:
        return False, run.stderr, set()
    words = made.read_text().split(":", 1)[1].replace("\\\n", " ").split()
    return True, "", {os.path.realpath(word) for word in words if word != str(source)}


def check_header(compiler, root, path, allowed, scratch):
    header = Path(path).relative_to("include").as_posix()
    compiled, said, reached = compile_text(compiler, root, f'#include "{header}"\n', scratch, header.replace("/", "-"))
    if not compiled:
        return [Problem(path, 1, f"does not compile by itself:\n{said}")]
    ours = os.path.realpath(root / "include" / "dd") + os.sep
    foreign = sorted(file for file in reached - allowed if not file.startswith(ours))
    return [Problem(path, 1, f"reaches files outside std, tl/expected and json_fwd: {', '.join(foreign[:SHOWN])}")] if foreign else []


def check(root, compiler=("g++",)):
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        compiled, said, allowed = compile_text(compiler, root, REACHABLE, scratch, "reachable")
        if not compiled:
            return [Problem("include/dd", 1, f"cannot compile the standard library's headers:\n{said}")]
        headers = files(root, {".hpp", ".h"}, ["include"])
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            found = pool.map(lambda path: check_header(compiler, root, path, allowed, scratch), headers)
            return [problem for problems in found for problem in problems]


if __name__ == "__main__":
    problems = check(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT, sys.argv[2:] or ["g++"])
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
