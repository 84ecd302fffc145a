#!/usr/bin/env python3
"""Run by Meson after each configuration: Meson names the files that are compiled together by their absolute paths, so that no two clones or build
folders would share a compiler cache. Here they become relative. A file that says what it said before keeps its time, or ninja would build it anew."""

import os
import re
from pathlib import Path

ABSOLUTE = re.compile(r"^#include<(/[^>\n]+)>$", re.M)


def relative(text, folder):
    return ABSOLUTE.sub(lambda m: f'#include "{os.path.relpath(os.path.normpath(m[1]), folder)}"', text)


def main():
    for source in Path(os.environ["MESON_BUILD_ROOT"]).rglob("*.p/*-unity[0-9]*.cpp"):
        before = source.with_suffix(".before")
        text = relative(source.read_text(), source.parent)
        unchanged = before.exists() and before.read_text() == text
        if not unchanged:
            before.write_text(text)
        if source.read_text() != text:
            source.write_text(text)
        if unchanged:
            os.utime(source, ns=(before.stat().st_mtime_ns,) * 2)


if __name__ == "__main__":
    main()
