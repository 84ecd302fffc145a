#!/usr/bin/env python3
"""How long a clean build takes, and one after a change to one file, without ccache. It reports and asserts no times.

Usage: build_times.py. Builds the library, tools and examples as ./dev build does, in a temporary folder."""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from table import print_table, report

ROOT = Path(__file__).resolve().parents[2]
# A file of plain code, one of coroutines, and the costliest one, which every executable but dd-enclave links.
TOUCHED = ("libdd/protocol/registration.cpp", "libdd/cp/registrar.cpp", "libdd/net/http_connection.cpp")


def build(folder):
    begin = time.monotonic()
    subprocess.run([ROOT / "dev", "build", folder], check=True, capture_output=True, env=os.environ | {"CCACHE_DISABLE": "1"})
    return time.monotonic() - begin


def main():
    with tempfile.TemporaryDirectory(prefix="dd-build-") as folder:
        report(f"clean build on {len(os.sched_getaffinity(0))} cores", f"{build(folder) / 60:.1f} min")
        for name in TOUCHED:
            os.utime(ROOT / name)
            report(f"build after a change to {name}", f"{build(folder):.1f} s")
    print_table()


if __name__ == "__main__":
    main()
