// A ReleaseServer on loopback for the life of a test, and the folder that it releases.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "libdd/local/release_server.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/net/io_thread.hpp"

namespace dd::test {

class Releases {
 public:
  explicit Releases(std::map<std::string, Secret> private_to = {}) {
    local::ReleaseServerOptions options;
    options.folder = folder_.path();
    options.private_to = std::move(private_to);
    io_.run([&] {
      server_ = std::make_unique<local::ReleaseServer>(io_.executor(), std::move(options));
      if (auto started = server_->start(); !started) throw std::runtime_error(started.error().message);
    });
  }
  ~Releases() {
    io_.await([this] { return server_->stop(); });
    io_.run([this] { server_.reset(); });
  }
  Releases(const Releases&) = delete;
  Releases& operator=(const Releases&) = delete;

  /// Puts an asset into the release: add("acme/tool", "v1", "tool", "…").
  std::filesystem::path add(const std::string& repository, const std::string& tag, const std::string& name,
                            std::string_view content) const {
    const auto release = std::filesystem::path(repository) / tag;
    std::filesystem::create_directories(folder_.path() / release);
    return folder_.write((release / name).string(), content);
  }
  [[nodiscard]] std::string api_url() const { return server_->api_url(); }
  [[nodiscard]] local::ReleaseServer& server() { return *server_; }

 private:
  TempDir folder_;
  IoThread io_;
  std::unique_ptr<local::ReleaseServer> server_;
};

}  // namespace dd::test
