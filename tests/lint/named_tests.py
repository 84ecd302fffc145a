#!/usr/bin/env python3
"""A test that a page names in curly quotes exists under that name: a promise must not outlive its proof."""

import re

from sources import Problem, files, line_of, main, text_of

NAME = re.compile(r"“([^”]+)”")
PAGES = ("docs/coverage.md", "docs/threat-model.md")


def check(root):
    tests = "\n".join(text_of(root, path) for path in files(root, {".cpp", ".py", ".mjs"}, ["tests"]))
    problems = []
    for page in PAGES:
        text = text_of(root, page) if (root / page).exists() else ""
        problems += [Problem(page, line_of(text, m.start()), f"no test is named “{m[1]}”")
                     for m in NAME.finditer(text) if f'"{m[1]}"' not in tests]
    return problems


if __name__ == "__main__":
    main(check)
