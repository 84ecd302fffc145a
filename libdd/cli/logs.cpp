// ddctl logs APP.
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libdd/cli/log_cursor.hpp"
#include "libdd/cli/verbs.hpp"

namespace dd::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kLogPause = 500ms;
// An agent that restarts is back long before.
constexpr auto kLogPatience = 60s;
constexpr std::int64_t kPage = 1000;

struct LogsFlags {
  std::string app_name;
  std::string agent;
  std::int64_t lines = 100;
  bool follow = false;
  DeploymentChoice choice;
};

void show_news(const LogCursor::News& news, Format format) {
  if (news.redeployed) progress("deployed again");
  if (news.missed > 0) progress(std::to_string(news.missed) + " lines were gone before they could be read");
  auto number = news.first;
  for (const auto& line : news.lines) {
    if (format == Format::json)
      print_line(nlohmann::json{{"number", number++}, {"line", line}}.dump());
    else
      print_line(printable(line));
  }
}

bool passes(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::deadline_exceeded ||
         error.code == ErrorCode::upstream || error.code == ErrorCode::rate_limited;
}

int follow(const FleetClient& client, const std::string& agent, const LogsFlags& flags, Format format) {
  LogCursor cursor;
  auto asked = flags.lines;
  auto answer = client.logs(agent, flags.app_name, asked, flags.choice);
  if (!answer) return report(answer.error());
  auto heard = std::chrono::steady_clock::now();
  for (;; asked = kPage) {
    if (answer) {
      heard = std::chrono::steady_clock::now();
      const auto status = answer->status;
      const auto news = cursor.take(*std::move(answer), asked);
      show_news(news, format);
      if (news.over) {
        progress(flags.app_name + " is " + status);
        return 0;
      }
      if (!news.more) std::this_thread::sleep_for(kLogPause);
    } else {
      if (!passes(answer.error()) || std::chrono::steady_clock::now() - heard > kLogPatience)
        return report(answer.error());
      std::this_thread::sleep_for(kLogPause);
    }
    answer = client.logs_from(agent, flags.app_name, cursor.next(), kPage, flags.choice);
  }
}

int logs(const Invocation& invocation, const LogsFlags& flags) {
  const auto client = client_for(invocation);
  if (!client) return report(client.error());
  const auto agent = client->find_agent(flags.agent);
  if (!agent) return report(agent.error());
  if (flags.follow) return follow(*client, agent->hostname, flags, invocation.format());
  const auto answer = client->logs(agent->hostname, flags.app_name, flags.lines, flags.choice);
  if (!answer) return report(answer.error());
  if (invocation.format() == Format::json) {
    print_json({{"app_name", answer->app_name},
                {"id", answer->id},
                {"status", answer->status},
                {"first", answer->first},
                {"lines", answer->lines}});
    return 0;
  }
  for (const auto& line : answer->lines) print_line(printable(line));
  return 0;
}

}  // namespace

void add_logs(CLI::App& app, Invocation& invocation) {
  auto* verb = app.add_subcommand("logs",
                                  "Print the last lines of a workload: of the deployment that runs, or else of the "
                                  "newest.\nExample: ddctl logs hello\n"
                                  "Example: ddctl logs hello -f\nExample: ddctl logs hello -n 20 --agent "
                                  "vm-1\nExample: ddctl logs hello --previous");
  const auto flags = std::make_shared<LogsFlags>();
  verb->add_option("app", flags->app_name, "name of the workload")->required();
  verb->add_option("--agent", flags->agent, "VM name, agent id or hostname; not needed when there is one agent");
  verb->add_option("-n,--lines", flags->lines, "how many")->check(CLI::Range(1, 10'000));
  auto* follow =
      verb->add_flag("-f,--follow", flags->follow,
                     "go on with what it writes, through a redeploy, until it ends; with -o json one object a line");
  auto* previous =
      verb->add_flag("-p,--previous", flags->choice.previous,
                     "of the newest deployment that is over, as one that failed, beside the one that runs");
  verb->add_option("--id", flags->choice.id, "of this deployment; ddctl ps -o json lists the ids")->excludes(previous);
  previous->excludes(follow);
  verb->callback([&invocation, flags] { invocation.work = [&invocation, flags] { return logs(invocation, *flags); }; });
}

}  // namespace dd::cli
