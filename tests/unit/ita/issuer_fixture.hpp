// A token issuer with a key set, and a verifier that trusts it, without a network.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "libdd/ita/verifier.hpp"
#include "tests/support/openssl_signer.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/unit/ita/token_fixture.hpp"

namespace dd::ita {

using test::kPs384;
using test::kRs256;
using test::OpensslKey;
using test::Signing;

/// Made once: keys are slow to make.
inline const OpensslKey& first_key() {
  static const OpensslKey key;
  return key;
}
inline const OpensslKey& second_key() {
  static const OpensslKey key;
  return key;
}

inline std::string segment(std::string_view text) { return to_base64url(as_bytes(text)); }

/// Any header over any payload, signed as told.
inline std::string signed_token(const std::string& header, const std::string& payload,
                                const OpensslKey& key = first_key(), const Signing& how = kPs384) {
  const auto input = segment(header) + "." + segment(payload);
  return input + "." + to_base64url(key.sign(input, how));
}

inline const std::string kGoodHeader = R"({"alg":"PS384","kid":"first","typ":"JWT"})";
inline std::string good_token() { return signed_token(kGoodHeader, v1_payload().dump()); }

/// Publishes "first" at the start.
struct IssuerFixture {
  net::asio::io_context io;
  ManualClock clock{Clock::TimePoint(std::chrono::seconds(kNow))};
  std::map<std::string, const OpensslKey*> published{{"first", &first_key()}};
  bool down = false;
  std::shared_ptr<test::ScriptedTransport> transport =
      std::make_shared<test::ScriptedTransport>([this](const HttpRequest&) { return certs(); });
  VerifierOptions options;
  std::unique_ptr<Verifier> verifier;

  IssuerFixture() {
    options.issuer = kIssuer;
    options.jwks_url = kIssuer + "/certs";
    verifier = std::make_unique<Verifier>(io.get_executor(), transport, clock, options);
  }

  Result<HttpResponse> certs() const {
    if (down) return fail(ErrorCode::unavailable, "cannot reach the portal");
    auto keys = nlohmann::json::array();
    for (const auto& [kid, key] : published)
      for (const auto* algorithm : {"PS384", "RS256"})
        keys.push_back({{"kty", "RSA"},
                        {"alg", algorithm},
                        {"kid", kid},
                        {"n", to_base64url(key->n())},
                        {"e", to_base64url(key->e())}});
    return test::http_answer(200, nlohmann::json{{"keys", std::move(keys)}}.dump());
  }
  Result<TdxClaims> verify(std::string token) { return test::run(io, verifier->verify(std::move(token))); }
  [[nodiscard]] std::size_t fetches() const { return transport->requests.size(); }
};

}  // namespace dd::ita
