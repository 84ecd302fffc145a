#!/usr/bin/env python3
"""The repository speaks of itself alone: no path of the machine it was written on, no page that is not in it."""

import re

from sources import CODE_FOLDERS, Problem, files, line_of, main, text_of

SUFFIXES = {".cpp", ".hpp", ".py", ".md", ".sh", ".build", ".txt", ".yml", ".yaml", ".json", ".html", ".js", ".ts", ".css"}
TOP = ("dev", "README.md", "CONTRIBUTING.md", "meson.build", "meson_options.txt", ".ci/run", ".clang-tidy", ".clang-format")
ITSELF = {"tests/lint/self_reference.py", "tests/lint/self_test.py"}

MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|workspace|home/(?!user\b)\w+|Users/\w+)/\S*")
PAGE = re.compile(r"(?<![\w./-])((?:docs|spec)/[\w./-]+\.md|(?:design|style|seed|lessons|conventions|toolchain)\.(?:md|txt))\b")
UNNAMED_PAGE = re.compile(r"\b(?:design|style|spec) ?§ ?\d", re.I)


def check_file(root, path):
    text = text_of(root, path)
    for match in MACHINE_PATH.finditer(text):
        yield Problem(path, line_of(text, match.start()), f"{match[0]} is a path of one machine")
    for match in PAGE.finditer(text):
        if "NNNN" not in match[1] and not (root / match[1]).exists():
            yield Problem(path, line_of(text, match.start()), f"{match[1]} is not in this repository")
    for match in UNNAMED_PAGE.finditer(text):
        yield Problem(path, line_of(text, match.start()), f"{match[0]} is not in this repository: name a page of docs/")


def check(root):
    paths = files(root, SUFFIXES, (*CODE_FOLDERS, "docs")) + [name for name in TOP if (root / name).exists()]
    return [problem for path in paths if path not in ITSELF for problem in check_file(root, path)]


if __name__ == "__main__":
    main(check)
