// The quote of an agent of the earlier system, in base64: REPORTDATA is 16 random bytes and zeros, or what is given.
// Usage: bare_quote SIMULATOR_FILE [REPORTDATA_IN_HEX]
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "dd/bytes.hpp"
#include "dd/quote_source.hpp"
#include "dd/random.hpp"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  auto source = dd::make_simulated_quote_source(argv[1]);
  if (!source) return std::fprintf(stderr, "%s\n", source.error().message.c_str()), 1;
  dd::ReportData data{};
  dd::system_random().fill(std::span(data).first(16));
  if (argc > 2) {
    const auto given = dd::from_hex(argv[2]);
    if (!given || given->size() != data.size()) return 2;
    std::ranges::copy(*given, data.begin());
  }
  const auto quote = (*source)->quote(data, std::chrono::seconds(10));
  if (!quote) return std::fprintf(stderr, "%s\n", quote.error().message.c_str()), 1;
  std::puts(dd::to_base64(quote->raw()).c_str());
}
