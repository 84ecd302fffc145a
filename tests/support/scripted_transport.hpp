// HttpTransport without a network: each request is shown to a script that answers it, at once or when the test says.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "dd/http.hpp"

namespace dd::test {

/// Use on one thread.
class ScriptedTransport final : public HttpTransport {
 public:
  using Script = std::function<Result<HttpResponse>(const HttpRequest&)>;

  explicit ScriptedTransport(Script script) : script_(std::move(script)) {}

  void send(HttpRequest request, Done done) override {
    requests.push_back(request);
    if (held_) {
      waiting_.emplace_back(std::move(request), std::move(done));
      return;
    }
    done(script_(request));
  }

  void set_script(Script script) { script_ = std::move(script); }
  /// From now on answers wait for release().
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    for (auto& [request, done] : std::exchange(waiting_, {})) done(script_(request));
  }

  std::vector<HttpRequest> requests;

 private:
  Script script_;
  bool held_ = false;
  std::vector<std::pair<HttpRequest, Done>> waiting_;
};

inline HttpResponse http_answer(int status, std::string body,
                                std::vector<std::pair<std::string, std::string>> headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  for (auto& [name, value] : headers) response.headers.add(std::move(name), std::move(value));
  return response;
}

}  // namespace dd::test
