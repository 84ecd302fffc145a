#!/usr/bin/env python3
"""clang-tidy over the .cpp files that changed; with --format also clang-format over every file.

Usage: clang.py FOLDER [--format] [--all] [--tally FILE]. FOLDER is a build folder configured with clang. Changed means: differs from where
this branch left DD_LINT_BASE (origin/main), or from the commit before when it is that commit itself."""

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import ROOT, cpp_files

EXTRA = ["--extra-arg=-Wno-unknown-warning-option", "--quiet"]


def git(*words):
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def base():
    """The commit that changes are counted from; None when everything is new."""
    head = git("rev-parse", "HEAD")
    fork = git("merge-base", "HEAD", os.environ.get("DD_LINT_BASE", "origin/main"))
    if fork is None or fork == head:
        return git("rev-parse", "HEAD~1")
    return fork


def changed_files():
    start = base()
    tracked = git("diff", "--name-only", "--diff-filter=d", start) if start else git("ls-files")
    untracked = git("ls-files", "--others", "--exclude-standard")
    return {name for name in f"{tracked}\n{untracked}".splitlines() if name.endswith(".cpp")}


def compiled_files(folder):
    commands = json.loads((folder / "compile_commands.json").read_text())
    return {os.path.relpath(os.path.join(c["directory"], c["file"]), ROOT) for c in commands}


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def check_format():
    done = run(["clang-format-19", "--dry-run", "-Werror", *cpp_files(ROOT)])
    files = sorted({line.split(":", 1)[0] for line in done.stderr.splitlines() if ": error:" in line})
    return [("clang-format", f"./dev format would change {', '.join(files)}" if done.returncode else None)]


def check_tidy(folder, names):
    def one(name):
        done = run(["clang-tidy-19", "-p", str(folder), *EXTRA, name])
        return "clang-tidy " + name, (done.stdout + done.stderr).strip() if done.returncode else None

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(one, names))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--format", action="store_true", help="check the format too")
    parser.add_argument("--all", action="store_true", help="clang-tidy over every file")
    parser.add_argument("--tally", help="append the counts to a file instead of printing the closing line")
    args = parser.parse_args()
    known = compiled_files(args.folder)
    names = sorted(known if args.all else known & changed_files())
    results = (check_format() if args.format else []) + check_tidy(args.folder, [n for n in names if (ROOT / n).exists()])
    failed = [(what, problem) for what, problem in results if problem]
    for what, _ in results:
        print(f"{'not ok' if what in dict(failed) else 'ok'} {what}")
    for what, problem in failed:
        print(f"\nFAILED {what}\n{problem}")
    counts = (len(results) - len(failed), len(failed), 0)
    if args.tally:
        with open(args.tally, "a", encoding="utf-8") as out:
            out.write(f"{counts[0]} {counts[1]} {counts[2]}\n")
    else:
        print("{} passed, {} failed, {} skipped".format(*counts))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
