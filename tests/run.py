#!/usr/bin/env python3
"""Runs the tests that a build folder lists, side by side, and ends with the line `N passed, M failed, K skipped`.

Meson's own runner counts programs; this one counts the cases inside them (tests/results.py). Each test's output is kept in
FOLDER/test-logs/. Exit status: 0 when nothing failed, 1 when something did, 2 when no test has a given name."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from results import Counts, count

GRACE_SECONDS = 5
PATIENCE = 300  # seconds that any test may take: a timeout is for what hangs, not for a busy machine
SHOWN_LINES = 60
printing = threading.Lock()


def introspect(folder, what):
    output = subprocess.run(["meson", "introspect", f"--{what}", str(folder)], check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def selected(tests, names, without):
    """Tests whose name starts with one of `names` (all when there is none), except those of suite `without`."""
    suites = {f"libdd:{suite}" for suite in without}
    chosen = [t for t in tests if not suites & set(t["suite"])]
    if names:
        chosen = [t for t in chosen if any(t["name"].startswith(name) for name in names)]
    return chosen


def targets(folder, tests):
    """Ninja targets that `tests` need, relative to the build folder."""
    files = {target["id"]: target["filename"] for target in introspect(folder, "targets")}
    needed = {file for test in tests for target in test["depends"] for file in files.get(target, [])}
    return sorted(os.path.relpath(file, folder) for file in needed)


def stop(process):
    """Ends the whole process group: first politely, so that a fleet can take its children along."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(GRACE_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run(folder, test, factor):
    log = folder / "test-logs" / (test["name"].replace("/", "-").replace(" ", "-") + ".log")
    log.parent.mkdir(exist_ok=True)
    environment = os.environ | test["env"]
    timeout = max(test["timeout"] * factor, PATIENCE) if test["timeout"] > 0 else None
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(test["cmd"], cwd=test["workdir"] or folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            stop(process)
            status = None
    counts = count(log.read_text(errors="replace"), status)
    with printing:
        verdict = "FAIL" if counts.failed else "ok  "
        print(f"{verdict} {test['name']:<34} {counts.line():<36} {time.monotonic() - started:6.1f} s", flush=True)
    return test["name"], counts, log


def run_all(folder, tests, jobs, factor):
    together = [t for t in tests if t["is_parallel"]]
    alone = [t for t in tests if not t["is_parallel"]]
    # The slowest first (they have the longest timeouts), so that none of them is left alone at the end.
    together.sort(key=lambda test: -test["timeout"])
    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(lambda test: run(folder, test, factor), together))
    return done + [run(folder, test, factor) for test in alone]


def report(done):
    total = Counts()
    for name, counts, log in done:
        total.add(counts)
        for skip in counts.skips:
            print(f"skipped {name}: {skip}")
    for name, counts, log in done:
        if not counts.failed:
            continue
        print(f"\nFAILED {name}: {'; '.join(counts.failures)}\n  whole output: {log}")
        lines = log.read_text(errors="replace").splitlines()
        print("\n".join("  | " + line for line in lines[-SHOWN_LINES:]))
    return total


def total_of(tally):
    total = Counts()
    for line in Path(tally).read_text().splitlines():
        passed, failed, skipped = map(int, line.split())
        total.add(Counts(passed, failed, skipped))
    return total


def write_tally(tally, counts):
    with open(tally, "a", encoding="utf-8") as out:
        out.write(f"{counts.passed} {counts.failed} {counts.skipped}\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="build folder")
    parser.add_argument("names", nargs="*", help="run only the tests whose name starts with one of these")
    parser.add_argument("--without", action="append", default=[], metavar="SUITE", help="leave a suite out")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--targets", action="store_true", help="print what to build for these tests, and run nothing")
    parser.add_argument("--tally", metavar="FILE", help="append the counts to FILE instead of printing the closing line")
    parser.add_argument("--total", metavar="FILE", help="print the closing line for the counts in FILE, and run nothing")
    return parser.parse_intermixed_args()


def main():
    args = arguments()
    if args.total:
        total = total_of(args.total)
        print(total.line())
        return 1 if total.failed else 0
    folder = args.folder.resolve()
    tests = selected(introspect(folder, "tests"), args.names, args.without)
    if not tests:
        print(f"cannot run tests: none is called {' or '.join(args.names)}", file=sys.stderr)
        return 2
    if args.targets:
        print("\n".join(targets(folder, tests)))
        return 0
    total = report(run_all(folder, tests, args.jobs, float(os.environ.get("DD_TEST_TIMEOUT_FACTOR", "1"))))
    if args.tally:
        write_tally(args.tally, total)
        print()
    else:
        print(total.line())
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
