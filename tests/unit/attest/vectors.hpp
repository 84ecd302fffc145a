// tests/data/attest_vectors.json, which was made without this library.
#pragma once

#include <fstream>

#include <nlohmann/json.hpp>

namespace dd {

inline const nlohmann::json& vectors() {
  static const auto value = [] {
    std::ifstream file(DD_TEST_DATA "/attest_vectors.json");
    return nlohmann::json::parse(file);
  }();
  return value;
}

}  // namespace dd
