// The outside world of a local fleet: edge, attestation service, identity provider and releases, on a thread of their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd::cli {

struct UpServicesOptions {
  std::uint16_t port = 0;  // public port of the edge
  std::string simulator_root_pem;
  std::string domain;
  std::int64_t token_lifetime_secs = 300;
  /// PAT of a user who has nothing to do with the owner and can read the owner's public repository; empty: no such user.
  std::string stranger_pat;
  std::filesystem::path releases;  // folder of what can be fetched (local/release_folder.hpp); empty: nothing
};

class UpServices {
 public:
  /// Errors: unavailable when a port is taken.
  [[nodiscard]] static Result<std::unique_ptr<UpServices>> start(UpServicesOptions options);
  ~UpServices();
  UpServices(const UpServices&) = delete;
  UpServices& operator=(const UpServices&) = delete;

  [[nodiscard]] std::uint16_t public_port() const;
  [[nodiscard]] std::string edge_url() const;
  [[nodiscard]] std::string cloudflare_api_url() const;
  [[nodiscard]] std::string ita_url() const;
  [[nodiscard]] std::string ita_jwks_url() const;
  [[nodiscard]] std::string github_api_url() const;
  [[nodiscard]] std::string github_web_url() const;
  /// For dd-enclave: GitHub's API of releases.
  [[nodiscard]] std::string releases_api_url() const;
  /// Of an app whose callback is below `cp_origin`.
  void register_app(const std::string& cp_origin);
  [[nodiscard]] const Secret& github_client_secret() const;
  [[nodiscard]] const Secret& cloudflare_token() const;
  [[nodiscard]] const Secret& ita_key() const;
  /// A PAT of the fleet's owner.
  [[nodiscard]] const Secret& owner_pat() const;

 private:
  UpServices();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr const char* kUpAccount = "00000000000000000000000000000acc";
inline constexpr const char* kUpZone = "000000000000000000000000000020ae";
inline constexpr const char* kUpWorkloadZone = "000000000000000000000000000020af";
inline constexpr const char* kUpClientId = "local-app";
inline constexpr const char* kUpOwner = "local-owner";
inline constexpr std::int64_t kUpOwnerId = 1001;

}  // namespace dd::cli
