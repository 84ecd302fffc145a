#include "dd/report_data.hpp"

#include <doctest/doctest.h>

#include "tests/unit/attest/quote_forge.hpp"
#include "tests/unit/attest/vectors.hpp"
#ifdef DD_SIMULATION
#include "libdd/attest/simulated/simulator.hpp"
#endif

using namespace dd;

namespace {

template <std::size_t N>
Bytes counted_bytes(unsigned first) {
  const auto values = counted<N>(first);
  return {values.begin(), values.end()};
}

RegisterBinding register_binding() {
  return {counted<32>(0), "https://app.example.com", counted_bytes<44>(1), counted_bytes<44>(2), counted<48>(3),
          counted<32>(4)};
}

RefreshBinding refresh_binding() {
  return {counted<32>(0), "https://app.example.com", "0b5e2c1e-6f0a-4a53-8d3e-000000000001", counted_bytes<44>(1),
          counted<48>(3)};
}

AttestBinding attest_binding() {
  return {counted_bytes<32>(0), counted_bytes<44>(1), counted_bytes<44>(2), counted<48>(3)};
}

void check_vector(std::string_view tag, const Bytes& bound) {
  CAPTURE(tag);
  CHECK(to_hex(bound) == vectors().at("bound_data").at(tag).get<std::string>());
  CHECK(to_hex(report_data_of(bound)) == vectors().at("report_data").at(tag).get<std::string>());
}

// Every change of one input gives other bytes at the same length.
template <class Binding>
void check_bound(const Binding& binding, std::initializer_list<void (*)(Binding&)> changes) {
  const auto before = bound_data(binding);
  int number = 0;
  for (const auto change : changes) {
    CAPTURE(number++);
    auto changed = binding;
    change(changed);
    const auto after = bound_data(changed);
    CHECK(after.size() == before.size());
    CHECK(after != before);
  }
}

}  // namespace

TEST_CASE("bound data and report data are what an independent program computes") {
  check_vector(kRegisterTag, bound_data(register_binding()));
  check_vector(kRefreshTag, bound_data(refresh_binding()));
  check_vector(kAttestTag, bound_data(attest_binding()));
}

TEST_CASE("every field is bound") {
  check_bound<RegisterBinding>(
      register_binding(),
      {[](RegisterBinding& b) { b.nonce[0] ^= std::byte{1}; }, [](RegisterBinding& b) { b.cp_origin += "x"; },
       [](RegisterBinding& b) { b.signing_spki.pop_back(); }, [](RegisterBinding& b) { b.sealing_spki.clear(); },
       [](RegisterBinding& b) { b.log_head[47] ^= std::byte{1}; }, [](RegisterBinding& b) { b.claims_sha256 = {}; },
       [](RegisterBinding& b) { std::swap(b.signing_spki, b.sealing_spki); }});
  check_bound<RefreshBinding>(
      refresh_binding(),
      {[](RefreshBinding& b) { b.nonce[31] ^= std::byte{1}; }, [](RefreshBinding& b) { b.cp_origin.clear(); },
       [](RefreshBinding& b) { b.agent_id += "0"; }, [](RefreshBinding& b) { b.signing_spki[0] ^= std::byte{1}; },
       [](RefreshBinding& b) { b.log_head = {}; }, [](RefreshBinding& b) { std::swap(b.cp_origin, b.agent_id); }});
  check_bound<AttestBinding>(
      attest_binding(),
      {[](AttestBinding& b) { b.nonce.push_back({}); }, [](AttestBinding& b) { b.signing_spki.clear(); },
       [](AttestBinding& b) { b.sealing_spki.clear(); }, [](AttestBinding& b) { b.log_head = {}; }});
}

#ifdef DD_SIMULATION
TEST_CASE("a simulated quote carries the vector's report data") {
  const auto root = attest::make_simulator_root().value();
  const auto source = attest::make_simulated_quote_source(root, {}).value();
  const auto quote = source->quote(report_data_of(bound_data(register_binding())), std::chrono::seconds(1)).value();
  // REPORTDATA of a version 4 quote is at 568.
  CHECK(to_hex(quote.raw().subspan(568, 64)) == vectors().at("report_data").at(kRegisterTag).get<std::string>());
}
#endif
