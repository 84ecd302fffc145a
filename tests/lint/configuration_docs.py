#!/usr/bin/env python3
"""docs/configuration.md holds what each tool prints with --config-markdown, between `<!-- NAME -->` and `<!-- end -->`.

Usage: configuration_docs.py PAGE TOOL…. With DD_UPDATE_GOLDEN=1 the page is rewritten."""

import os
import re
import subprocess
import sys
from pathlib import Path

from sources import Problem


def table_of(tool):
    return subprocess.run([str(tool), "--config-markdown"], check=True, capture_output=True, text=True, timeout=20).stdout.strip()


def block(tool):
    """Matches the tool's block: its opening mark, what stands between, the closing mark."""
    return re.compile(rf"(<!-- {re.escape(Path(tool).name)} -->\n)(.*?)(\n<!-- end -->)", re.S)


def check(page, tools):
    text = page.read_text()
    found = []
    for tool in tools:
        match = block(tool).search(text)
        if match is None:
            found.append(Problem(page.name, 1, f"has no block for {tool.name}"))
        elif match[2].strip() != table_of(tool):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Problem(page.name, line, f"block of {tool.name} is not what it prints; DD_UPDATE_GOLDEN=1 ./dev test integration/configuration_docs rewrites it"))
    return found


def update(page, tools):
    text = page.read_text()
    for tool in tools:
        table = table_of(tool)
        text = block(tool).sub(lambda match: match[1] + table + match[3], text)
    page.write_text(text)


def main():
    page, tools = Path(sys.argv[1]), [Path(tool) for tool in sys.argv[2:]]
    if os.environ.get("DD_UPDATE_GOLDEN") == "1":
        update(page, tools)
    problems = check(page, tools)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems or not tools else 0)


if __name__ == "__main__":
    main()
