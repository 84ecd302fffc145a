// The program dd-fetch as dd-enclave meets it: an order and descriptors over a socket, reports back.
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include <doctest/doctest.h>

#include "libdd/protocol/fetch.hpp"
#include "tests/unit/fetch/archive_builder.hpp"
#include "tests/unit/local/releases.hpp"

using namespace dd;
using namespace dd::protocol;

namespace {

struct Outcome {
  std::vector<FetchReport> reports;
  int status = -1;

  [[nodiscard]] const Error* error() const { return reports.empty() ? nullptr : std::get_if<Error>(&reports.back()); }
  [[nodiscard]] bool done() const { return !reports.empty() && std::holds_alternative<FetchDone>(reports.back()); }
};

void send_with(int socket, const std::string& text, const std::vector<int>& descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const auto size = descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    auto* header = CMSG_FIRSTHDR(&message);
    *header = {CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS};
    std::memcpy(CMSG_DATA(header), descriptors.data(), size);
  }
  REQUIRE(sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::vector<FetchReport> read_reports(int socket) {
  std::string text;
  char bytes[4096];
  for (ssize_t got = 0; (got = read(socket, bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  std::vector<FetchReport> reports;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    reports.push_back(fetch_report_from(std::string_view(text).substr(0, end)).value());
  CHECK(text.empty());
  return reports;
}

Outcome run_helper(const std::string& line, const std::vector<int>& descriptors) {
  int pair[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pair[1], 3);
  char name[] = "dd-fetch";
  char* argv[] = {name, nullptr};
  char* environment[] = {nullptr};
  pid_t pid = -1;
  REQUIRE(posix_spawn(&pid, DD_FETCH, &actions, nullptr, argv, environment) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(pair[1]);
  send_with(pair[0], line, descriptors);
  shutdown(pair[0], SHUT_WR);
  Outcome outcome;
  outcome.reports = read_reports(pair[0]);
  close(pair[0]);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  return outcome;
}

GetAsset get_from(const test::Releases& releases) {
  GetAsset order;
  order.api_url = releases.api_url();
  order.repo = "acme/tool";
  order.asset = "tool";
  order.max_bytes = 1000;
  order.deadline_ms = 20'000;
  return order;
}

struct Files {
  TempDir home;
  int file = open(home.write("file", "").c_str(), O_RDWR | O_CLOEXEC);
  int folder = open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    close(file);
    close(folder);
  }
};

}  // namespace

TEST_CASE("dd-fetch downloads into the file that it was handed and says so") {
  test::Releases releases;
  releases.add("acme/tool", "v1", "tool", "content");
  const Files files;
  const auto outcome = run_helper(to_line(get_from(releases)) + "\n", {files.file});
  CHECK(outcome.status == 0);
  CHECK(outcome.done());
  CHECK(std::holds_alternative<AssetFound>(outcome.reports.front()));
  char bytes[16];
  CHECK(pread(files.file, bytes, sizeof bytes, 0) == 7);
}

TEST_CASE("dd-fetch unpacks into the folder that it was handed") {
  const Files files;
  test::ArchiveBuilder archive;
  archive.file("bin/tool", "program", 0755);
  const auto bytes = archive.bytes();
  REQUIRE(write(files.file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  const auto outcome = run_helper(to_line(UnpackArchive{1000, 10}) + "\n", {files.file, files.folder});
  CHECK(outcome.status == 0);
  CHECK(outcome.done());
  CHECK(access((files.home.path() / "bin/tool").c_str(), X_OK) == 0);
}

TEST_CASE("dd-fetch reports what went wrong and ends with 1") {
  test::Releases releases;
  releases.add("acme/tool", "v1", "tool", std::string(1001, 'x'));
  const Files files;
  const auto get = to_line(get_from(releases)) + "\n";
  const struct {
    const char* name;
    std::string line;
    std::vector<int> descriptors;
    ErrorCode code;
  } cases[] = {
      {"too large", get, {files.file}, ErrorCode::too_large},
      {"no descriptor", get, {}, ErrorCode::malformed},
      {"one too many", get, {files.file, files.folder}, ErrorCode::malformed},
      {"no folder", to_line(UnpackArchive{1, 1}) + "\n", {files.file}, ErrorCode::malformed},
      {"no archive", to_line(UnpackArchive{1, 1}) + "\n", {files.file, files.folder}, ErrorCode::invalid_argument},
      {"no order", "{}\n", {files.file}, ErrorCode::malformed},
      {"half an order", get.substr(0, 20), {files.file}, ErrorCode::unavailable},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto outcome = run_helper(c.line, c.descriptors);
    CHECK(outcome.status == 1);
    REQUIRE(outcome.error() != nullptr);
    CHECK(to_string(outcome.error()->code) == to_string(c.code));
    CHECK(outcome.error()->message.starts_with("cannot "));
  }
}
