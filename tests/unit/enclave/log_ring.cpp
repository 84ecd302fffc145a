#include "libdd/enclave/log_ring.hpp"

#include <doctest/doctest.h>

using dd::LogLines;
using dd::enclave::LogLimits;
using dd::enclave::LogRing;
using Lines = std::vector<std::string>;

TEST_CASE("bytes become lines wherever they were cut") {
  LogRing ring;
  for (const char* piece : {"on", "e\ntwo", "\n\nthr", "ee"}) ring.append(piece);
  CHECK(ring.tail(10).lines == Lines{"one", "two", "", "three"});
  ring.append("!\n");
  CHECK(ring.tail(10).lines == Lines{"one", "two", "", "three!"});
}

TEST_CASE("tail counts from the end, the unfinished line with it") {
  LogRing ring;
  ring.append("a\nb\nc");
  CHECK(ring.tail(0).lines.empty());
  CHECK(ring.tail(1).lines == Lines{"c"});
  CHECK(ring.tail(2).lines == Lines{"b", "c"});
  ring.finish();
  ring.finish();
  CHECK(ring.tail(9).lines == Lines{"a", "b", "c"});
}

TEST_CASE("a long line is split, and only a longer one") {
  const LogLimits limits{.max_line = 4};
  const struct {
    const char* name;
    const char* bytes;
    Lines lines;
  } cases[] = {
      {"exactly as long", "abcd\n", {"abcd"}},
      {"one more", "abcde\n", {"abcd", "e"}},
      {"three pieces", "abcdefghi\n", {"abcd", "efgh", "i"}},
      {"not inside a character", "abc\xc3\xa9x\n", {"abc", "\xc3\xa9x"}},
      {"bytes that are no text", "\x80\x80\x80\x80\x80\x80\n", {"\x80", "\x80\x80\x80\x80", "\x80"}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    LogRing ring(limits);
    ring.append(c.bytes);
    std::string joined;
    for (const auto& line : ring.tail(10).lines) {
      CHECK(line.size() <= limits.max_line);
      joined += line;
    }
    CHECK(joined + "\n" == c.bytes);
    if (std::string_view(c.name) != "bytes that are no text") CHECK(ring.tail(10).lines == c.lines);
  }
}

TEST_CASE("the oldest lines make room") {
  SUBCASE("by count") {
    LogRing ring({.max_lines = 2});
    ring.append("a\nb\nc\n");
    CHECK(ring.tail(10).lines == Lines{"b", "c"});
  }
  SUBCASE("by size") {
    LogRing ring({.max_bytes = 5});
    ring.append("aaa\nbbb\ncc\n");
    CHECK(ring.tail(10).lines == Lines{"bbb", "cc"});
  }
}

TEST_CASE("lines keep their number when older ones go") {
  LogRing ring({.max_lines = 2});
  ring.append("a\nb\nc\nd");
  CHECK(ring.tail(10) == LogLines{{"b", "c", "d"}, 1, 3});
  CHECK(ring.tail(1) == LogLines{{"d"}, 3, 3});
  CHECK(ring.tail(0) == LogLines{{}, 3, 3});
}

TEST_CASE("whoever goes on from a number reads each whole line once") {
  LogRing ring({.max_lines = 3});
  CHECK(ring.from(0, 10) == LogLines{{}, 0, 0});
  ring.append("a\nb\nc\nd\ne");
  const struct {
    const char* name;
    std::int64_t from;
    std::size_t count;
    LogLines lines;
  } cases[] = {
      {"from the oldest left", 1, 10, {{"b", "c", "d"}, 1, 4}},
      {"what is gone is left out", 0, 10, {{"b", "c", "d"}, 1, 4}},
      {"the oldest first when there are too many", 1, 2, {{"b", "c"}, 1, 3}},
      {"none wanted", 1, 0, {{}, 1, 1}},
      {"not the unfinished one", 4, 10, {{}, 4, 4}},
      {"beyond the end", 99, 10, {{}, 4, 4}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    CHECK(ring.from(c.from, c.count) == c.lines);
  }
  ring.finish();
  CHECK(ring.from(4, 10) == LogLines{{"e"}, 4, 5});
}

TEST_CASE("a flood without newlines stays within the limits") {
  LogRing ring;
  const std::string chunk(16 * 1024, 'x');
  for (int i = 0; i < 1000; ++i) ring.append(chunk);
  std::size_t bytes = 0;
  for (const auto& line : ring.tail(100'000).lines) bytes += line.size();
  CHECK(bytes <= LogLimits{}.max_bytes + LogLimits{}.max_line);
  CHECK(bytes >= LogLimits{}.max_bytes / 2);
}
