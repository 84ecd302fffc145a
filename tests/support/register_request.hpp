// The headers of a POST /register: its signed head and the credential.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "dd/http.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/registration.hpp"

namespace dd::test {

/// `head` with the body's size and digest.
inline protocol::RegisterHead announcing(protocol::RegisterHead head, const std::string& body) {
  head.body_sha256 = crypto::sha256(as_bytes(body));
  head.body_bytes = static_cast<std::int64_t>(body.size());
  return head;
}

/// What a registration with these claims says of itself before its body.
inline protocol::RegisterHead head_for(const protocol::RegisterClaims& claims, const std::string& body) {
  return announcing({claims.audience, claims.issued_at, claims.vm_name, claims.nonce, claims.signing_key, {}, 0}, body);
}

inline HttpHeaders register_headers(const crypto::OkpPrivateKey& key, const protocol::RegisterHead& head,
                                    const std::string& credential) {
  HttpHeaders headers;
  headers.set("Authorization", "Bearer " + credential);
  headers.set(protocol::kRegisterHeader,
              crypto::sign_jws(key, crypto::kRegisterHeadTyp, protocol::to_json_value(head)));
  return headers;
}

}  // namespace dd::test
