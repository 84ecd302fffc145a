// A fleet in memory: answers by method and URL, and remembers what it was asked.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dd/fleet_client.hpp"

namespace dd {

class FakeFleet final : public HttpTransport {
 public:
  void answer(const std::string& call, std::string body, int status = 200) {
    answers_[call] = HttpResponse{status, {}, std::move(body)};
  }
  void answer(const std::string& call, Error error) { answers_[call] = tl::unexpected(std::move(error)); }

  void send(HttpRequest request, Done done) override {
    const auto found = answers_.find(request.method + " " + request.url);
    requests.push_back(std::move(request));
    done(found == answers_.end() ? HttpResponse{404, {}, R"({"code":"not_found","message":"cannot find route"})"}
                                 : found->second);
  }

  std::vector<HttpRequest> requests;

 private:
  std::map<std::string, Result<HttpResponse>> answers_;
};

struct FleetUnderTest {
  std::shared_ptr<FakeFleet> fleet = std::make_shared<FakeFleet>();
  FleetClient client;

  explicit FleetUnderTest(std::string cp_url = "https://app.dd.example", std::string edge_url = {})
      : client(make(fleet, cp_url, edge_url)) {}

  static FleetClient make(std::shared_ptr<FakeFleet> fleet, const std::string& cp_url, const std::string& edge_url) {
    FleetClientOptions options;
    options.cp_url = cp_url;
    options.edge_url = edge_url;
    options.credential = Secret("ghp_secret");
    options.transport = std::move(fleet);
    return FleetClient::create(std::move(options)).value();
  }
};

}  // namespace dd
