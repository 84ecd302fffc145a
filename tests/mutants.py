#!/usr/bin/env python3
"""Changes the product in many small ways, one at a time, and tells which of them no unit test notices.

Usage: mutants.py [--every N] [--only NUMBER,…] [FILE…]. A file is one of `libdd/ROOM/`; its tests are `unit/ROOM`. Without files: those whose
mistakes cost the fleet its trust. All changes are compiled at once into a clone, each behind a switch that an environment variable turns, so that
a run of hundreds takes one build. Prints what survives; exit status 1 when less than 95 % of the changes were noticed. What survives is either a
test that is missing or a change that makes no difference: somebody has to look, and writes the latter into tests/mutants_equal.txt. A change may
well kill whatever it can reach: as root each test runs in namespaces of its own, without the capability to restart the machine, and with limits."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOAL = 0.95
LONGEST_RUN = 60  # seconds; a change that makes a test hang was noticed
TRUSTED = """
attest/event_log.cpp attest/log_facts.cpp attest/policy.cpp attest/policy_rules.cpp attest/policy_verdict.cpp attest/quote_signature.cpp
agent/deploy_api.cpp agent/membership_keeper.cpp agent/poll_api.cpp agent/visitor.cpp
cp/agent_calls.cpp cp/agent_record.cpp cp/agent_sessions.cpp cp/compat_registrar.cpp cp/dropper.cpp cp/evidence.cpp cp/nonces.cpp cp/poller.cpp
cp/provisioner.cpp cp/registrar.cpp cp/sweeper.cpp
crypto/ec_key.cpp crypto/hpke.cpp crypto/jws.cpp crypto/okp.cpp crypto/rsa.cpp crypto/statement.cpp crypto/x509.cpp
enclave/capability_server.cpp enclave/guests.cpp enclave/measured_log.cpp
identity/cookie_mac.cpp identity/owner_check.cpp identity/pat_verifier.cpp identity/session.cpp identity/verdict_cache.cpp
ita/token_claims.cpp ita/verifier.cpp
""".split()

SWITCH = """#pragma once
#include <cstdlib>
#include <type_traits>
inline const int dd_mutant_on = std::getenv("DD_MUTANT") ? std::atoi(std::getenv("DD_MUTANT")) : 0;
constexpr bool dd_mutant(int number) {
  if (std::is_constant_evaluated()) return false;
  return dd_mutant_on == number;
}
"""

OTHER_BOUND = {" < ": " <= ", " <= ": " < ", " > ": " >= ", " >= ": " > ", " == ": " != ", " != ": " == "}
OPENING, CLOSING = "([{", ")]}"
# Each is a statement on its own: a call whose value nobody takes.
CALL = re.compile(r"^( +)((?:co_await )?[A-Za-z_][\w.:]*(?:->[\w.:]+)*\(.*\));$")


@dataclass
class Mutant:
    number: int
    file: str
    line: int
    what: str


def masked(source):
    """The same text with what stands in comments and literals blotted out, so that only code is found in it."""
    blot = lambda found: re.sub(r"[^\n]", "_", found.group(0))
    return re.sub(r'//[^\n]*|R"\((?:.|\n)*?\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', blot, source)


def closing_of(mask, start):
    depth = 0
    for at in range(start, len(mask)):
        depth += (mask[at] in OPENING) - (mask[at] in CLOSING)
        if depth == 0:
            return at
    raise ValueError("unbalanced")


def split_on(text, separator):
    """The parts of an expression between its outermost separators."""
    mask, parts, depth, begin, at = masked(text), [], 0, 0, 0
    while at < len(mask):
        depth += (mask[at] in OPENING) - (mask[at] in CLOSING)
        if depth == 0 and mask.startswith(separator, at):
            parts.append(text[begin:at])
            begin = at = at + len(separator)
        else:
            at += 1
    return parts + [text[begin:]]


class Mutator:
    """Rewrites one file."""

    def __init__(self, file, source, first, dropped):
        self.file, self.source, self.mask, self.next, self.dropped = file, source, masked(source), first, dropped
        self.mutants = []

    def number(self, at, what):
        """Of a new mutant; none where the compiler has refused one."""
        line = self.source.count("\n", 0, at) + 1
        if (self.file, line) in self.dropped:
            return None
        self.mutants.append(Mutant(self.next, self.file, line, " ".join(what.split())))
        self.next += 1
        return self.next - 1

    def condition(self, text, at):
        """`text` as an expression in which clauses can be left out and bounds be moved."""
        if "?" in masked(text):
            return text
        for separator, pattern, effect in (("||", "(!dd_mutant({}) && ({}))", "false"), ("&&", "(dd_mutant({}) || ({}))", "true")):
            parts = split_on(text, separator)
            if len(parts) == 1:
                continue
            written, offset = [], at
            for part in parts:
                number = self.number(offset, f"{part.strip()} → {effect}, in {text.strip()}")
                inner = self.condition(part, offset)
                written.append(pattern.format(number, inner) if number else inner)
                offset += len(part) + len(separator)
            return separator.join(written)
        bare = text.strip()
        for before, inside in (("!(", bare[2:-1]), ("(", bare[1:-1])):
            if bare.startswith(before) and closing_of(masked(bare), len(before) - 1) == len(bare) - 1:
                return before + self.condition(inside, at) + ")"
        return self.bound(text, at)

    def bound(self, text, at):
        for operator, other in OTHER_BOUND.items():
            parts = split_on(text, operator)
            if len(parts) != 2 or " = " in masked(text):
                continue
            number = self.number(at, f"{text.strip()} → {parts[0].strip()}{other}{parts[1].strip()}")
            if number:
                left, right = parts
                return f"(dd_mutant({number}) ? ({left}{other}{right}) : ({text}))"
        return text

    def guard(self, text, at):
        """What stands in the parentheses of an `if`."""
        parts = split_on(text, ";")
        last = parts[-1]
        if "co_await" in masked(last) or re.search(r"[^=!<>]=[^=]", masked(last)):
            return text
        at += len(text) - len(last)
        number = self.number(at, f"if ({last.strip()}) → never")
        inner = self.condition(last, at)
        parts[-1] = f" (!dd_mutant({number}) && static_cast<bool>({inner}))" if number else inner
        return ";".join(parts)

    def rewritten(self):
        out, done = [], 0
        for found in re.finditer(r"\bif \(|\breturn (?=[^;{}]*(?:&&|\|\|| [<>]=? | [=!]= )[^;{}]*;)|^ +.*\);$", self.mask, re.M):
            if found.start() < done:
                continue
            if found.group(0) == "if (":
                begin = found.end()
                end = closing_of(self.mask, begin - 1)
                new = self.guard(self.source[begin:end], begin)
            elif found.group(0) == "return ":
                begin, end = found.end(), self.mask.index(";", found.end())
                text = self.source[begin:end]
                if "[" in text or "co_await" in text:
                    continue
                new = self.condition(text, begin)
            else:
                begin, end = found.start(), found.end()
                new = self.without_call(self.source[begin:end], begin)
                if new is None:
                    continue
            out += [self.source[done:begin], new]
            done = end
        return '#include "libdd/mutant.hpp"\n#line 1\n' + "".join(out) + self.source[done:]

    def without_call(self, text, at):
        call = CALL.match(text)
        before = self.mask[:at].rstrip()[-1:]
        if not call or before not in ";{}" or re.match(r"(log::|return|co_return|throw|static_assert)", call.group(2)):
            return None
        number = self.number(at, f"{call.group(2)}; → nothing")
        return f"{call.group(1)}if (!dd_mutant({number})) {{ {call.group(2)}; }}" if number else None


def mutate(clone, files, dropped):
    mutants = []
    for file in files:
        source = subprocess.run(["git", "show", f"HEAD:{file}"], cwd=clone, capture_output=True, text=True, check=True).stdout
        mutator = Mutator(file, source, len(mutants) + 1, dropped)
        (clone / file).write_text(mutator.rewritten())
        mutants += mutator.mutants
    return mutants


def without_equal(mutants, files):
    """Those that make a difference. Ends the program where the list of the others is out of date."""
    equal = set()
    for line in (ROOT / "tests/mutants_equal.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            file, what = line.rsplit(" | ", 1)[0].split(": ", 1)
            equal.add((f"libdd/{file}", what))
    stale = {(file, what) for file, what in equal if file in files} - {(mutant.file, mutant.what) for mutant in mutants}
    if stale:
        raise SystemExit("tests/mutants_equal.txt has changes that are none:\n" + "\n".join(f"{file}: {what}" for file, what in sorted(stale)))
    return [mutant for mutant in mutants if (mutant.file, mutant.what) not in equal]


def tests_of(files):
    return sorted({f"tests/unit/{room}/unit_{room}" for room in (Path(file).parent.name for file in files)})


def programs_of(files):
    """The tests and what they start."""
    started = ["tests/unit/enclave/enclave_probe", "tools/dd-fetch"] if any("/enclave/" in file for file in files) else []
    return tests_of(files) + started


def build(clone, files):
    """Leaves out what cannot be compiled, for a change is made without understanding of types."""
    (clone / "libdd" / "mutant.hpp").write_text(SWITCH)
    environment = dict(os.environ, CCACHE_BASEDIR=str(clone), CCACHE_NOHASHDIR="1")
    subprocess.run(["meson", "setup", "build", "-Dwerror=false", "-Ddebug=false", "-Dsimulation=true", "--buildtype=plain"], cwd=clone, check=True,
                   stdout=subprocess.DEVNULL, env=environment)
    dropped = set()
    for _ in range(8):
        mutants = mutate(clone, files, dropped)
        done = subprocess.run(["ninja", "-k", "0", "-C", "build", *programs_of(files)], cwd=clone, capture_output=True, text=True, env=environment)
        if done.returncode == 0:
            return mutants
        refused = {(file, int(line)) for file, line in re.findall(r"(libdd/\w+/\w+\.cpp):(\d+):\d+: error", done.stdout)}
        print(f"the compiler refuses changes in {len(refused)} lines; they are left out", file=sys.stderr)
        if not refused - dropped:
            raise SystemExit("cannot build:\n" + done.stdout[-6000:])
        dropped |= refused
    raise SystemExit("cannot build: the compiler refuses something every time")


ALONE = """unshare --pid --fork --kill-child --mount-proc --ipc --net setpriv --bounding-set=-sys_boot,-sys_module --inh-caps=-sys_boot,-sys_module
prlimit --as=8589934592 --core=0 --fsize=1073741824 sh -c""".split() + ['ip link set lo up; "$0" "$@"; exit $?']


def run_tests(clone, test, number):
    """Whether they pass."""
    program = clone / "build" / test
    # The first process of a namespace heeds no SIGTERM: what hangs ends in time although nobody waits for it any more.
    isolation = ["timeout", "--signal=KILL", str(LONGEST_RUN), *(ALONE if os.geteuid() == 0 else [])]
    with tempfile.TemporaryDirectory(prefix="dd-mutant-") as scratch:
        Path(scratch).chmod(0o711)  # workloads have uids of their own and must be able to walk through
        try:
            done = subprocess.run([*isolation, program, "--abort-after=1"], cwd=program.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=dict(os.environ, DD_MUTANT=str(number), TMPDIR=scratch), timeout=2 * LONGEST_RUN, start_new_session=True)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="run one in N")
    parser.add_argument("--only", help="numbers, with commas between")
    parser.add_argument("--list", action="store_true", help="print the changes, run nothing")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("files", nargs="*", default=[f"libdd/{file}" for file in TRUSTED])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dd-mutants-") as scratch:
        clone = Path(scratch) / "clone"
        Path(scratch).chmod(0o711)
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        if options.list:
            for mutant in without_equal(mutate(clone, options.files, set()), options.files):
                print(f"{mutant.number} {mutant.file}:{mutant.line} {mutant.what}")
            return 0
        mutants = without_equal(build(clone, options.files), options.files)
        for test in tests_of(options.files):
            started = time.monotonic()
            if not run_tests(clone, test, 0):
                raise SystemExit(f"cannot judge: {test} fails without any change")
            print(f"{test}: {time.monotonic() - started:.1f} s", file=sys.stderr)
        only = {int(number) for number in options.only.split(",")} if options.only else None
        chosen = [m for m in mutants if m.number in only] if only else mutants[::options.every]
        test_of = lambda mutant: tests_of([mutant.file])[0]
        survived = 0
        with ThreadPoolExecutor(options.jobs) as pool:
            runs = {pool.submit(run_tests, clone, test_of(mutant), mutant.number): mutant for mutant in chosen}
            for run in as_completed(runs):
                if run.result():
                    survived += 1
                    print(f"| {runs[run].number} | `{runs[run].file}:{runs[run].line}` | `{runs[run].what}` |", flush=True)
    noticed = 1 - survived / max(len(chosen), 1)
    print(f"{len(chosen)} of {len(mutants)} changes, {survived} survived: {noticed:.1%} noticed")
    return 0 if noticed >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
