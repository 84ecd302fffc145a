#include "libdd/local/edge_envelope.hpp"

#include <algorithm>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::local {
namespace {

constexpr std::size_t kDefaultPage = 20;
constexpr std::size_t kLargestPage = 1000;

std::size_t number(const net::ServerRequest& request, const char* name, std::size_t otherwise) {
  const auto text = request.query_value(name);
  return text ? std::strtoul(text->c_str(), nullptr, 10) : otherwise;
}

}  // namespace

net::ServerResponse cf_result(Json result) {
  const Json body = {
      {"success", true}, {"errors", Json::array()}, {"messages", Json::array()}, {"result", std::move(result)}};
  return net::json_response(to_text(body));
}

net::ServerResponse cf_error(int status, int code, const std::string& message) {
  const Json body = {{"success", false},
                     {"errors", {{{"code", code}, {"message", message}}}},
                     {"messages", Json::array()},
                     {"result", nullptr}};
  return net::json_response(to_text(body), status);
}

net::ServerResponse cf_page(const std::vector<Json>& items, const net::ServerRequest& request) {
  const auto page = std::max<std::size_t>(number(request, "page", 1), 1);
  const auto size = std::clamp<std::size_t>(number(request, "per_page", kDefaultPage), 1, kLargestPage);
  Json shown = Json::array();
  for (auto i = (page - 1) * size; i < std::min(items.size(), page * size); ++i) shown.push_back(items[i]);
  const Json info = {{"page", page}, {"per_page", size}, {"count", shown.size()}, {"total_count", items.size()}};
  const Json body = {{"success", true},
                     {"errors", Json::array()},
                     {"messages", Json::array()},
                     {"result", std::move(shown)},
                     {"result_info", info}};
  return net::json_response(to_text(body));
}

}  // namespace dd::local
