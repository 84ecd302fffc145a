#include "libdd/local/github_app.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"
#include "libdd/crypto/digest.hpp"
#include "libdd/net/ascii.hpp"
#include "libdd/net/form.hpp"
#include "libdd/net/target.hpp"
#include "libdd/net/url.hpp"

namespace dd::local {
namespace {

constexpr std::int64_t kCodeLife = 600;

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string value_of(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Fields::value_type::first);
  return found == fields.end() ? std::string() : found->second;
}

GithubUser* user_of(GithubTable& table, std::string_view login) {
  const auto found = std::ranges::find_if(
      table.users, [login](const GithubUser& user) { return net::same_ignoring_case(user.login, login); });
  return found == table.users.end() ? nullptr : &*found;
}

net::ServerResponse page(int status, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.content_type = "text/html; charset=utf-8";
  response.body = "<!doctype html>\n<title>Local identity provider</title>\n" + std::move(body);
  return response;
}

net::ServerResponse go_back(const std::string& redirect_uri, Fields fields) {
  net::ServerResponse response;
  response.status = 302;
  response.content_type.clear();
  response.headers.set("Location", redirect_uri + "?" + net::form_text(fields));
  return response;
}

/// As GitHub does: JSON for who asks for it, else a form.
net::ServerResponse say(const net::ServerRequest& request, const Fields& fields) {
  const auto* accept = request.headers.find("Accept");
  if (accept != nullptr && accept->find("application/json") != std::string::npos) {
    Json body = Json::object();
    for (const auto& [name, value] : fields) body[name] = value;
    return net::json_response(to_text(body));
  }
  net::ServerResponse response;
  response.content_type = "application/x-www-form-urlencoded; charset=utf-8";
  response.body = net::form_text(fields);
  return response;
}

}  // namespace

std::string GithubApp::new_text(std::string_view prefix) {
  std::array<std::byte, 20> noise{};
  random_.fill(noise);
  return std::string(prefix) + to_hex(noise);
}

net::ServerResponse GithubApp::ask(const net::ServerRequest& request, const GithubTable& table) const {
  if (entry_.client_id.empty() || request.query_value("client_id") != entry_.client_id) return page(404, "Not Found");
  std::string body = "<p>Local identity provider: nobody asks for a password here. Continue as</p>\n";
  for (const auto& user : table.users) {
    auto fields = request.query;
    fields.emplace_back("user", user.login);
    // Escaped for URLs, so nothing in it means anything in HTML but '&'.
    auto query = net::form_text(fields);
    for (std::size_t at = 0; (at = query.find('&', at)) != std::string::npos; at += 5) query.replace(at, 1, "&amp;");
    body += "<form method=\"post\" action=\"/login/oauth/authorize?" + query + "\"><button>" +
            net::percent_encode(user.login) + "</button></form>\n";
  }
  return page(200, std::move(body));
}

net::ServerResponse GithubApp::consent(const net::ServerRequest& request, const GithubTable& table) {
  const auto& query = request.query;
  if (entry_.client_id.empty() || value_of(query, "client_id") != entry_.client_id) return page(404, "Not Found");
  const auto login = value_of(query, "user");
  const bool known = std::ranges::find(table.users, login, &GithubUser::login) != table.users.end();
  const auto redirect_uri = value_of(query, "redirect_uri");
  Fields answer;
  if (redirect_uri != entry_.callback_url)
    answer = {{"error", "redirect_uri_mismatch"}};
  else if (!known)
    answer = {{"error", "access_denied"}};
  else {
    std::erase_if(grants_, [now = clock_.unix_seconds()](const auto& grant) { return grant.second.expires_at <= now; });
    const auto code = new_text("");
    grants_[code] = {login, redirect_uri, value_of(query, "code_challenge"), clock_.unix_seconds() + kCodeLife};
    answer = {{"code", code}};
  }
  answer.emplace_back("state", value_of(query, "state"));
  return go_back(entry_.callback_url, std::move(answer));
}

net::ServerResponse GithubApp::trade(const net::ServerRequest& request, GithubTable& table) {
  const auto fields = net::parse_form_fields(request.body).value_or(Fields());
  const auto refuse = [&request](const char* word) { return say(request, {{"error", word}}); };
  if (entry_.client_id.empty() || value_of(fields, "client_id") != entry_.client_id ||
      value_of(fields, "client_secret") != entry_.client_secret.reveal())
    return refuse("incorrect_client_credentials");
  const auto found = grants_.find(value_of(fields, "code"));
  if (found == grants_.end()) return refuse("bad_verification_code");
  const auto grant = std::move(found->second);
  grants_.erase(found);
  if (value_of(fields, "redirect_uri") != grant.redirect_uri) return refuse("redirect_uri_mismatch");
  const auto verifier = value_of(fields, "code_verifier");
  const bool proven = grant.challenge.empty() || to_base64url(crypto::sha256(as_bytes(verifier))) == grant.challenge;
  auto* user = user_of(table, grant.login);
  if (!proven || user == nullptr || grant.expires_at <= clock_.unix_seconds()) return refuse("bad_verification_code");
  auto token = new_text("gho_");
  user->tokens.push_back(token);
  return say(request, {{"access_token", std::move(token)}, {"scope", ""}, {"token_type", "bearer"}});
}

}  // namespace dd::local
