#include "libdd/enclave/identifiers.hpp"

#include <array>
#include <ctime>

#include "dd/bytes.hpp"

namespace dd::enclave {

std::string new_boot_id(Random& random) {
  std::array<std::byte, 16> id{};
  random.fill(id);
  return to_hex(id);
}

std::string new_deployment_id(Random& random) {
  std::array<std::byte, 16> id{};
  random.fill(id);
  id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x40};
  id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
  auto text = to_hex(id);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::string timestamp(const Clock& clock) {
  const std::time_t seconds = clock.unix_seconds();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

}  // namespace dd::enclave
