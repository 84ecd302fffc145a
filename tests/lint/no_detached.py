#!/usr/bin/env python3
"""asio::detached drops the exceptions of a coroutine without a word; log_failure(what) is the handler for work nobody awaits."""

from sources import cpp_files, main, matches


def check(root):
    return [problem for path in cpp_files(root)
            for problem in matches(root, path, r"\bdetached\b", "asio::detached hides failures: use log_failure(what)")]


if __name__ == "__main__":
    main(check)
