// A TLS server with a certificate of its own authority, for tests of trust. Loopback only.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <openssl/ssl.h>

namespace dd::test {

/// Answers each connection's first request with 200 "secure" and closes it. Its certificate names `host` (as DNS name).
class TlsServer {
 public:
  explicit TlsServer(const std::string& host);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Writes the authority's certificate as PEM.
  void write_authority(const std::filesystem::path& path) const;

 private:
  void run();

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
  std::shared_ptr<SSL_CTX> context_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace dd::test
