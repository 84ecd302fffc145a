// The few answers of GitHub that a token check sees, from a table of JSON texts.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "tests/support/scripted_transport.hpp"

namespace dd::identity {

inline constexpr const char* kApi = "https://api.github.test";

/// (token, path) → answer; what is not listed is 404 for a token that can read /user, else 401.
class FakeGithub {
 public:
  void answer(const std::string& token, const std::string& path, HttpResponse response) {
    answers_[{token, path}] = std::move(response);
  }
  void answer(const std::string& token, const std::string& path, std::string body) {
    answer(token, path, test::http_answer(200, std::move(body)));
  }
  void user(const std::string& token, const std::string& login, int id) {
    answer(token, "/user", R"({"login":")" + login + R"(","id":)" + std::to_string(id) + R"(,"type":"User"})");
  }
  /// Every call answers this until reset() (an outage, a rate limit).
  void set_outage(Result<HttpResponse> outage) { outage_.emplace(std::move(outage)); }
  void reset() { outage_.reset(); }

  [[nodiscard]] Result<HttpResponse> operator()(const HttpRequest& request) const {
    if (outage_) return *outage_;
    const auto* authorization = request.headers.find("Authorization");
    const auto token = authorization == nullptr ? "" : authorization->substr(std::string("Bearer ").size());
    const auto path = request.url.substr(std::string(kApi).size());
    if (const auto found = answers_.find({token, path}); found != answers_.end()) return found->second;
    const bool known = answers_.contains({token, "/user"});
    return known ? test::http_answer(404, R"({"message":"Not Found"})")
                 : test::http_answer(401, R"({"message":"Bad credentials"})");
  }

 private:
  std::map<std::pair<std::string, std::string>, HttpResponse> answers_;
  std::optional<Result<HttpResponse>> outage_;
};

}  // namespace dd::identity
