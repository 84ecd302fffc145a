// A control plane with its pages, and browsers that keep its cookies.
#pragma once

#include "libdd/cp/agent_sessions.hpp"
#include "libdd/cp/github_sign_in.hpp"
#include "libdd/cp/pages.hpp"
#include "libdd/cp/sign_in_api.hpp"
#include "tests/unit/cp/room.hpp"
#include "tests/unit/cp/sample_record.hpp"

namespace dd::cp {

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

inline std::string header_of(const Answer& answer, const char* name) {
  const auto* value = answer.value().headers.find(name);
  return value == nullptr ? "" : *value;
}

/// Of the answer to POST /auth/link.
inline std::string code_of(const Answer& link) {
  REQUIRE_MESSAGE(link.has_value(), link.error().message);
  const auto url = body_of(link).at("url").get<std::string>();
  return url.substr(url.find("code=") + 5);
}

/// What a browser sends of a page of ours.
struct Browser {
  std::string cookie;
  std::string origin = kOrigin;

  [[nodiscard]] HttpHeaders headers() const {
    HttpHeaders out;
    if (!cookie.empty()) out.add("Cookie", cookie);
    if (!origin.empty()) out.add("Origin", origin);
    return out;
  }
  /// Keeps the last cookie of the answer.
  void keep(const Answer& answer) {
    for (const auto& [name, value] : answer.value().headers.all())
      if (name == "Set-Cookie") cookie = value.substr(0, value.find(';'));
  }
};

struct Visitors : Room {
  explicit Visitors(ControlPlaneOptions base = {}) : Room(std::move(base)) {
    sign_ins.add_routes(router);
    github_sign_in.add_routes(router);
    agent_sessions.add_routes(router);
    pages.add_routes(router);
  }

  Answer get(const Browser& browser, const std::string& target) { return ask("GET", target, browser.headers()); }
  Answer post(const Browser& browser, const std::string& target, std::string form = {}) {
    auto headers = browser.headers();
    headers.set("Content-Type", "application/x-www-form-urlencoded");
    return ask("POST", target, std::move(headers), std::move(form));
  }
  Browser signed_in() {
    Browser browser;
    browser.keep(post(browser, "/auth/pat", "pat=" + kOwnerPat));
    return browser;
  }
  /// The code of a link that this browser's session makes.
  std::string link_of(const Browser& browser) { return code_of(ask("POST", "/auth/link", browser.headers())); }
  void keep_agent(const std::string& id, AgentStatus status) {
    auto record = sample_record(id, "vm of " + id);
    record.status = status;
    must(store.save(record));
  }

  identity::FailureLimit failures{{}};
  SignInApi sign_ins{context, people, failures};
  GithubSignIn github_sign_in{context, people, failures, transport};
  AgentSessions agent_sessions{context, people};
  Pages pages{context, people};
};

}  // namespace dd::cp
