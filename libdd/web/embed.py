#!/usr/bin/env python3
"""Writes files as a C++ source: embed.py OUTPUT FILE… makes dd::web::static_files() of them."""

import json
import sys
from pathlib import Path

TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
LINE = 100


def literal(data):
    """String literals whose bytes are `data`. Octal escapes end after three digits, so what follows cannot join them."""
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in data)
    pieces, start = [], 0
    while start < len(text):
        end = min(start + LINE, len(text))
        while end < len(text) and "\\" in text[max(start, end - 3) : end]:
            end -= 1
        pieces.append(f'"{text[start:end]}"')
        start = end
    return "\n    ".join(pieces) or '""'


def content_of(file):
    """A package's file says where it comes from and under which licence."""
    data = file.read_bytes()
    if "node_modules" not in file.parts:
        return data
    package = file.parent.parent
    about = json.loads((package / "package.json").read_text())
    lines = [line for line in data.splitlines(keepends=True) if not line.startswith(b"//# sourceMappingURL")]
    return f"/*! {about['name']} {about['version']}\n{(package / 'LICENSE').read_text()}*/\n".encode() + b"".join(lines)


def source(files):
    entries = ",\n".join(
        f'    {{"{file.name}", "{TYPES[file.suffix]}", std::string_view({literal(data)}, {len(data)})}}'
        for file, data in ((file, content_of(file)) for file in files))
    return ('#include "libdd/web/static_files.hpp"\n\nnamespace dd::web {\n\nstd::span<const StaticFile> static_files() noexcept {\n'
            f"  static constexpr StaticFile kFiles[] = {{\n{entries}}};\n  return kFiles;\n}}\n\n}}  // namespace dd::web\n")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(source([Path(name) for name in sys.argv[2:]]))
