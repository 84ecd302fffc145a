#!/usr/bin/env python3
"""A co_await expression holds only names and calls.

GCC 12 corrupts the heap when it holds an aggregate, a lambda, or a defaulted aggregate argument, without a warning
(docs/adr/0002-names-before-co-await.md). A subscript, as in `co_await handlers[i](request)`, is fine.

Nor does it stand in the condition of an if, while or switch: in a coroutine that declares no variable GCC 12 then puts the condition's value in
front of the frame, and every parameter is read from eight bytes behind where it is.

Nor is it a branch of `?:`, `&&` or `||`: what it gives is destroyed in the branch that was not taken too. Nor are there branches of `?:` in what
it is given: both are evaluated."""

import re

from sources import Problem, closing, code_only, cpp_files, line_of, main, text_of

AWAIT = re.compile(r"\bco_await\b")
COROUTINE = re.compile(r"\b(?:Task|awaitable)\s*(?=<)")
CONDITION = re.compile(r"\b(if|while|switch)\s*(?=\()")
NAME_AND_BRACKET = re.compile(r"\s*[&*]*\s*(?:[\w:~]|<[^<>;(]*>)+\s*\(")
BRACED_DEFAULT = re.compile(r"=\s*(?:[\w:]+(?:<[^;=]*>)?\s*)?\{")


def expression(code, start):
    """What follows a co_await in its statement, up to the `;` or the bracket that encloses it."""
    depth = 0
    for i in range(start, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth < 0:
                return code[start:i]
        elif code[i] == ";" and depth == 0:
            return code[start:i]
    return code[start:]


def arguments_before(code, end):
    """What stands before a co_await at `end` between the same parentheses: it lives as long as the co_await does."""
    depth = 0
    for i in range(end - 1, -1, -1):
        if code[i] in ")]}":
            depth += 1
        elif code[i] in "([{":
            depth -= 1
            if depth < 0:
                return code[i + 1 : end] if code[i] == "(" else ""
        elif code[i] == ";" and depth == 0:
            return ""
    return ""


def shape(text):
    """The shape in a co_await expression that GCC 12 miscompiles, or None."""
    for bracket in re.finditer(r"[\[{]", text):
        before = text[: bracket.start()].rstrip()
        if bracket[0] == "{":
            return "an aggregate"
        subscript = re.search(r"[\w)\]]$", before) and not re.search(r"\b(return|co_return|co_await)$", before)
        if not subscript:
            return "a lambda"
    return None


def awaits(path, code):
    for match in AWAIT.finditer(code):
        if what := shape(arguments_before(code, match.start()) + " " + expression(code, match.end())):
            yield Problem(path, line_of(code, match.start()), f"{what} inside co_await: name it on the line above, then std::move it")


def branches(path, code):
    for match in AWAIT.finditer(code):
        if "?" in expression(code, match.end()):
            yield Problem(path, line_of(code, match.start()), "a choice inside co_await: name it on the line above")
        before = code[: match.start()].rstrip()
        statement = re.split(r"[;{}]", before)[-1]
        if before.endswith(("?", "&&", "||")) or (before.endswith(":") and "?" in statement):
            yield Problem(path, line_of(code, match.start()), "co_await as a branch of an expression: use if and else")


def conditions(path, code):
    """What stands between the parentheses of an if, while or switch; a lambda there has conditions of its own."""
    for match in CONDITION.finditer(code):
        condition = code[match.end() : closing(code, match.end())]
        if "{" not in condition and (found := AWAIT.search(condition)):
            yield Problem(path, line_of(code, match.end() + found.start()), f"co_await in the condition of {match[1]}: name its value on the line above")


def defaults(path, code):
    """Defaulted aggregate parameters of functions that return a coroutine."""
    for match in COROUTINE.finditer(code):
        after = closing(code, match.end()) + 1
        bracket = NAME_AND_BRACKET.match(code, after)
        if not bracket:
            continue
        start = bracket.end() - 1
        for default in BRACED_DEFAULT.finditer(code[start : closing(code, start)]):
            yield Problem(path, line_of(code, start + default.start()), "a coroutine with a defaulted aggregate parameter: add an overload instead")


def check(root):
    found = []
    for path in cpp_files(root):
        code = code_only(text_of(root, path))
        found += awaits(path, code)
        found += branches(path, code)
        found += conditions(path, code)
        found += defaults(path, code)
    return found


if __name__ == "__main__":
    main(check)
