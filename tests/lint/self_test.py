#!/usr/bin/env python3
"""Each lint catches the violation that is planted for it, and leaves good code alone."""

import sys
import tempfile
from pathlib import Path

import arrows
import co_await
import configuration_docs
import environment
import file_size
import named_tests
import no_detached
import public_headers
import self_reference
import snippets
import unity_names

FOO = "libdd/net/foo.cpp"

# Lint, name of the case, the file with its text, and what must be said of it (None: nothing).
CASES = [
    (arrows, "core includes crypto", "libdd/core/a.cpp", '#include "libdd/crypto/jws.hpp"\n', "core must not include crypto"),
    (arrows, "cp includes agent", "libdd/cp/a.cpp", '\n#include "dd/agent.hpp"\n', "cp must not include agent (include/dd/agent.hpp)"),
    (arrows, "a client includes another", "libdd/ita/a.hpp", '#include "libdd/tunnel/cloudflare.hpp"\n', "ita must not include tunnel"),
    (arrows, "values include net", "libdd/protocol/a.cpp", '# include "libdd/net/task.hpp"\n', "protocol must not include net"),
    (arrows, "values include Asio", "libdd/attest/a.cpp", "#include <boost/asio/post.hpp>\n", "include no Boost"),
    (arrows, "cpprestsdk outside its file", "libdd/net/b.cpp", "#include <cpprest/http_client.h>\n", "only libdd/net/http_client.cpp"),
    (arrows, "pplx outside its file", "libdd/ita/b.cpp", "#include <pplx/pplxtasks.h>\n", "only libdd/net/http_client.cpp"),
    (arrows, "Beast in a header", "libdd/net/b.hpp", "#include <boost/beast/http.hpp>\n", "include Beast"),
    (arrows, "a tool includes a module", "tools/dd_cp.cpp", '#include "libdd/cp/registry.hpp"\n', "public headers only"),
    (arrows, "an example includes a module", "examples/a/main.cpp", '#include "libdd/core/json.hpp"\n', "public headers only"),
    (arrows, "an unknown module", "libdd/misc/a.cpp", '#include "dd/error.hpp"\n', "module misc is not in the table"),
    (arrows, "a public header without owner", "include/dd/misc.hpp", "", "belongs to no module"),
    (arrows, "a public header of values includes a service", "include/dd/quote.hpp", '#include "dd/agent.hpp"\n', "attest must not include cp|attest must not include agent"),
    (arrows, "what is allowed", "libdd/cp/a.cpp", '#include "dd/error.hpp"\n#include "libdd/tunnel/cloudflare.hpp"\n#include "libdd/cp/b.hpp"\n', None),
    (arrows, "ddctl includes its verbs", "tools/ddctl.cpp", '#include "libdd/cli/up.hpp"\n#include "dd/error.hpp"\n', None),
    (arrows, "Beast where it belongs", "libdd/local/edge.cpp", "#include <boost/beast/http.hpp>\n", None),

    (co_await, "an aggregate", FOO, 'void f() { co_await g(Request{"a", "b"}); }', "an aggregate inside co_await"),
    (co_await, "a braced list", FOO, 'void f() { co_await g({"a", "b"}); }', "an aggregate inside co_await"),
    (co_await, "an aggregate on a later line", FOO, "auto x = co_await g(a,\n  Request{.a = 1});", "an aggregate inside co_await"),
    (co_await, "a lambda", FOO, "co_await g([&] { return 1; });", "a lambda inside co_await"),
    (co_await, "a lambda that is called", FOO, "co_await [self] { return self->run(); }();", "a lambda inside co_await"),
    (co_await, "an aggregate in a condition", FOO, "if (auto x = co_await g(Key{1}); !x) co_return;", "an aggregate inside co_await"),
    (co_await, "an aggregate that is returned", FOO, "co_return co_await g(Key{1});", "an aggregate inside co_await"),
    (co_await, "a lambda beside it in a call", FOO, "post(co_await executor(), [&] { f(); });", "a lambda inside co_await"),
    (co_await, "an aggregate before it in a call", FOO, "if (x) { y(); } h(Key{1}, co_await g());", "an aggregate inside co_await"),
    (co_await, "a coroutine lambda around it", FOO, "co_spawn(io, [self] { int a{1}; co_await self->run(); }, log_failure(what));", None),
    (co_await, "a subscript", FOO, "co_await handlers[i](x); co_await (*table)[1](x);", None),
    (co_await, "a condition", FOO, "if (!co_await g(a)) h();", "co_await in the condition of if"),
    (co_await, "a condition behind another", FOO, "if (a && (b || co_await g(a))) h();", "co_await in the condition of if"),
    (co_await, "a condition with a name", FOO, "if (auto x = co_await g(a); !x) h();", "co_await in the condition of if"),
    (co_await, "the condition of a loop", FOO, "while (co_await g(a)) h();", "co_await in the condition of while"),
    (co_await, "the condition of a switch", FOO, "switch (co_await g(a)) {}", "co_await in the condition of switch"),
    (co_await, "a branch", FOO, "auto x = a ? co_await g(a) : h();", "co_await as a branch"),
    (co_await, "the other branch", FOO, "auto x = a ? h() : co_await g(a);", "co_await as a branch"),
    (co_await, "behind and", FOO, "const bool x = a && co_await g(a);", "co_await as a branch"),
    (co_await, "behind a label", FOO, "switch (a) { case b: co_await g(a); }", None),
    (co_await, "a branch in its arguments", FOO, "co_await g(a ? b : c());", "a choice inside co_await"),
    (co_await, "behind a condition", FOO, "if (a) co_await g(a); while (!b) { co_await g(b); }", None),
    (co_await, "a loop body behind the expression", FOO, "x = co_await g(a); while (x) { h({1}); }", None),
    (co_await, "a comment and a string", FOO, '// co_await g({1})\nco_await g("{[&]");', None),
    (co_await, "an aggregate beside the expression", FOO, "const Key key{1}; co_await g(key); h({1});", None),
    (co_await, "a defaulted aggregate", FOO, "Task<Result<int>> get(std::string url, Options options = {});", "defaulted aggregate parameter"),
    (co_await, "a defaulted named aggregate", FOO, "asio::awaitable<void> run(Options o = Options{});", "defaulted aggregate parameter"),
    (co_await, "a defaulted member function parameter", FOO, "Task<void> Client::run(Options o = {.a = 1}) {", "defaulted aggregate parameter"),
    (co_await, "a defaulted number", FOO, "Task<void> run(int tries = 3); void plain(Options o = {});", None),
    (co_await, "a member of a coroutine type", FOO, "struct A { Task<int> task; Options o = {}; };", None),

    (environment, "getenv", FOO, 'auto v = std::getenv("HOME");', "getenv outside"),
    (environment, "environ", FOO, "extern char** environ;", "environ outside"),
    (environment, "secure_getenv", "tools/a.cpp", 'secure_getenv("A");', "secure_getenv outside"),
    (environment, "setenv without an excuse", FOO, 'setenv("A", "b", 1);', "setenv outside"),
    (environment, "the reader itself", "libdd/core/config.cpp", 'getenv("A");', None),
    (environment, "the environment of a child", FOO, '// The child\'s environment, just before exec.\nsetenv("A", "b", 1);', None),
    (environment, "a word in a comment", FOO, "// like getenv(3)\nint environment;", None),

    (file_size, "a long file", FOO, "\n" * 501, "501 lines, want at most 500"),
    (file_size, "a long public header", "include/dd/a.hpp", "\n" * 301, "301 lines, want at most 300"),
    (file_size, "a long main file", "tools/a.cpp", "\n" * 151, "151 lines, want at most 150"),
    (file_size, "a long example", "examples/a/main.cpp", "\n" * 121, "121 lines, want at most 120"),
    (file_size, "a long script", "tests/a.py", "\n" * 501, "501 lines, want at most 500"),
    (file_size, "files of the right length", FOO, "\n" * 500, None),

    (no_detached, "asio::detached", FOO, "co_spawn(io, run(), asio::detached);", "asio::detached hides failures"),
    (no_detached, "the word in a comment", FOO, "// never detached\nco_spawn(io, run(), log_failure(what));", None),

    (self_reference, "a path of one machine", "docs/a.md", "See /work/notes.", "/work/notes. is a path of one machine"),
    (self_reference, "a home folder", FOO, '"/home/jane/x"', "/home/jane/x"),
    (self_reference, "a page that is not there", "include/dd/a.hpp", "// docs/nowhere.md, 2\n", "docs/nowhere.md is not in this repository"),
    (self_reference, "a section of no page", FOO, "// design §5.3\n", "design §5 is not in this repository"),
    (self_reference, "a page that is there", "docs/a.md", "See docs/a.md and /etc/dd/policy.json.", None),

    (public_headers, "a header that needs another first", "include/dd/a.hpp", "inline std::string f();\n", "does not compile by itself"),
    (public_headers, "Boost", "include/dd/a.hpp", "#include <boost/version.hpp>\n", "boost/version.hpp"),
    (public_headers, "OpenSSL", "include/dd/a.hpp", "#include <openssl/evp.h>\n", "openssl/"),
    (public_headers, "all of json", "include/dd/a.hpp", "#include <nlohmann/json.hpp>\n", "nlohmann/"),
    (public_headers, "std, expected and json_fwd", "include/dd/a.hpp",
     "#pragma once\n#include <string>\n#include <nlohmann/json_fwd.hpp>\n#include <tl/expected.hpp>\n", None),

    (named_tests, "a test that is not there", "docs/threat-model.md", "Kept by “what nobody wrote”.\n", "no test is named “what nobody wrote”"),
    (named_tests, "a page without names", "docs/threat-model.md", 'Kept by "nobody".\n', None),

    (snippets, "a call of what is not there", "docs/a.md", "Text\n```cpp\nauto fleet = dd::FleetClient::create();\n```\n", "docs/a.md:2: does not compile"),
    (snippets, "a warning", "docs/a.md", "```cpp\nint unused = 1;\n```\n", "does not compile"),
    (snippets, "a program, a fragment and another language", "docs/a.md",
     "```cpp\nint main() { return 0; }\n```\n```cpp\n#include <cstdio>\nstd::puts(\"\");\n```\n```json\n{\n```\n", None),
]


