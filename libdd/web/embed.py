#!/usr/bin/env python3
"""Writes files as a C++ source: embed.py OUTPUT FILE… makes dd::web::static_files() of them."""

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


def source(files):
    entries = ",\n".join(
        f'    {{"{file.name}", "{TYPES[file.suffix]}", std::string_view({literal(data)}, {len(data)})}}'
        for file, data in ((file, file.read_bytes()) for file in files))
    return ('#include "libdd/web/static_files.hpp"\n\nnamespace dd::web {\n\nstd::span<const StaticFile> static_files() noexcept {\n'
            f"  static constexpr StaticFile kFiles[] = {{\n{entries}}};\n  return kFiles;\n}}\n\n}}  // namespace dd::web\n")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(source([Path(name) for name in sys.argv[2:]]))
