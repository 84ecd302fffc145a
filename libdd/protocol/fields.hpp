// How the values that many messages share are read and written; each message's file then spells its members only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dd/bytes.hpp"
#include "dd/workload.hpp"
#include "libdd/core/json.hpp"
#include "libdd/crypto/okp.hpp"

namespace dd::protocol {

/// Integers that canonical JSON carries exactly; times and counters are within 0..kMaxInteger (docs/wire.md, 1).
inline constexpr std::int64_t kMaxInteger = std::int64_t{1} << 53;
inline constexpr std::size_t kMaxExtraIngress = 64;
inline constexpr std::size_t kMaxTokenBytes = 64 * 1024;

inline constexpr TextRule kTokenRule{1, kMaxTokenBytes, nullptr, nullptr};
inline constexpr TextRule kAudienceRule{1, 1024, nullptr, nullptr};
inline constexpr TextRule kVersionRule{1, 64, nullptr, nullptr};

template <std::size_t N>
[[nodiscard]] std::array<std::byte, N> fixed(const Bytes& bytes) {
  std::array<std::byte, N> out{};
  if (bytes.size() == N) std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

[[nodiscard]] inline Digest256 read_digest256(ObjectReader& reader, const char* name) {
  return fixed<32>(reader.base64url(name, 32));
}
[[nodiscard]] inline Digest384 read_digest384(ObjectReader& reader, const char* name) {
  return fixed<48>(reader.hex(name, 48));
}
[[nodiscard]] inline std::int64_t read_count(ObjectReader& reader, const char* name) {
  return reader.integer(name, 0, kMaxInteger);
}

/// 1..64 of letters, digits, '.', '_' and '-': it is part of URLs and of what is sealed.
[[nodiscard]] std::string read_agent_id(ObjectReader& reader, const char* name);
/// 32 lower-case hex digits.
[[nodiscard]] std::string read_boot_id(ObjectReader& reader, const char* name);
[[nodiscard]] std::string read_vm_name(ObjectReader& reader, const char* name);
/// GitHub login or owner/repo.
[[nodiscard]] std::string read_owner(ObjectReader& reader, const char* name);
[[nodiscard]] std::string read_app_name(ObjectReader& reader, const char* name);
/// A word of ours ("healthy"), 1..32 bytes.
[[nodiscard]] std::string read_word(ObjectReader& reader, const char* name);
[[nodiscard]] std::string read_hostname(ObjectReader& reader, const char* name);
[[nodiscard]] std::vector<std::string> read_hostnames(ObjectReader& reader, const char* name, std::size_t most);
[[nodiscard]] crypto::OkpPublicKey read_key(ObjectReader& reader, const char* name, crypto::Curve curve);
/// A required list of {"hostname_label","port"}, labels distinct.
[[nodiscard]] std::vector<Expose> read_extra_ingress(ObjectReader& reader, const char* name);
[[nodiscard]] Json ingress_list(const std::vector<Expose>& extras);
/// Log events: objects on the wire, canonical texts here, so that what is hashed is what is held.
[[nodiscard]] std::vector<std::string> read_events(ObjectReader& reader, const char* name, std::size_t most);
[[nodiscard]] Json events_list(const std::vector<std::string>& events);

/// An object that is carried but not understood here; empty when it is absent.
[[nodiscard]] std::string read_embedded(ObjectReader& reader, const char* name);
/// null for an empty text or one that is not JSON, which every reader of ours refuses or takes for absent.
[[nodiscard]] Json embedded(const std::string& text);

/// The end of every reader: the message, or the first problem.
template <class T>
[[nodiscard]] Result<T> finish(const ObjectReader& reader, T message) {
  if (reader.error()) return tl::unexpected(*reader.error());
  return message;
}

}  // namespace dd::protocol
