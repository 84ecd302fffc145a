#include "tests/unit/net/tls_server.hpp"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace dd::test {
namespace {

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), X509_EXTENSION_free);
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    throw std::runtime_error("cannot make a certificate for the test");
}

/// Self-signed: the leaf is its own authority.
std::shared_ptr<X509> certificate_for(EVP_PKEY* key, const std::string& host) {
  std::shared_ptr<X509> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  auto* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_set_pubkey(certificate.get(), key);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + host);
  if (X509_sign(certificate.get(), key, EVP_sha256()) == 0)
    throw std::runtime_error("cannot sign a certificate for the test");
  return certificate;
}

}  // namespace

TlsServer::TlsServer(const std::string& host)
    : key_(EVP_EC_gen("P-256"), EVP_PKEY_free),
      certificate_(certificate_for(key_.get(), host)),
      context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  SSL_CTX_use_certificate(context_.get(), certificate_.get());
  SSL_CTX_use_PrivateKey(context_.get(), key_.get());
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(listener_, 16) != 0 ||
      pipe(stop_) != 0 || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("cannot listen for the client under test");
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

TlsServer::~TlsServer() {
  close(stop_[1]);
  thread_.join();
  close(stop_[0]);
  close(listener_);
}

void TlsServer::write_authority(const std::filesystem::path& path) const {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "we"), std::fclose);
  if (!file || PEM_write_X509(file.get(), certificate_.get()) != 1)
    throw std::runtime_error("cannot write the authority for the test");
}

void TlsServer::run() {
  for (;;) {
    std::array<pollfd, 2> either = {pollfd{listener_, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    if (poll(either.data(), either.size(), -1) < 0 || either[1].revents != 0) return;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const timeval patience{20, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(tls.get(), fd);
    std::array<char, 4096> request;
    if (SSL_accept(tls.get()) == 1 && SSL_read(tls.get(), request.data(), request.size()) > 0) {
      static constexpr std::string_view kAnswer =
          "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecure";
      SSL_write(tls.get(), kAnswer.data(), kAnswer.size());
      SSL_shutdown(tls.get());
    }
    close(fd);
  }
}

}  // namespace dd::test
