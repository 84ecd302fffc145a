"""What every lint needs: the files to read, C++ without comments and strings, and one way to report."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("include", "libdd", "tools", "examples", "tests")
NOT_OURS = re.compile(r"(^|/)(build[^/]*|subprojects|node_modules|\.git|\.cache|__pycache__)(/|$)")

# Comments, strings, raw strings and characters, in the order in which they must be recognised. A quote between digits is
# a separator (1'000).
TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.S)


@dataclass(frozen=True)
class Problem:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


def files(root, suffixes, folders=CODE_FOLDERS):
    """Paths below `folders` of `root` with one of `suffixes`, relative, sorted."""
    found = (p for folder in folders for p in (root / folder).rglob("*") if p.is_file() and p.suffix in suffixes)
    names = (p.relative_to(root).as_posix() for p in found)
    return sorted(name for name in names if not NOT_OURS.search(name))


def cpp_files(root, folders=CODE_FOLDERS):
    return files(root, {".cpp", ".hpp"}, folders)


def text_of(root, path):
    return (root / path).read_text(encoding="utf-8")


def blank(match):
    """White space of the same shape, so that offsets and line numbers stay."""
    return re.sub(r"[^\n]", " ", match[0])


def code_only(text):
    """C++ with comments and the contents of strings blanked out."""
    return TOKEN.sub(lambda m: blank(m) if m[0].startswith("/") else f'"{blank(m)[2:]}"', text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def matches(root, path, pattern, message, text=None):
    """A Problem for each match of `pattern` in the code of `path`."""
    code = code_only(text_of(root, path)) if text is None else text
    return [Problem(path, line_of(code, m.start()), message) for m in re.finditer(pattern, code)]


def closing(text, start):
    """Offset of the bracket that closes the one at `start`, or the end of the text."""
    pairs = {"(": ")", "[": "]", "{": "}", "<": ">"}
    opener, closer = text[start], pairs[text[start]]
    depth = 0
    for i in range(start, len(text)):
        if text[i] == opener:
            depth += 1
        elif text[i] == closer:
            depth -= 1
            if depth == 0:
                return i
    return len(text)


def main(check):
    """Runs `check(root)` over this repository, or over the folder given as first argument; the exit status says whether it is clean."""
    problems = check(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT)
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)
