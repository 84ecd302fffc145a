// dd-cp dies by SIGKILL at any step of a registration, and comes back without an orphaned tunnel or half an agent.
// --rand-seed=N tries other moments.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include <fmt/format.h>

#include "tests/integration/trust/gate.hpp"
#include "tests/integration/trust/test_agent.hpp"

using namespace dd;
using namespace dd::trust;

namespace {

using std::chrono::microseconds;

constexpr int kKills = 50;
constexpr int kMeasured = 3;
constexpr std::size_t kEvents =
    11;  // it is sent; creation, ingress, records listed, record made, run token: arrival and effect of each
constexpr std::chrono::seconds kPatience{30};

/// A dd-cp that reaches the edge's API through a gate, and a tunnel of somebody else's with a name like ours.
struct Rig {
  std::unique_ptr<Gate> gate;
  TrustFleet fleet{{{"DD_SCRAPE_INTERVAL", "100ms"}}, 300, [this](const std::string& api_url) {
                     gate = std::make_unique<Gate>(api_url);
                     return gate->url();
                   }};
  std::string foreign = "dd-local-agent-5f0c1f6e-8a4b-4c1d-9e2f-000000000000";

  Rig() {
    const auto made = fleet.edge("POST", std::string("/client/v4/accounts/") + cli::kUpAccount + "/cfd_tunnel",
                                 {{"name", foreign}, {"config_src", "cloudflare"}});
    const auto target = made.at("result").at("id").get<std::string>() + ".cfargotunnel.com";
    const Json record = {
        {"type", "CNAME"}, {"name", foreign + ".dd.localhost"}, {"content", target}, {"proxied", true}, {"ttl", 1}};
    REQUIRE(
        fleet.edge("POST", std::string("/client/v4/zones/") + cli::kUpZone + "/dns_records", record).at("success") ==
        true);
  }
};

/// What is wrong between the control plane's agents and the edge; empty: nothing.
std::string flaw(const Rig& rig) {
  std::map<std::string, Json> tunnels;
  std::map<std::string, std::string> targets;  // host name → tunnel id
  const auto state = rig.fleet.edge_state();
  for (const auto& tunnel : state.at("tunnels"))
    if (tunnel.at("deleted_at").is_null()) tunnels[tunnel.at("name").get<std::string>()] = tunnel;
  for (const auto& record : state.at("records")) {
    const auto target = record.at("content").get<std::string>();
    targets[record.at("name").get<std::string>()] = target.substr(0, target.find('.'));
    if (std::ranges::none_of(tunnels, [&](const auto& entry) {
          return target.starts_with(entry.second.at("id").template get<std::string>());
        }))
      return fmt::format("record {} points to no tunnel", record.at("name").get<std::string>());
  }
  if (tunnels.erase(rig.foreign) != 1 || !targets.contains(rig.foreign + ".dd.localhost"))
    return "the foreign tunnel is gone";
  for (const auto& row : rig.fleet.agents()) {
    if (row.at("status") == "dropped") continue;
    const auto id = row.at("agent_id").get<std::string>();
    const auto found = tunnels.find(id);
    if (found == tunnels.end()) return "agent without a tunnel: " + id;
    const auto& ingress = found->second.at("ingress");
    if (std::ranges::none_of(ingress,
                             [&](const Json& rule) { return rule.value("hostname", "") == row.at("hostname"); }))
      return "agent without ingress: " + id;
    if (targets[row.at("hostname").get<std::string>()] != found->second.at("id"))
      return "agent without a DNS record: " + id;
    tunnels.erase(found);
  }
  return tunnels.empty() ? "" : "tunnel without an agent: " + tunnels.begin()->first;
}

void wait_until_whole(const Rig& rig) {
  std::string last;
  wait_until("agents and edge agree", [&] { return (last = flaw(rig)).empty(); }, [&last] { return last; });
}

/// Sends a registration; false when the control plane died before it answered.
bool is_answered(const TestAgent& agent, const Json& claims, const std::string& ticket) {
  try {
    const auto answer = agent.submit(claims, ticket);
    CHECK(answer.status == 200);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::string when_killed(std::future<std::string>& killed) {
  if (killed.wait_for(kPatience) != std::future_status::ready)
    throw std::runtime_error("the moment to kill dd-cp never came");
  return killed.get();
}

/// The agent tries again, as its keeper does; then it is let go.
void comes_back(Rig& rig, TestAgent& agent) {
  agent.join();
  agent.serve();
  rig.fleet.wait_for(agent.agent_id(), "healthy");
  CHECK(flaw(rig) == "");
  CHECK(rig.fleet.as_owner("POST", "/api/agents/" + agent.agent_id() + "/revoke").status == 200);
}

/// How long each event of a registration waits for the next one at least, at a control plane that was started just now.
std::array<microseconds, kEvents> step_lengths(Rig& rig) {
  std::array<microseconds, kEvents> lengths{};
  lengths.fill(microseconds::max());
  for (int i = 0; i < kMeasured; ++i) {
    rig.fleet.kill_control_plane();
    rig.fleet.start_control_plane();
    TestAgent agent(rig.fleet, {.vm_name = "measured-" + std::to_string(i)});
    const auto claims = agent.prepare();
    const auto ticket = rig.fleet.ticket();
    rig.gate->begin();
    REQUIRE(is_answered(agent, claims, ticket));
    const auto end = std::chrono::steady_clock::now();
    const auto events = rig.gate->events();
    REQUIRE(events.size() == kEvents);
    for (std::size_t step = 0; step < kEvents; ++step) {
      const auto next = step + 1 < kEvents ? events[step + 1].when : end;
      lengths[step] = std::min(lengths[step], std::chrono::duration_cast<microseconds>(next - events[step].when));
    }
    comes_back(rig, agent);
  }
  return lengths;
}

struct Tally {
  int answered = 0;
  int recorded = 0;  // not answered, and the agent is there after the restart
  int half_made = 0;  // a tunnel at the edge, no agent
  int nothing = 0;
  std::map<std::string, int> last_events;
};

void kill_once(Rig& rig, const std::string& vm_name, KillPoint point, Tally& tally) {
  TestAgent agent(rig.fleet, {.vm_name = vm_name});
  const auto claims = agent.prepare();
  const auto ticket = rig.fleet.ticket();
  auto killed = rig.gate->begin(point, [&rig] { rig.fleet.kill_control_plane(); });
  const bool answered = is_answered(agent, claims, ticket);
  ++tally.last_events[when_killed(killed)];
  const bool tunnel = rig.fleet.tunnels().size() > 1;

  rig.fleet.start_control_plane();
  wait_until_whole(rig);
  const auto rows = rig.fleet.agents();
  const bool recorded = std::ranges::any_of(rows, [&](const Json& row) { return row.at("vm_name") == vm_name; });
  // The agent believes what it was answered.
  CHECK((recorded || !answered));
  ++(answered ? tally.answered : recorded ? tally.recorded : tunnel ? tally.half_made : tally.nothing);
  comes_back(rig, agent);
}

}  // namespace

TEST_CASE("a control plane killed at random moments of register leaves no orphaned tunnel and no half agent") {
  Rig rig;
  const auto lengths = step_lengths(rig);
  const auto seed = doctest::getContextOptions()->rand_seed;
  std::mt19937 random(seed);
  Tally tally;
  for (int i = 0; i < kKills; ++i) {
    // Steps in turn, moments within them at random: a slow step must not draw all kills.
    const auto step = static_cast<std::size_t>(i) % kEvents;
    std::uniform_int_distribution<std::int64_t> moment(0, lengths[step].count());
    const KillPoint point{step, microseconds(moment(random))};
    CAPTURE(seed);
    CAPTURE(step);
    CAPTURE(point.after.count());
    kill_once(rig, "killed-" + std::to_string(i), point, tally);
  }
  fmt::print(
      "seed {}: {} kills; {} had answered, {} were recorded and not answered, {} had a tunnel and no entry, {} had "
      "made nothing\n",
      seed, kKills, tally.answered, tally.recorded, tally.half_made, tally.nothing);
  for (const auto& [event, times] : tally.last_events) fmt::print("  {:3} after: {}\n", times, event);
  CHECK(tally.half_made >= kKills / 5);
  CHECK(tally.nothing > 0);
  CHECK(tally.last_events.size() >= kEvents - 3);
  CHECK(rig.fleet.tunnels() == std::set<std::string>{rig.foreign});
}

TEST_CASE(
    "a tunnel that Cloudflare makes after the control plane that asked for it was killed and came back is removed") {
  Rig rig;
  TestAgent agent(rig.fleet, {.vm_name = "late"});
  const auto claims = agent.prepare();
  const auto ticket = rig.fleet.ticket();
  auto killed = rig.gate->begin_and_hold([&rig] { rig.fleet.kill_control_plane(); });
  CHECK_FALSE(is_answered(agent, claims, ticket));
  when_killed(killed);

  const auto looked = rig.gate->listings();
  rig.fleet.start_control_plane();
  wait_until("the new control plane looks for half-made tunnels", [&] { return rig.gate->listings() > looked; });
  rig.gate->release();
  wait_until("the tunnel is made after all", [&] { return rig.gate->events().size() == 3; });
  wait_until_whole(rig);
  comes_back(rig, agent);
}
