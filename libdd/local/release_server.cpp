#include "libdd/local/release_server.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "dd/random.hpp"
#include "libdd/local/github_table.hpp"
#include "libdd/local/release_folder.hpp"
#include "libdd/local/stop_grace.hpp"
#include "libdd/net/http_server.hpp"

namespace dd::local {
namespace {

constexpr std::string_view kBearer = "Bearer ";

net::ServerResponse not_found() { return github_error(404, "Not Found"); }

std::string random_name() {
  std::array<std::byte, 16> noise{};
  system_random().fill(noise);
  return to_hex(noise);
}

std::string repository_of(const net::ServerRequest& request) { return request.params[0] + "/" + request.params[1]; }

}  // namespace

struct ReleaseServer::Impl {
  using Answer = net::ServerResponse (Impl::*)(const net::ServerRequest&);

  explicit Impl(ReleaseServerOptions given) : options(std::move(given)), folder(options.folder) {}

  /// A private repository is hidden, not forbidden.
  [[nodiscard]] bool may_read(const net::ServerRequest& request) const {
    const auto entry = options.private_to.find(repository_of(request));
    if (entry == options.private_to.end()) return true;
    const auto* value = request.headers.find("Authorization");
    return value != nullptr && value->starts_with(kBearer) && Secret(value->substr(kBearer.size())) == entry->second;
  }

  net::ServerResponse answer_release(const net::ServerRequest& request) {
    if (!may_read(request)) return not_found();
    const auto release = request.params.size() == 3 ? folder.find(repository_of(request), request.params[2])
                                                    : folder.latest(repository_of(request));
    return release ? net::json_response(to_text(to_json_value(*release, api_url()))) : not_found();
  }

  net::ServerResponse answer_asset(const net::ServerRequest& request) {
    std::int64_t id = 0;
    const auto& text = request.params[2];
    std::from_chars(text.data(), text.data() + text.size(), id);
    const auto asset = may_read(request) ? folder.asset(repository_of(request), id) : std::nullopt;
    if (!asset) return not_found();
    const auto* accept = request.headers.find("Accept");
    if (accept == nullptr || *accept != "application/octet-stream")
      return net::json_response(to_text(to_json_value(*asset)));
    return to_storage(asset->file);
  }

  /// A browser's URL: it takes no token, so that a private asset is not there.
  net::ServerResponse answer_download(const net::ServerRequest& request) {
    const auto hidden = options.private_to.contains(repository_of(request));
    const auto release = hidden ? std::nullopt : folder.find(repository_of(request), request.params[2]);
    if (release)
      for (const auto& asset : release->assets)
        if (asset.name == request.params[3]) return to_storage(asset.file);
    return not_found();
  }

  net::ServerResponse to_storage(const std::filesystem::path& file) {
    const auto name = random_name();
    downloads[name] = file;
    net::ServerResponse response;
    response.status = 302;
    response.headers.add("Location", origin(*storage) + "/assets/" + name);
    return response;
  }

  net::ServerResponse answer_storage(const net::ServerRequest& request) {
    if (request.headers.find("Authorization") != nullptr) return github_error(400, "InvalidAuthenticationInfo");
    const auto download = downloads.extract(request.params[0]);
    if (download.empty()) return not_found();
    std::ifstream file(download.mapped(), std::ios::binary);
    net::ServerResponse response;
    response.content_type = "application/octet-stream";
    response.body.assign(std::istreambuf_iterator<char>(file), {});
    return response;
  }

  [[nodiscard]] std::string origin(const net::HttpServer& server) const {
    return "http://" + options.address + ":" + std::to_string(server.port());
  }
  [[nodiscard]] std::string api_url() const { return origin(*api); }

  ReleaseServerOptions options;
  ReleaseFolder folder;
  Faults faults;
  Faults storage_faults;
  std::map<std::string, std::filesystem::path> downloads;  // that have been promised and not made
  std::unique_ptr<net::HttpServer> api;
  std::unique_ptr<net::HttpServer> storage;
};

ReleaseServer::ReleaseServer(net::asio::any_io_executor executor, ReleaseServerOptions options)
    : impl_(std::make_shared<Impl>(std::move(options))) {
  const auto get = [this](net::Router& router, const char* path, Faults Impl::* faults, Impl::Answer how) {
    router.add("GET", path,
               [impl = std::weak_ptr(impl_), faults,
                how](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
                 const auto self = impl.lock();
                 if (!self) co_return fail(ErrorCode::unavailable, "cannot answer: the release server has stopped");
                 if (auto fault = (*self.*faults).next()) co_return *std::move(fault);
                 co_return (*self.*how)(request);
               });
  };
  net::Router api;
  get(api, "/repos/{owner}/{repo}/releases/latest", &Impl::faults, &Impl::answer_release);
  get(api, "/repos/{owner}/{repo}/releases/tags/{tag}", &Impl::faults, &Impl::answer_release);
  get(api, "/repos/{owner}/{repo}/releases/assets/{id}", &Impl::faults, &Impl::answer_asset);
  get(api, "/{owner}/{repo}/releases/download/{tag}/{asset}", &Impl::faults, &Impl::answer_download);
  net::Router storage;
  get(storage, "/assets/{name}", &Impl::storage_faults, &Impl::answer_storage);
  net::HttpServerOptions server;
  server.address = impl_->options.address;
  impl_->storage = std::make_unique<net::HttpServer>(executor, std::move(storage), server);
  server.port = impl_->options.port;
  impl_->api = std::make_unique<net::HttpServer>(std::move(executor), std::move(api), server);
}

ReleaseServer::~ReleaseServer() = default;

Result<void> ReleaseServer::start() {
  if (auto started = impl_->storage->start(); !started) return started;
  return impl_->api->start();
}

std::string ReleaseServer::api_url() const { return impl_->api_url(); }

net::Task<void> ReleaseServer::stop() {
  co_await impl_->api->stop(kStopGrace);
  co_await impl_->storage->stop(kStopGrace);
}

Faults& ReleaseServer::faults() noexcept { return impl_->faults; }
Faults& ReleaseServer::storage_faults() noexcept { return impl_->storage_faults; }

}  // namespace dd::local
