// The server when something runs out: descriptors, or the patience of a peer that does not read.
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <vector>

#include "dd/log.hpp"
#include "tests/unit/net/raw_client.hpp"
#include "tests/unit/net/served.hpp"

#include <doctest/doctest.h>

using namespace dd;
using namespace dd::net;
using namespace std::chrono_literals;
using dd::test::answers;
using dd::test::RawClient;
using dd::test::Served;

namespace {

/// Takes every descriptor below the limit; gives them back when it goes.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    auto low = before_;
    low.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = -1; (fd = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0;) taken_.push_back(fd);
  }
  ~NoDescriptors() {
    for (const int fd : taken_) close(fd);
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  /// One becomes free, for the test's own use.
  void give_one() {
    close(taken_.back());
    taken_.pop_back();
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

/// Says when the server logged that it cannot accept.
struct AcceptFailure {
  AcceptFailure() {
    log::set_sink([this](const log::Record& record) {
      if (record.message == "cannot accept connections" && !seen.exchange(true)) promise.set_value();
    });
  }
  AcceptFailure(const AcceptFailure&) = delete;
  AcceptFailure& operator=(const AcceptFailure&) = delete;
  ~AcceptFailure() { log::set_sink({}); }
  std::atomic<bool> seen = false;
  std::promise<void> promise;
};

Router one_page() {
  Router router;
  router.add("GET", "/hello", test::answers("{}"));
  return router;
}

}  // namespace

TEST_CASE("a server without descriptors waits and goes on when it has some") {
  AcceptFailure failure;
  Router router;
  router.add("GET", "/", answers("{}"));
  Served served(std::move(router));
  auto none = std::make_unique<NoDescriptors>();
  none->give_one();
  RawClient client(served.port());  // takes it, and the kernel completes the connection
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  failure.promise.get_future().get();
  none.reset();
  CHECK(client.answer().value().status == 200);
}

TEST_CASE("a peer that does not read its answer is cut off") {
  std::promise<void> asked;
  Router router;
  router.add("GET", "/large", [&asked](const ServerRequest&) -> Task<Result<ServerResponse>> {
    asked.set_value();
    co_return json_response(std::string(32 * 1024 * 1024, 'x'));
  });
  HttpServerOptions options;
  options.write_deadline = 50ms;
  Served served(std::move(router), options);
  RawClient client(served.port());
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  asked.get_future().get();
  const auto before = std::chrono::steady_clock::now();
  served.stop(20s);
  CHECK(std::chrono::steady_clock::now() - before < 15s);  // the grace was not used up
  CHECK_FALSE(client.answer().has_value());
}

TEST_CASE("a body may be chunked, and a request behind it is the next one") {
  Router router;
  router.add("POST", "/echo", [](const ServerRequest& request) -> Task<Result<ServerResponse>> {
    co_return json_response(request.body);
  });
  Served served(std::move(router));
  RawClient client(served.port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nnext");
  CHECK(client.answer().value().body == "abcde");
  CHECK(client.answer().value().body == "next");
}

TEST_CASE("a chunk whose size is no number is 400") {
  Router router;
  router.add("POST", "/echo", answers("{}"));
  Served served(std::move(router));
  for (const auto* size : {"-1", "zz", "ffffffffffffffffff", ""}) {
    CAPTURE(std::string(size));
    RawClient client(served.port());
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(size) +
                "\r\nabc\r\n0\r\n\r\n");
    CHECK(client.answer().value().status == 400);
  }
}

TEST_CASE("cookies have a limit of their own, and everything else keeps its") {
  HttpServerOptions options;
  options.max_header_bytes = 1024;
  options.max_cookie_bytes = 8 * 1024;
  Served served(one_page(), options);
  const auto cookie = [](std::size_t size) { return "Cookie: a=" + std::string(size, 'x') + "\r\n"; };
  const struct {
    const char* name;
    std::string headers;
    int status;
    bool forgets = false;
  } cases[] = {
      {"large cookies", cookie(4000) + cookie(3000), 200},
      {"too large ones", cookie(7000) + cookie(3000), 431, true},
      {"one that is too large", cookie(20000), 431, true},
      {"another header", "X: " + std::string(2000, 'x') + "\r\n", 431},
      {"many others", "X: " + std::string(600, 'x') + "\r\nY: " + std::string(600, 'y') + "\r\n", 431},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    RawClient client(served.port());
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n" + c.headers + "\r\n");
    const auto answer = client.answer().value();
    CHECK(answer.status == c.status);
    CHECK(answer.header("Clear-Site-Data") == (c.forgets ? "\"cookies\"" : ""));
  }
  // Any page can make its visitor's browser ask for a long address.
  for (const std::size_t size : {2000U, 20000U}) {
    RawClient client(served.port());
    client.send("GET /hello?" + std::string(size, 'x') + " HTTP/1.1\r\nHost: a\r\n" + cookie(100) + "\r\n");
    const auto answer = client.answer().value();
    CHECK(answer.status == 431);
    CHECK(answer.header("Clear-Site-Data").empty());
  }
  // Each in a segment of its own.
  RawClient client(served.port());
  client.send("GET /hello HTTP/1.1\r\nHost: a\r\n");
  for (int i = 0; i < 4; ++i) client.send(cookie(7000));
  client.send("\r\n");
  CHECK(client.answer().value().status == 431);
}

TEST_CASE("one header of any size is an answer, and no exception") {
  HttpServerOptions options;
  options.max_cookie_bytes = kMostCookieBytes;
  Served served(one_page(), options);
  for (const std::size_t size : {40'000U, 63'000U, 65'530U, 65'534U, 65'540U, 100'000U, 200'000U}) {
    CAPTURE(size);
    RawClient client(served.port());
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\nCookie: a=" + std::string(size, 'x') + "\r\n\r\n");
    CHECK(client.answer().value().status == (size < kMostCookieBytes ? 200 : 431));
  }
}
