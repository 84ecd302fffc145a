"""Counts test cases in what a test program printed.

Three kinds of program are understood: doctest (its summary line), scripts that print `ok NAME`, `not ok NAME` or
`skip NAME` for each case, and anything else, which is one case that its exit status decides (77 is a skip)."""

import re
import signal
from dataclasses import dataclass, field

DOCTEST_SUMMARY = re.compile(r"^\[doctest\] test cases: *(\d+) *\| *(\d+) passed *\| *(\d+) failed *\| *(\d+) skipped", re.M)
DOCTEST_CASE = re.compile(r"^TEST CASE: +(.+)$", re.M)
SCRIPT_CASE = re.compile(r"^(ok|not ok|skip) (.+)$", re.M)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SKIP_STATUS = 77


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = field(default_factory=list)
    skips: list = field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def line(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def how_it_ended(status):
    if status is None:
        return "timed out"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit status {status}"


def count(output, status):
    """Counts of a program that printed `output` and ended with `status` (None: it was stopped at its timeout)."""
    output = COLOUR.sub("", output)
    counts = Counts()
    summaries = DOCTEST_SUMMARY.findall(output)
    cases = SCRIPT_CASE.findall(output)
    if summaries:
        for _, passed, failed, _ in summaries:
            counts.passed += int(passed)
            counts.failed += int(failed)
        if counts.failed:
            counts.failures = list(dict.fromkeys(name.strip() for name in DOCTEST_CASE.findall(output)))
    elif cases:
        counts.passed = sum(verdict == "ok" for verdict, _ in cases)
        counts.failures = [name for verdict, name in cases if verdict == "not ok"]
        counts.failed = len(counts.failures)
        counts.skips = [name for verdict, name in cases if verdict == "skip"]
        counts.skipped = len(counts.skips)
    elif status == 0:
        counts.passed = 1
    elif status == SKIP_STATUS:
        counts.skipped = 1
        counts.skips = [output.strip().rsplit("\n", 1)[-1]]

    ran = counts.passed + counts.failed + counts.skipped
    if status == 0 and ran == 0:
        counts.failed, counts.failures = 1, ["ran no test case"]
    elif status != 0 and counts.failed == 0 and not (status == SKIP_STATUS and counts.skipped):
        counts.failed, counts.failures = 1, [how_it_ended(status)]
    elif status is None:
        counts.failures.append(how_it_ended(status))
    return counts
