#include "dd/secret.hpp"

#include <string.h>

#include <utility>

#include "dd/bytes.hpp"

namespace dd {
namespace {

void wipe(std::string& text) noexcept {
  // capacity, not size: a short text keeps its old tail behind the terminator.
  explicit_bzero(text.data(), text.capacity());
  text.clear();
}

}  // namespace

Secret::Secret(std::string value) : value_(value) { wipe(value); }

// A copy and a wipe: moving a short text leaves its characters in `other`.
// NOLINTNEXTLINE(performance-move-constructor-init)
Secret::Secret(Secret&& other) noexcept : value_(other.value_) { wipe(other.value_); }

Secret& Secret::operator=(const Secret& other) {
  if (this == &other) return *this;
  wipe(value_);
  value_ = other.value_;
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  *this = std::as_const(other);
  wipe(other.value_);
  return *this;
}

Secret::~Secret() { wipe(value_); }

bool Secret::operator==(const Secret& other) const noexcept {
  return constant_time_equal(as_bytes(value_), as_bytes(other.value_));
}

}  // namespace dd