def check_planted(lint, path, text):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        target = root / path
        target.parent.mkdir(parents=True)
        target.write_text(text)
        return [str(problem) for problem in lint.check(root)]


def verdict(problems, expected, path):
    if expected is None:
        return not problems
    return any(problem.startswith(path + ":") and any(part in problem for part in expected.split("|")) for problem in problems)


def documentation_cases():
    """configuration_docs compares blocks of a page with what a tool prints."""
    with tempfile.TemporaryDirectory() as folder:
        tool, page = Path(folder) / "dd-cp", Path(folder) / "configuration.md"
        tool.write_text("#!/bin/sh\n[ \"$1\" = --config-markdown ] && echo '| `DD_PORT` |'\n")
        tool.chmod(0o755)
        for name, text, clean in [
            ("the page is current", "# A\n<!-- dd-cp -->\n| `DD_PORT` |\n<!-- end -->\n", True),
            ("the page is stale", "# A\n<!-- dd-cp -->\n| `DD_PROT` |\n<!-- end -->\n", False),
            ("the page has no place for the tool", "# A\n", False),
        ]:
            page.write_text(text)
            yield f"configuration_docs: {name}", (configuration_docs.check(page, [tool]) == []) == clean
        page.write_text("# A\n<!-- dd-cp -->\nold\n<!-- end -->\nend\n")
        configuration_docs.update(page, [tool])
        yield "configuration_docs: update", page.read_text() == "# A\n<!-- dd-cp -->\n| `DD_PORT` |\n<!-- end -->\nend\n"


