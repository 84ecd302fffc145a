#!/usr/bin/env python3
"""Only libdd/core/config.cpp touches the environment, so that every variable is declared, checked and documented.

Setting up what an executed program will see is something else, and so is a setting that a library takes in no other way;
a comment on the line or just above says so with the words "child's environment" or "library's only switch"."""

import re

from sources import Problem, code_only, cpp_files, line_of, main, text_of

READER = "libdd/core/config.cpp"
TOUCHES = re.compile(r"\b(getenv|secure_getenv|setenv|unsetenv|putenv|clearenv|environ)\b")
EXCUSES = ("child's environment", "library's only switch")
LINES_ABOVE = 3


def check(root):
    found = []
    for path in cpp_files(root, ["include", "libdd", "tools", "examples"]):
        if path == READER:
            continue
        text = text_of(root, path)
        lines = text.splitlines()
        for match in TOUCHES.finditer(code_only(text)):
            line = line_of(text, match.start())
            nearby = lines[max(0, line - 1 - LINES_ABOVE) : line]
            if not any(excuse in above for above in nearby for excuse in EXCUSES):
                found.append(Problem(path, line, f"{match[1]} outside {READER}: declare a variable with dd::Config"))
    return found


if __name__ == "__main__":
    main(check)
