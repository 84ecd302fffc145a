#include "libdd/identity/sign_in_links.hpp"

#include <array>

#include "libdd/crypto/digest.hpp"

namespace dd::identity {
namespace {

constexpr std::size_t kMostLinks = 64;

}  // namespace

Result<std::string> SignInLinks::make(SignInGrounds grounds, std::int64_t now) {
  std::erase_if(links_, [now](const auto& entry) { return entry.second.expires_at <= now; });
  if (links_.size() >= kMostLinks)
    return fail(ErrorCode::rate_limited, "cannot make a sign-in link: " + std::to_string(kMostLinks) +
                                             " wait to be used, try again in ten minutes");
  std::array<std::byte, 32> bytes{};
  random_.fill(bytes);
  auto code = to_base64url(bytes);
  links_.emplace(crypto::sha256(as_bytes(code)), Link{std::move(grounds), now + kLife});
  return code;
}

Result<SignInGrounds> SignInLinks::use(std::string_view code, std::int64_t now) {
  // By hash: how long the look-up takes says nothing of the codes that are good.
  const auto link = links_.find(crypto::sha256(as_bytes(code)));
  if (link == links_.end() || link->second.expires_at <= now)
    return fail(ErrorCode::unauthenticated, "cannot sign in: this link was used, has expired or never was one");
  auto grounds = std::move(link->second.grounds);
  links_.erase(link);
  return grounds;
}

}  // namespace dd::identity
