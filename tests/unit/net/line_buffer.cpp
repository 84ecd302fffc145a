#include "libdd/net/line_buffer.hpp"

#include <doctest/doctest.h>

using namespace dd::net;

TEST_CASE("lines come out whole however the bytes come in") {
  const std::string text = "one\n\ntwo\nthree";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    LineBuffer buffer(5);
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += step) {
      buffer.append(std::string_view(text).substr(at, step));
      while (auto line = buffer.next()) lines.push_back(*line);
    }
    CHECK(lines == std::vector<std::string>{"one", "", "two"});
    CHECK_FALSE(buffer.overflow());
    buffer.append("\n");
    CHECK(buffer.next() == "three");
  }
}

TEST_CASE("a line over the limit ends the buffer, complete or not") {
  for (const auto* text : {"123456", "123456\n", "123456\nok\n"}) {
    CAPTURE(text);
    LineBuffer buffer(5);
    buffer.append("12345\n");
    CHECK(buffer.next() == "12345");
    buffer.append(text);
    CHECK_FALSE(buffer.next().has_value());
    CHECK(buffer.overflow());
    buffer.append("ok\n");
    CHECK_FALSE(buffer.next().has_value());
  }
}
