// The rule by which a GitHub token proves that its holder acts for the owner, as calls to GitHub's REST API.
#pragma once

#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "dd/http.hpp"
#include "dd/identity.hpp"
#include "dd/secret.hpp"
#include "libdd/net/task.hpp"

namespace dd::identity {

/// Asks GitHub anew at each call; who wants a cache puts one in front. A user owner is /user itself, an organisation takes an active membership, a
/// repository takes a user's token that may push: that it can be read says nothing, anybody's token reads a public one.
class OwnerCheck {
 public:
  OwnerCheck(std::shared_ptr<HttpTransport> transport, std::string api_url, Owner owner);
  /// Errors: as PatVerifier::verify.
  net::Task<Result<Principal>> ask(Secret token);

 private:
  net::Task<Result<Principal>> ask_user(Secret token);
  net::Task<Result<Principal>> ask_membership(Secret token);
  net::Task<Result<Principal>> ask_repository(Secret token);
  net::Task<Result<nlohmann::json>> get(std::string path, Secret token);
  [[nodiscard]] bool is_owner(std::int64_t id, const std::string& name) const;

  std::shared_ptr<HttpTransport> transport_;
  std::string api_url_;
  Owner owner_;
};

}  // namespace dd::identity
