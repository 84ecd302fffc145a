#include "libdd/enclave/log_ring.hpp"

#include <doctest/doctest.h>

using dd::enclave::LogLimits;
using dd::enclave::LogRing;
using Lines = std::vector<std::string>;

TEST_CASE("bytes become lines wherever they were cut") {
  LogRing ring;
  for (const char* piece : {"on", "e\ntwo", "\n\nthr", "ee"}) ring.append(piece);
  CHECK(ring.tail(10) == Lines{"one", "two", "", "three"});
  ring.append("!\n");
  CHECK(ring.tail(10) == Lines{"one", "two", "", "three!"});
}

TEST_CASE("tail counts from the end, the unfinished line with it") {
  LogRing ring;
  ring.append("a\nb\nc");
  CHECK(ring.tail(0).empty());
  CHECK(ring.tail(1) == Lines{"c"});
  CHECK(ring.tail(2) == Lines{"b", "c"});
  ring.finish();
  ring.finish();
  CHECK(ring.tail(9) == Lines{"a", "b", "c"});
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
    for (const auto& line : ring.tail(10)) {
      CHECK(line.size() <= limits.max_line);
      joined += line;
    }
    CHECK(joined + "\n" == c.bytes);
    if (std::string_view(c.name) != "bytes that are no text") CHECK(ring.tail(10) == c.lines);
  }
}

TEST_CASE("the oldest lines make room") {
  SUBCASE("by count") {
    LogRing ring({.max_lines = 2});
    ring.append("a\nb\nc\n");
    CHECK(ring.tail(10) == Lines{"b", "c"});
  }
  SUBCASE("by size") {
    LogRing ring({.max_bytes = 5});
    ring.append("aaa\nbbb\ncc\n");
    CHECK(ring.tail(10) == Lines{"bbb", "cc"});
  }
}

TEST_CASE("a flood without newlines stays within the limits") {
  LogRing ring;
  const std::string chunk(16 * 1024, 'x');
  for (int i = 0; i < 1000; ++i) ring.append(chunk);
  std::size_t bytes = 0;
  for (const auto& line : ring.tail(100'000)) bytes += line.size();
  CHECK(bytes <= LogLimits{}.max_bytes + LogLimits{}.max_line);
  CHECK(bytes >= LogLimits{}.max_bytes / 2);
}
