// Workloads from releases: a whole runtime, the program dd-fetch and a local GitHub.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "libdd/crypto/digest.hpp"
#include "libdd/local/github_table.hpp"
#include "tests/unit/enclave/running_enclave.hpp"
#include "tests/unit/local/releases.hpp"

using namespace dd;
using test::eventually;
using test::RunningEnclave;

namespace {

constexpr std::string_view kGreeting = "#!/bin/sh\necho \"hello $1\"\n";

std::string digest_of(std::string_view text) { return "sha256:" + to_hex(crypto::sha256(as_bytes(text))); }

Json release(Json more = Json::object(), const char* asset = "tool") {
  more["repo"] = "acme/tool";
  more["asset"] = asset;
  return {{"github_release", std::move(more)}};
}

struct ReleasesFixture {
  test::Releases releases{{{"acme/hidden", Secret("ghp_reader")}}};
  RunningEnclave enclave;

  /// With the tool as release v1. GitHub limits the first `refused` requests.
  explicit ReleasesFixture(const std::function<void(EnclaveOptions&)>& change = {}, Json boot_workloads = Json::array(),
                           int refused = 0)
      : enclave(std::move(boot_workloads), std::chrono::seconds(5), [&](EnclaveOptions& options) {
          releases.add("acme/tool", "v1", "tool", kGreeting);
          releases.server().faults().fail_next(refused, local::github_error(429, "slow down"));
          options.github_api_url = releases.api_url();
          options.fetch_program = DD_FETCH;
          if (change) change(options);
        }) {}

  /// A .tar.gz of a tree that a shell script makes.
  void add_archive(const std::string& name, const std::string& script) const {
    const TempDir folder;
    const auto made = "cd '" + folder.path().string() + "' && { " + script + "; } && tar czf '" +
                      releases.add("acme/tool", "v1", name, "").string() + "' *";
    REQUIRE(system(made.c_str()) == 0);
  }
  [[nodiscard]] std::string log_of(const std::string& id) {
    std::string text;
    for (const auto& line : enclave.logs(id)) text += line + "\n";
    return text;
  }
};

std::string store_path(const ReleasesFixture& f, std::string_view content) {
  return (f.enclave.data() / "store" / ("sha256-" + digest_of(content).substr(7))).string();
}

/// Boots last of those with a role.
const Json& fetched_agent() {
  static const Json workload = {{"app_name", "agent"},
                                {"role", "agent"},
                                {"cmd", {"tool"}},
                                {"github_release", {{"repo", "acme/tool"}, {"asset", "tool"}}}};
  return workload;
}

/// Takes connections and never answers.
class SilentServer {
 public:
  SilentServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd_, 16) == 0);
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~SilentServer() { close(fd_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  int fd_;
  std::string url_;
};

}  // namespace

TEST_CASE("a program of a release is fetched and runs in place of the command's first word") {
  ReleasesFixture f;
  const auto id =
      f.enclave.deploy("web", {"ignored", "you"}, release({{"tag", "v1"}, {"sha256", digest_of(kGreeting)}}));
  const auto info = f.enclave.finished(id);
  CHECK_MESSAGE(info.status == DeploymentStatus::exited, info.error_message);
  CHECK(info.source == "acme/tool@v1");
  CHECK(info.digest == digest_of(kGreeting));
  const auto log = f.log_of(id);
  CHECK(log.find("fetching tool of acme/tool@v1: " + std::to_string(kGreeting.size()) + " bytes") != std::string::npos);
  CHECK(log.find("hello you\n") != std::string::npos);
}

TEST_CASE("what is pinned and here is not fetched again") {
  ReleasesFixture f;
  const auto pinned = release({{"tag", "v1"}, {"sha256", digest_of(kGreeting)}});
  CHECK(f.enclave.finished(f.enclave.deploy("one", {"x", "you"}, pinned)).status == DeploymentStatus::exited);
  const auto before = f.releases.server().faults().requests();
  CHECK(f.enclave.finished(f.enclave.deploy("two", {"x", "you"}, pinned)).status == DeploymentStatus::exited);
  CHECK(f.releases.server().faults().requests() == before);
}

TEST_CASE("a program in an archive runs beside the files that came with it") {
  ReleasesFixture f;
  f.add_archive("tool.tar.gz",
                "mkdir -p tool-1/bin tool-1/share && echo beside > tool-1/share/text && "
                "printf '#!/bin/sh\\ncat \"$(dirname \"$0\")/../share/text\"\\n' > tool-1/bin/tool");
  const auto id = f.enclave.deploy("web", {"x"}, release({{"rename", "tool-1/bin/tool"}}, "tool.tar.gz"));
  const auto info = f.enclave.finished(id);
  CHECK_MESSAGE(info.status == DeploymentStatus::exited, info.error_message);
  CHECK(info.source == "acme/tool@latest");
  CHECK(info.digest == digest_of("#!/bin/sh\ncat \"$(dirname \"$0\")/../share/text\"\n"));
  CHECK(f.log_of(id).find("beside\n") != std::string::npos);
}

