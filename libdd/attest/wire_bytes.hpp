// Little-endian reading and writing inside a size that was checked before. Private to libdd/attest.
#pragma once

#include <concepts>

#include "dd/bytes.hpp"

namespace dd::attest {

/// Takes fixed-size pieces off the front of a view. `short_by_any()` after the last read says whether there was enough.
class Reader {
 public:
  explicit Reader(ByteView bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    T value = 0;
    const auto bytes = take(sizeof(T));
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | std::to_integer<std::uint64_t>(bytes[i]));
    return value;
  }
  template <std::size_t N>
  void into(std::array<std::byte, N>& out) {
    const auto bytes = take(N);
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }
  ByteView take(std::size_t size) {
    if (size > rest_.size()) {
      short_ = true;
      rest_ = {};
      return {};
    }
    const auto front = rest_.first(size);
    rest_ = rest_.subspan(size);
    return front;
  }
  [[nodiscard]] ByteView rest() const noexcept { return rest_; }
  [[nodiscard]] bool short_by_any() const noexcept { return short_; }

 private:
  ByteView rest_;
  bool short_ = false;
};

class Writer {
 public:
  template <std::unsigned_integral T>
  void number(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out_.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xff));
  }
  void bytes(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  [[nodiscard]] const Bytes& written() const noexcept { return out_; }

 private:
  Bytes out_;
};

}  // namespace dd::attest
