#include "dd/secret.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <ostream>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include "dd/log.hpp"

using namespace dd;

namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

bool only_zeros(const char* text, std::size_t size) {
  const volatile char* memory = text;
  for (std::size_t i = 0; i < size; ++i)
    if (memory[i] != 0) return false;
  return true;
}

const std::string kLong(64, 'k');

}  // namespace

TEST_CASE("secrets are equal when their texts are") {
  CHECK(Secret("abc") == Secret("abc"));
  CHECK_FALSE(Secret("abc") == Secret("abd"));
  CHECK_FALSE(Secret("abc") == Secret("abcd"));
  CHECK(Secret() == Secret(""));
  CHECK(Secret().empty());
}

TEST_CASE("copies own their text and a move leaves nothing behind") {
  Secret first(kLong);
  const char* old_text = first.reveal().data();
  const Secret copy = first;
  const Secret moved = std::move(first);
  CHECK(moved.reveal() == kLong);
  CHECK(copy == moved);
  CHECK(copy.reveal().data() != old_text);
  CHECK(only_zeros(old_text, kLong.size()));
}

TEST_CASE("assigning over a secret leaves nothing of the old text") {
  Secret secret(kLong);
  const char* memory = secret.reveal().data();
  secret = Secret("ab");
  REQUIRE(secret.reveal().data() == memory);
  CHECK(secret.reveal() == "ab");
  CHECK(only_zeros(memory + 2, kLong.size() - 2));
}

TEST_CASE("a secret wipes its memory when it goes") {
  alignas(Secret) std::byte storage[sizeof(Secret)];
  auto* secret = std::construct_at(reinterpret_cast<Secret*>(storage), "hunter2");
  const char* memory = secret->reveal().data();
  std::destroy_at(secret);
  CHECK(only_zeros(memory, 7));
}

TEST_CASE("a secret cannot be printed, logged or turned into a text by accident") {
  CHECK(Printable<std::string>);
  CHECK_FALSE(Printable<Secret>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string_view>);
  CHECK_FALSE(std::constructible_from<log::Field, std::string_view, Secret>);
  CHECK_FALSE(std::is_convertible_v<std::string, Secret>);
}
