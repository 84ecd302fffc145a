// The local stand-in for GitHub's releases: the API calls that a fetch makes, and the downloads behind them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "dd/secret.hpp"
#include "libdd/local/faults.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

struct ReleaseServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // of the API; 0: any free one
  /// See release_folder.hpp. Empty: every repository has no releases.
  std::filesystem::path folder;
  /// Private repositories, "owner/repo", each with the token that may read it.
  std::map<std::string, Secret> private_to = {};
};

/// As at GitHub a download is a redirect to another origin, the storage, with a URL that works by itself for one time; the storage refuses a request that brings
/// credentials along, as Azure's does, so a client that forwards a token fails here and not only in production. A private repository's assets come through the
/// API alone. Start, stop and destroy on the executor's thread; faults() from any.
class ReleaseServer {
 public:
  ReleaseServer(net::asio::any_io_executor executor, ReleaseServerOptions options);
  ReleaseServer(const ReleaseServer&) = delete;
  ReleaseServer& operator=(const ReleaseServer&) = delete;
  ~ReleaseServer();

  /// Errors: unavailable when it cannot listen.
  [[nodiscard]] Result<void> start();
  /// Value for dd-enclave's DD_GITHUB_API_URL.
  [[nodiscard]] std::string api_url() const;
  net::Task<void> stop();
  /// Of the API, and of the storage.
  [[nodiscard]] Faults& faults() noexcept;
  [[nodiscard]] Faults& storage_faults() noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
