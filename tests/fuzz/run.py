#!/usr/bin/env python3
"""Runs fuzz targets for some seconds each, side by side, on a copy of their corpus; ends with `N passed, M failed, K skipped`.

Usage: run.py FOLDER [SECONDS] [TARGET…]. New inputs stay in FOLDER/corpus/TARGET/ for the next run; an input that breaks a
property is left in FOLDER/crashes/: copy it to tests/fuzz/corpus/TARGET/ with the fix."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
DEFAULT_SECONDS = 30
MAX_BYTES = 65536
SHOWN_LINES = 40


def command(program, name, folder, seconds):
    grown, crashes = folder / "corpus" / name, folder / "crashes"
    grown.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    # libFuzzer writes to the first folder and only reads the others.
    return [str(program), f"-max_total_time={seconds}", f"-max_len={MAX_BYTES}", "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
            f"-artifact_prefix={crashes}/{name}-", str(grown), str(SOURCES / "corpus" / name)]


def run(program, folder, seconds):
    name = program.name.removeprefix("fuzz_")
    done = subprocess.run(command(program, name, folder, seconds), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    executed = re.search(r"stat::number_of_executed_units: (\d+)", done.stderr)
    runs = int(executed[1]) if executed else 0
    failed = done.returncode != 0 or runs == 0
    print(f"{'not ok' if failed else 'ok'} {name}: {runs} inputs in {seconds} s", flush=True)
    if failed:
        print("\n".join("  | " + line for line in done.stderr.splitlines()[-SHOWN_LINES:]), flush=True)
    return failed


def main():
    folder = Path(sys.argv[1]).resolve()
    words = sys.argv[2:]
    seconds = int(words.pop(0)) if words and words[0].isdigit() else DEFAULT_SECONDS
    programs = sorted(p for p in (folder / "tests/fuzz").glob("fuzz_*") if p.is_file() and os.access(p, os.X_OK))
    if words:
        programs = [p for p in programs if p.name.removeprefix("fuzz_") in words]
    if not programs:
        print(f"cannot fuzz: no target {' '.join(words)} in {folder}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        failures = sum(pool.map(lambda program: run(program, folder, seconds), programs))
    print(f"{len(programs) - failures} passed, {failures} failed, 0 skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
