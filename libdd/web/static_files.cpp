#include "libdd/web/static_files.hpp"

#include <algorithm>

namespace dd::web {

void add_static_routes(net::Router& router) {
  router.add("GET", "/static/{file}", [](const net::ServerRequest& request) -> net::Task<Result<net::ServerResponse>> {
    const auto files = static_files();
    const auto file = std::ranges::find(files, request.params.at(0), &StaticFile::name);
    if (file == files.end()) co_return fail(ErrorCode::not_found, "cannot find " + request.path);
    net::ServerResponse response;
    response.content_type = file->content_type;
    response.headers.set("Cache-Control", "max-age=300");
    response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
    response.body = file->content;
    co_return response;
  });
}

}  // namespace dd::web
