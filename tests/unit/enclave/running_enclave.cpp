#include "tests/unit/enclave/running_enclave.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "tests/support/run_task.hpp"

namespace dd::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

// Writes the token where only root and its own uid can read it.
Json token_holder() {
  return {{"app_name", "holder"},
          {"inherit_token", true},
          {"cmd",
           {"sh", "-c",
            "umask 077; printf %s \"$EE_TOKEN\" > token.new && mv token.new token; while :; do sleep 1000; done"}}};
}

// Test programs that run side by side must not share uids.
std::int64_t uid_base_of_this_process() { return 1'000'000 + std::int64_t{getpid() % 100'000} * 1000; }

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream content;
  content << file.rdbuf();  // does not throw when a process ends between the opening of its file and the reading
  return std::move(content).str();
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

bool process_lives(pid_t pid) {
  const auto stat = content_of("/proc/" + std::to_string(pid) + "/stat");
  const auto end = stat.rfind(')');
  return end != std::string::npos && stat[end + 2] != 'Z' && stat[end + 2] != 'X';
}

std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

RunningEnclave::RunningEnclave(Json boot_workloads, std::chrono::milliseconds stop_grace,
                               const std::function<void(EnclaveOptions&)>& change) {
  REQUIRE(chmod(folder_.path().c_str(), 0711) == 0);
  auto holder = token_holder();
  // An agent that must be fetched may take long: the holder is booted before it.
  const auto fetched = [](const Json& workload) {
    return workload.value("role", "") == "agent" && workload.contains("github_release");
  };
  if (std::ranges::any_of(boot_workloads, fetched)) holder["role"] = "cp";
  boot_workloads.push_back(std::move(holder));
  EnclaveOptions options;
  options.config_file = folder_.write("config.json", "{}");
  options.socket_path = socket_;
  options.data_dir = data();
  options.boot_workloads = Secret(boot_workloads.dump());
  options.uid_base = uid_base_of_this_process();
  options.stop_grace = stop_grace;
  if (change) change(options);
  std::promise<void> serving;
  options.on_serving = [&serving] { serving.set_value(); };
  auto enclave = Enclave::create(std::move(options));
  REQUIRE_MESSAGE(enclave.has_value(), enclave.error().message);
  enclave_ = *std::move(enclave);
  thread_ = std::jthread([this](std::stop_token stop) {
    const auto ended = enclave_->run(stop);
    CHECK_MESSAGE(ended.has_value(), ended.error().message);
  });
  serving.get_future().get();
  client_ = std::make_unique<net::LineClient>(io_.get_executor(), socket_);
  const auto token = data() / "work" / "holder" / "token";
  REQUIRE(eventually([&] { return std::filesystem::exists(token); }));
  token_ = content_of(token);
}

RunningEnclave::~RunningEnclave() { stop(); }

void RunningEnclave::stop() {
  if (!thread_.joinable()) return;
  client_.reset();
  thread_.request_stop();
  thread_.join();
  enclave_.reset();
}

Json RunningEnclave::call_raw(const std::string& line) {
  const auto answer = run(io_, client_->call(line, kPatience));
  REQUIRE_MESSAGE(answer.has_value(), answer.error().message);
  return parse_json(*answer, {.max_bytes = net::LineClient::kMaxAnswer}).value();
}

Json RunningEnclave::call(Json request) {
  request["token"] = token_;
  return call_raw(request.dump());
}

std::string RunningEnclave::deploy(const std::string& app, std::vector<std::string> cmd, Json more) {
  more["method"] = "deploy";
  more["app_name"] = app;
  if (!cmd.empty()) more["cmd"] = std::move(cmd);
  const auto answer = call(std::move(more));
  REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
  CHECK(answer.at("status") == "deploying");
  return answer.at("id").get<std::string>();
}

std::vector<DeploymentInfo> RunningEnclave::list() {
  std::vector<DeploymentInfo> all;
  const auto answer = call({{"method", "list"}});
  for (const auto& item : answer.at("deployments")) all.push_back(deployment_info_from(item).value());
  return all;
}

DeploymentInfo RunningEnclave::info(const std::string& id) {
  for (auto& info : list())
    if (info.id == id) return info;
  FAIL("no deployment has id " << id);
  return {};
}

DeploymentInfo RunningEnclave::find(const std::string& app) {
  const auto all = list();
  for (auto it = all.rbegin(); it != all.rend(); ++it)
    if (it->app_name == app) return *it;
  FAIL("no deployment of app " << app);
  return {};
}

DeploymentInfo RunningEnclave::settled(const std::string& id) {
  CHECK(eventually([&] { return info(id).status != DeploymentStatus::deploying; }));
  return info(id);
}

DeploymentInfo RunningEnclave::finished(const std::string& id) {
  CHECK(eventually([&] { return !is_live(info(id).status); }));
  return info(id);
}

std::vector<std::string> RunningEnclave::logs(const std::string& id) {
  return call({{"method", "logs"}, {"id", id}, {"tail", 1000}}).at("lines").get<std::vector<std::string>>();
}

std::string RunningEnclave::line(const std::string& id, const std::string& start) {
  std::string found;
  CHECK(eventually([&] {
    for (const auto& text : logs(id))
      if (text.starts_with(start)) found = text;
    return !found.empty();
  }));
  return found;
}

std::string RunningEnclave::probe(std::vector<std::string> arguments, Json more) {
  arguments.insert(arguments.begin(), DD_PROBE);
  const auto id = deploy("probe", std::move(arguments), std::move(more));
  const auto end = finished(id);
  CHECK_MESSAGE(end.status == DeploymentStatus::exited, end.error_message);
  const auto lines = logs(id);
  REQUIRE(lines.size() == 1);
  return lines.front();
}

}  // namespace dd::test