def unity_cases():
    """unity_names compares the files of a folder."""
    for name, one, other, clean in [
        ("a function of the same name", "int refuse() {\n  return 1;\n}\n", "void refuse(int code) {\n}\n", False),
        ("a constant of the same name", "constexpr int kMost = 1;\n", "constexpr long kMost{2};\n", False),
        ("a type of the same name", "struct Slot {\n  int a;\n};\n", "class Slot;\n", False),
        ("names of their own, and one behind the namespace", "int one() {\n  return 1;\n}\n", "int two();\n}  // namespace\nint one();\n", True),
        ("one alias in both", "using Role = Boot::Role;\n", "using Role = Boot::Role;\n", True),
        ("aliases of different types", "using Role = Boot::Role;\n", "using Role = int;\n", False),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            module = Path(folder) / "libdd/net"
            module.mkdir(parents=True)
            for file, text in (("a.cpp", one), ("b.cpp", other)):
                (module / file).write_text("namespace {\n\n" + text + "\n}  // namespace\n")
            yield f"unity_names: {name}", (unity_names.check(Path(folder)) == []) == clean


def main():
    failed = False
    for lint, name, path, text, expected in CASES:
        problems = check_planted(lint, path, text)
        good = verdict(problems, expected, path)
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {lint.__name__}: {name}" + ("" if good else f" (want {expected!r}, got {problems})"))
    for name, good in (*documentation_cases(), *unity_cases()):
        failed |= not good
        print(f"{'ok' if good else 'not ok'} {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