TEST_CASE("an unpacked archive is nobody's to change") {
  ReleasesFixture f;
  f.add_archive("tool.tar.gz",
                "mkdir sub && printf '#!/bin/sh\\ncd \"$(dirname \"$0\")\"; for f in tool sub/new .; do touch $f 2>&1; "
                "done; stat -c %%a tool sub\\n' "
                "> tool && chmod 4777 tool sub");
  const auto id = f.enclave.deploy("web", {"x"}, release({}, "tool.tar.gz"));
  CHECK(f.enclave.finished(id).status == DeploymentStatus::exited);
  const auto log = f.log_of(id);
  CHECK(log.find("555\n755\n") != std::string::npos);
  if (geteuid() == 0) CHECK(log.find("Permission denied") != std::string::npos);
}

TEST_CASE("a release that cannot be used fails the deploy with the reason, and the one that ran goes on") {
  ReleasesFixture f;
  f.releases.add("acme/tool", "v1", "other", kGreeting);
  f.releases.add("acme/tool", "v1", ".other.digest", digest_of("another file"));
  f.add_archive("tool.tar.gz", "mkdir bin && echo > bin/one && chmod +x bin/one");
  f.add_archive("out.tar.gz", "ln -s / out");
  f.releases.add("acme/tool", "v1", "fake.tar.gz", "no archive");
  const auto running = f.enclave.deploy("web", {"sleep", "1000"});
  CHECK(f.enclave.settled(running).status == DeploymentStatus::running);
  const struct {
    const char* name;
    Json release;
    const char* says;
  } cases[] = {
      {"pinned to another digest", release({{"sha256", std::string(64, '0')}}), "the request says sha256:0000"},
      {"another digest than announced", release({}, "other"), "the release says sha256:"},
      {"no such asset", release({}, "absent"), "only fake.tar.gz, other, out.tar.gz, tool"},
      {"no such tag", release({{"tag", "v9"}}), "GitHub answers 404"},
      {"no such program in the archive", release({{"rename", "bin/two"}}, "tool.tar.gz"), "its programs are bin/one"},
      {"archive that leads out", release({}, "out.tar.gz"), "leads out of it"},
      {"no archive", release({}, "fake.tar.gz"), "cannot unpack archive"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    const auto info = f.enclave.settled(f.enclave.deploy("web", {"x"}, c.release));
    CHECK(info.status == DeploymentStatus::failed);
    CAPTURE(info.error_message);
    CHECK(info.error_message.find(c.says) != std::string::npos);
  }
  CHECK(f.enclave.info(running).status == DeploymentStatus::running);
  for (const auto& entry : std::filesystem::directory_iterator(f.enclave.data() / "store"))
    CHECK_MESSAGE(!entry.path().filename().string().starts_with("."), entry.path().string());
}

TEST_CASE("a private release needs the runtime's token, which no workload gets") {
  ReleasesFixture f([](EnclaveOptions& options) { options.github_token = Secret("ghp_reader"); });
  f.releases.add("acme/hidden", "v1", "tool", "#!/bin/sh\nenv\n");
  auto hidden = release();
  hidden["github_release"]["repo"] = "acme/hidden";
  const auto id = f.enclave.deploy("web", {"x"}, hidden);
  CHECK(f.enclave.finished(id).status == DeploymentStatus::exited);
  const auto log = f.log_of(id);
  CHECK(log.find("PATH=") != std::string::npos);
  CHECK(log.find("ghp_reader") == std::string::npos);
}

TEST_CASE("a release without a command is a tool for others, by its name and its second name") {
  ReleasesFixture f;
  const auto id = f.enclave.deploy("tools", {}, release({{"rename", "greet"}}));
  CHECK(f.enclave.settled(id).status == DeploymentStatus::completed);
  for (const auto* name : {"tool", "greet"}) {
    CAPTURE(name);
    const auto user = f.enclave.deploy("user", {name, "you"});
    CHECK(f.enclave.finished(user).status == DeploymentStatus::exited);
    CHECK(f.enclave.line(user, "hello") == "hello you");
  }
  const auto taken = f.enclave.settled(f.enclave.deploy("others", {}, release()));
  CHECK(taken.status == DeploymentStatus::failed);
  CHECK(taken.error_message.find("the name belongs to app tools") != std::string::npos);

  const auto running = f.enclave.deploy("web", {"sleep", "1000"});
  CHECK(f.enclave.settled(running).status == DeploymentStatus::running);
  CHECK(f.enclave.settled(f.enclave.deploy("web", {}, release())).status == DeploymentStatus::failed);
  CHECK(f.enclave.info(running).status == DeploymentStatus::running);
}

TEST_CASE("a fetch that takes too long is given up") {
  const SilentServer silent;
  ReleasesFixture f([&](EnclaveOptions& options) {
    options.github_api_url = silent.url();
    options.fetch_timeout = std::chrono::milliseconds(1'500);
  });
  const auto info = f.enclave.settled(f.enclave.deploy("web", {"x"}, release()));
  CHECK(info.status == DeploymentStatus::failed);
  CAPTURE(info.error_message);
  const auto says = [&info](const char* text) { return info.error_message.find(text) != std::string::npos; };
  CHECK((says("DD_FETCH_TIMEOUT") || says("no answer in")));  // the runtime, or its helper
}

TEST_CASE("a stop or another deploy of the app ends a fetch that is under way") {
  const SilentServer silent;
  ReleasesFixture f([&](EnclaveOptions& options) { options.github_api_url = silent.url(); });
  const auto stopped = f.enclave.deploy("web", {"x"}, release());
  CHECK(f.enclave.call({{"method", "stop"}, {"id", stopped}}).at("ok") == true);
  CHECK(f.enclave.info(stopped).status == DeploymentStatus::stopped);

  const auto replaced = f.enclave.deploy("web", {"x"}, release());
  const auto next = f.enclave.deploy("web", {"sleep", "1000"});
  CHECK(f.enclave.settled(next).status == DeploymentStatus::running);
  CHECK(f.enclave.info(replaced).status == DeploymentStatus::stopped);
}

TEST_CASE("a deploy that waits for the boot can be stopped") {
  const SilentServer silent;
  ReleasesFixture f([&](EnclaveOptions& options) { options.github_api_url = silent.url(); },
                    Json::array({fetched_agent()}));
  const auto waits = f.enclave.deploy("web", {"sleep", "1000"});
  CHECK(f.enclave.call({{"method", "stop"}, {"id", waits}}).at("ok") == true);
  CHECK(f.enclave.info(waits).status == DeploymentStatus::stopped);
}

TEST_CASE("a deploy that has not begun to fetch is replaced too") {
  const SilentServer silent;
  ReleasesFixture f([&](EnclaveOptions& options) { options.github_api_url = silent.url(); });
  const auto first = f.enclave.deploy("web", {"x"}, release());
  const auto second = f.enclave.deploy("web", {"x"}, release());
  const auto third = f.enclave.deploy("web", {"sleep", "1000"});
  CHECK(f.enclave.settled(third).status == DeploymentStatus::running);
  CHECK(f.enclave.info(first).status == DeploymentStatus::stopped);
  CHECK(f.enclave.info(second).status == DeploymentStatus::stopped);
}

TEST_CASE("a release without a role does not keep the VM from being up") {
  const SilentServer silent;
  const Json slow = {{"app_name", "slow"}, {"github_release", {{"repo", "acme/tool"}, {"asset", "tool"}}}};
  ReleasesFixture f([&](EnclaveOptions& options) { options.github_api_url = silent.url(); }, Json::array({slow}));
  CHECK(f.enclave.settled(f.enclave.deploy("web", {"sleep", "1000"})).status == DeploymentStatus::running);
  CHECK(f.enclave.find("slow").status == DeploymentStatus::deploying);
}

TEST_CASE("a runtime that is stopped between two attempts at boot makes no other") {
  TempDir folder;
  REQUIRE(chmod(folder.path().c_str(), 0777) == 0);
  const auto seen = (folder.path() / "seen").string();
  // The first attempt fails at once, a second one would take its time.
  const auto program =
      folder.write("helper", "#!/bin/sh\nif [ -e '" + seen + "' ]; then sleep 1000; fi\n: > '" + seen + "'\n");
  REQUIRE(chmod(program.c_str(), 0755) == 0);
  ReleasesFixture f([&](EnclaveOptions& options) { options.fetch_program = program; }, Json::array({fetched_agent()}));
  CHECK(eventually([&] { return !f.enclave.find("agent").error_message.empty(); }));
  f.enclave.stop();
}

TEST_CASE("a runtime that is stopped does not wait for its fetches") {
  const SilentServer silent;
  ReleasesFixture f([&](EnclaveOptions& options) { options.github_api_url = silent.url(); });
  for (int i = 0; i < 6; ++i) f.enclave.deploy("web-" + std::to_string(i), {"x"}, release());
  f.enclave.stop();
}

TEST_CASE("the helper has a uid of its own and no privileges, and nothing that it starts outlives it") {
  TempDir folder;
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  const auto program = folder.write("helper",
                                    "#!/bin/sh\nsetsid sleep 1234 &\necho \"uid $(id -u) left $!\"\n"
                                    "grep -E '^(NoNewPrivs|CapEff|CapBnd):' /proc/self/status\ngrep processes "
                                    "/proc/self/limits | tr -s ' '\nls /proc/self/fd | tr '\\n' ' '\n"
                                    "env\nread order <&3\n");
  REQUIRE(chmod(program.c_str(), 0755) == 0);
  ReleasesFixture f([&](EnclaveOptions& options) {
    options.fetch_program = program;
    options.github_token = Secret("ghp_reader");
  });
  const auto info = f.enclave.settled(f.enclave.deploy("web", {"x"}, release()));
  CHECK(info.status == DeploymentStatus::failed);
  CHECK(info.error_message == "cannot fetch: dd-fetch ended before it was done");
  const auto log = f.log_of(info.id);
  CAPTURE(log);
  CHECK(log.find("NoNewPrivs:\t1") != std::string::npos);
  CHECK(log.find("CapEff:\t0000000000000000") != std::string::npos);
  CHECK(log.find("ghp_reader") == std::string::npos);
  if (geteuid() != 0) return;
  CHECK(log.find("CapBnd:\t0000000000000000") != std::string::npos);
  CHECK(log.find("Max processes 64 64") != std::string::npos);
  const auto first = log.find("uid ");
  const auto uid = std::stoul(log.substr(first + 4));
  CHECK(uid != 0);
  CHECK(uid != info.uid);
  const auto left = static_cast<pid_t>(std::stol(log.substr(log.find("left ") + 5)));
  CHECK_FALSE(test::process_lives(left));
}

TEST_CASE("the word of a helper is not enough: what came is hashed by the runtime") {
  TempDir folder;
  REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
  const auto says =
      R"({"report":"found","tag":"v1","size":3,"digest":")" + digest_of("abc") + R"("}\n{"report":"done"}\n)";
  const auto program = folder.write("helper", "#!/bin/sh\nread order <&3\nprintf '" + says + "' >&3\nread more <&3\n");
  REQUIRE(chmod(program.c_str(), 0755) == 0);
  ReleasesFixture f([&](EnclaveOptions& options) { options.fetch_program = program; });
  const auto info = f.enclave.settled(f.enclave.deploy("web", {"x"}, release()));
  CHECK(info.status == DeploymentStatus::failed);
  CHECK(info.error_message.find("it is " + digest_of("")) != std::string::npos);
}

TEST_CASE("boot workloads may come from releases, and the event log says from which") {
  ReleasesFixture f({}, Json::array({{{"app_name", "tunnel"},
                                      {"role", "connector"},
                                      {"github_release", {{"repo", "acme/tool"}, {"asset", "tool"}}}},
                                     {{"app_name", "dd-agent"},
                                      {"role", "agent"},
                                      {"cmd",
                                       {"sh", "-c",
                                        "echo connector $DD_CONNECTOR; " DD_PROBE
                                        " capability '{\"method\":\"log\",\"from\":0}'; sleep 1000"}}}}));
  const auto agent = f.enclave.find("dd-agent").id;
  CHECK(f.enclave.line(agent, "connector") == "connector [\"" + store_path(f, kGreeting) + "\"]");
  const auto events = parse_json(f.enclave.line(agent, "{")).value().at("events");
  REQUIRE(events.size() >= 3);
  CHECK(events[0].at("config").at("github_api_url") == f.releases.api_url());
  CHECK(events[1].at("app_name") == "tunnel");
  CHECK(events[1].at("digest") == digest_of(kGreeting));
  CHECK(events[1].at("release") ==
        Json{{"repo", "acme/tool"}, {"asset", "tool"}, {"tag", "v1"}, {"digest", digest_of(kGreeting)}});
  CHECK_FALSE(events[2].contains("release"));
}

TEST_CASE("a boot workload with a role is fetched again until it comes") {
  ReleasesFixture f({},
                    Json::array({{{"app_name", "tunnel"},
                                  {"role", "connector"},
                                  {"github_release", {{"repo", "acme/tool"}, {"asset", "tool"}}}}}),
                    1);
  CHECK(eventually([&] { return f.enclave.find("tunnel").status == DeploymentStatus::completed; }));
  CHECK(f.enclave.find("tunnel").error_message.empty());
}
