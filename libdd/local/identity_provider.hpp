// The local identity provider: the part of GitHub's REST API and OAuth web flow that libdd asks, over a table of users and tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "libdd/local/faults.hpp"
#include "libdd/local/github_app.hpp"
#include "libdd/local/github_table.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/net/task.hpp"

namespace dd::local {

struct IdentityProviderOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  GithubTable table;
  GithubAppEntry app = {};
};

/// Start, stop and destroy on the executor's thread; set_table(), set_app() and faults() from any.
class IdentityProvider {
 public:
  IdentityProvider(net::asio::any_io_executor executor, IdentityProviderOptions options);
  IdentityProvider(const IdentityProvider&) = delete;
  IdentityProvider& operator=(const IdentityProvider&) = delete;
  ~IdentityProvider();

  /// Errors: unavailable when it cannot listen.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::uint16_t port() const noexcept;
  /// Value for DD_GITHUB_API_URL.
  [[nodiscard]] std::string api_url() const;
  /// Value for DD_GITHUB_WEB_URL.
  [[nodiscard]] std::string web_url() const { return api_url(); }
  net::Task<void> stop();

  /// Users, tokens and rights from now on.
  void set_table(GithubTable table);
  /// The OAuth app that people sign in with from now on.
  void set_app(GithubAppEntry app);
  [[nodiscard]] Faults& faults() noexcept;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace dd::local
