// Precompiled: what nearly every unit test includes.
#ifndef DD_PCH_TEST
#define DD_PCH_TEST
#include "json.hpp"

#include <doctest/doctest.h>

#include "tests/support/char_text.hpp"

#endif
