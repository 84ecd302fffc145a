#include "libdd/protocol/attach_frames.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::protocol;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out += static_cast<char>(value);
  return out;
}

}  // namespace

TEST_CASE("a frame is its type, its length and so many bytes") {
  CHECK(data_frame("ab") == bytes({0, 0, 0, 0, 2}) + "ab");
  CHECK(data_frame("").size() == 5);
  CHECK(resize_frame({300, 50}) == bytes({1, 0, 0, 0, 4, 1, 44, 0, 50}));
  CHECK(exit_frame({7, {}}) == bytes({2, 0, 0, 0, 15}) + R"({"exit_code":7})");
}

TEST_CASE("frames come out as they went in, in whatever pieces they arrive") {
  const auto sent = data_frame("one") + resize_frame({1, 4096}) + data_frame("") + exit_frame({{}, 9}) +
                    data_frame(std::string(AttachFrame::kMaxPayload, 'x'));
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, sent.size()}) {
    CAPTURE(step);
    AttachFrameReader reader;
    std::vector<AttachFrame> got;
    for (std::size_t at = 0; at < sent.size(); at += step) {
      reader.append(std::string_view(sent).substr(at, step));
      for (auto frame = reader.next(); frame.value(); frame = reader.next()) got.push_back(**frame);
    }
    REQUIRE(got.size() == 5);
    CHECK(got[0] == AttachFrame{AttachFrame::Type::data, "one"});
    CHECK(window_size_from(got[1].payload).value() == WindowSize{1, 4096});
    CHECK(got[2].payload.empty());
    CHECK(command_exit_from(got[3].payload).value() == CommandExit{{}, 9});
    CHECK(got[4].payload.size() == AttachFrame::kMaxPayload);
  }
}

TEST_CASE("a frame that is none is refused, and so is everything behind it") {
  const struct {
    const char* name;
    std::string sent;
    ErrorCode code;
  } cases[] = {
      {"unknown type", bytes({3, 0, 0, 0, 0}), ErrorCode::malformed},
      {"type 255", bytes({255, 0, 0, 0, 0}), ErrorCode::malformed},
      {"one byte too long", bytes({0, 0, 1, 0, 1}), ErrorCode::too_large},
      {"longer than memory", bytes({0, 255, 255, 255, 255}), ErrorCode::too_large},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    AttachFrameReader reader;
    reader.append(c.sent + data_frame("more"));
    for (int again = 0; again < 2; ++again) {
      const auto frame = reader.next();
      REQUIRE_FALSE(frame.has_value());
      CHECK(frame.error().code == c.code);
    }
  }
}

TEST_CASE("a window has a size that fits") {
  const struct {
    const char* name;
    std::string payload;
    ErrorCode code;
  } cases[] = {
      {"empty", "", ErrorCode::malformed},
      {"three bytes", bytes({0, 1, 0}), ErrorCode::malformed},
      {"five bytes", bytes({0, 1, 0, 1, 0}), ErrorCode::malformed},
      {"no column", bytes({0, 0, 0, 1}), ErrorCode::invalid_argument},
      {"no row", bytes({0, 1, 0, 0}), ErrorCode::invalid_argument},
      {"4097 rows", bytes({0, 1, 16, 1}), ErrorCode::invalid_argument},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto size = window_size_from(c.payload);
    REQUIRE_FALSE(size.has_value());
    CHECK(size.error().code == c.code);
  }
}

TEST_CASE("an exit has a code or a signal") {
  for (const char* text : {"", "{", "[]", "{}", R"({"exit_code":1,"signal":9})", R"({"exit_code":256})",
                           R"({"exit_code":-1})", R"({"signal":0})", R"({"exit_code":"0"})"}) {
    CAPTURE(text);
    CHECK_FALSE(command_exit_from(text).has_value());
  }
}
