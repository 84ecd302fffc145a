#!/usr/bin/env python3
"""The test runner counts what programs print, and never takes a crash or an empty run for success."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import results  # noqa: E402
import run  # noqa: E402

SUMMARY = "[doctest] test cases: {} | {} passed | {} failed | 0 skipped\n"
FAILURE = "TEST CASE:  a sentence\n\n\x1b[31mfile.cpp:3: ERROR\x1b[0m\n"

# Name, output, status (None: timed out), counts, failures.
CASES = [
    ("doctest passes", SUMMARY.format(3, 3, 0), 0, (3, 0, 0), []),
    ("doctest fails", FAILURE + SUMMARY.format(3, 2, 1), 1, (2, 1, 0), ["a sentence"]),
    ("doctest passes, then the sanitizer complains", SUMMARY.format(3, 3, 0), 66, (3, 1, 0), ["exit status 66"]),
    ("doctest crashes", "", -11, (0, 1, 0), ["killed by SIGSEGV"]),
    ("doctest runs nothing", SUMMARY.format(0, 0, 0), 0, (0, 1, 0), ["ran no test case"]),
    ("doctest hangs", "", None, (0, 1, 0), ["timed out"]),
    ("script passes", "ok one\nnoise\nok two\nskip three (no root)\n", 0, (2, 0, 1), []),
    ("script fails", "ok one\nnot ok two\n", 1, (1, 1, 0), ["two"]),
    ("script fails with status 0", "ok one\nnot ok two\n", 0, (1, 1, 0), ["two"]),
    ("script breaks off", "ok one\nTraceback\n", 1, (1, 1, 0), ["exit status 1"]),
    ("script hangs after a failure", "not ok one\n", None, (0, 1, 0), ["one", "timed out"]),
    ("plain program passes", "anything\n", 0, (1, 0, 0), []),
    ("plain program fails", "a.cpp:1: bad\n", 1, (0, 1, 0), ["exit status 1"]),
    ("plain program is skipped", "no such thing here\n", 77, (0, 0, 1), []),
]


def selection_cases():
    tests = [{"name": name, "suite": ["libdd:" + name.split("/")[0]]} for name in ("unit/net", "unit/cp", "lint/arrows")]

    def names(*arguments):
        return [test["name"] for test in run.selected(tests, *arguments)]

    yield "every test without a name", names([], []) == ["unit/net", "unit/cp", "lint/arrows"]
    yield "tests by the start of their names", names(["unit/n", "lint"], []) == ["unit/net", "lint/arrows"]
    yield "a suite left out", names([], ["lint"]) == ["unit/net", "unit/cp"]
    yield "a name that no test has", names(["net"], []) == []


def main():
    failed = False
    for name, output, status, expected, failures in CASES:
        counts = results.count(output, status)
        good = (counts.passed, counts.failed, counts.skipped) == expected and counts.failures == failures
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {name}" + ("" if good else f": {counts}"))
    for name, good in selection_cases():
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
