// What a const char* says and not where it lies: otherwise a failing row of a table is called 0x55d0c01a. Comes with the precompiled header, so that no
// test needs to think of it; DOCTEST_CONFIG_TREAT_CHAR_STAR_AS_STRING does not compile in doctest 2.4.9.
#pragma once

#include <doctest/doctest.h>

namespace doctest {

template <>
struct StringMaker<const char*> {
  static String convert(const char* text) { return text == nullptr ? String("(null)") : String(text); }
};

}  // namespace doctest
