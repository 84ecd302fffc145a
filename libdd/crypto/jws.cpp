#include "libdd/crypto/jws.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::crypto {
namespace {

constexpr std::size_t kMaxHeader = 8 * 1024;
constexpr std::size_t kMaxKid = 256;

tl::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::malformed, "cannot read token: " + what);
}
tl::unexpected<Error> refused_jws(const std::string& what) {
  return fail(ErrorCode::unauthenticated, "cannot accept token: " + what);
}

struct Segments {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
};

Result<Segments> split(std::string_view compact) {
  if (std::count(compact.begin(), compact.end(), '.') != 2) return malformed("want three segments");
  const auto first = compact.find('.');
  const auto second = compact.find('.', first + 1);
  const Segments segments{compact.substr(0, first), compact.substr(first + 1, second - first - 1),
                          compact.substr(second + 1)};
  if (segments.header.empty() || segments.payload.empty() || segments.signature.empty())
    return malformed("a segment is empty");
  return segments;
}

Result<Json> object_in(std::string_view segment, const char* what, std::size_t limit, std::string* text) {
  const auto bytes = from_base64url(segment);
  if (!bytes) return malformed(std::string(what) + " is not base64url");
  *text = as_text(*bytes);
  auto value = parse_json(*text, {.max_bytes = limit});
  if (!value) return malformed(std::string(what) + ": " + value.error().message);
  if (!value->is_object()) return malformed(std::string(what) + " is not an object");
  return value;
}

std::optional<Algorithm> algorithm_in(const Json& header, std::initializer_list<Algorithm> allowed) {
  const auto alg = header.find("alg");
  if (alg == header.end() || !alg->is_string()) return std::nullopt;
  for (const auto candidate : allowed)
    if (alg->get_ref<const std::string&>() == to_string(candidate)) return candidate;
  return std::nullopt;
}

/// RFC 7515, 4.1 and RFC 8725: what a header may not say. jku, x5u, jwk and x5c are ignored: they never choose a key.
Result<void> check_header(const Json& header) {
  for (const char* name : {"crit", "b64", "zip", "cty"})
    if (header.contains(name)) return refused_jws(std::string("header member ") + name + " is not understood");
  const auto kid = header.find("kid");
  if (kid == header.end() || !kid->is_string()) return refused_jws("kid is missing");
  const auto size = kid->get_ref<const std::string&>().size();
  if (size == 0 || size > kMaxKid) return refused_jws("kid must have 1 to 256 bytes");
  const auto typ = header.find("typ");
  if (typ != header.end() && !typ->is_string()) return refused_jws("typ is no text");
  return {};
}

}  // namespace

Result<ParsedJws> parse_jws(std::string_view compact, std::initializer_list<Algorithm> allowed, std::size_t max_bytes) {
  if (compact.size() > max_bytes)
    return fail(ErrorCode::too_large, "cannot read token: larger than " + std::to_string(max_bytes) + " bytes");
  const auto segments = split(compact);
  if (!segments) return tl::unexpected(segments.error());
  if (segments->header.size() > kMaxHeader)
    return fail(ErrorCode::too_large, "cannot read token: header larger than 8 KiB");

  ParsedJws jws;
  std::string header_text;
  const auto header = object_in(segments->header, "header", kMaxHeader, &header_text);
  if (!header) return tl::unexpected(header.error());
  // The algorithm comes first: nothing else of a token that may not be verified is looked at.
  const auto algorithm = algorithm_in(*header, allowed);
  if (!algorithm) return refused_jws("alg is missing or not allowed here");
  if (auto good = check_header(*header); !good) return tl::unexpected(good.error());
  auto claims = object_in(segments->payload, "payload", max_bytes, &jws.payload);
  if (!claims) return tl::unexpected(claims.error());
  auto signature = from_base64url(segments->signature);
  if (!signature) return malformed("signature is not base64url");

  jws.algorithm = *algorithm;
  jws.kid = header->at("kid").get<std::string>();
  jws.typ = header->value("typ", "");
  jws.header_size = header->size();
  jws.signing_input = compact.substr(0, segments->header.size() + 1 + segments->payload.size());
  jws.signature = *std::move(signature);
  jws.claims = std::make_shared<const Json>(*std::move(claims));
  return jws;
}

std::string sign_jws(const OkpPrivateKey& key, std::string_view typ, const Json& claims) {
  const Json header = {{"alg", to_string(Algorithm::eddsa)}, {"kid", key.public_key().kid()}, {"typ", typ}};
  auto compact = to_base64url(as_bytes(to_text(header))) + "." + to_base64url(as_bytes(to_text(claims)));
  const auto signature = key.sign(as_bytes(compact));
  return compact + "." + to_base64url(signature);
}

}  // namespace dd::crypto
