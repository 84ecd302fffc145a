// Ingress follows the workload: public while it runs and answers, gone when it is gone.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dd/workload.hpp"
#include "libdd/agent/context.hpp"
#include "libdd/agent/cp_calls.hpp"
#include "libdd/net/backoff.hpp"
#include "libdd/net/tcp_listeners.hpp"
#include "libdd/net/turns.hpp"
#include "libdd/tunnel/cloudflare.hpp"

namespace dd::agent {

class Exposer {
 public:
  /// `forgotten` is called when the control plane does not know this agent any more.
  Exposer(Context& context, CpCalls& calls, std::vector<Expose> fixed, std::function<void()> forgotten);

  /// How long a host name stays where a deployment of the same app has taken the place of the one that it was for, and is not ready yet.
  static constexpr std::chrono::seconds kSuccession{60};

  /// What a registration should publish: the fixed extras, everything that boot workloads expose, ready or not, and what is public already.
  net::Task<std::vector<Expose>> at_registration();
  /// The control plane has published exactly these.
  void registered(std::vector<Expose> extras, std::vector<std::string> hostnames);

  /// Compares what runs with what is public and tells the control plane the difference. What it did not take, or holds back in quarantine, it is
  /// told again after a pause that grows to a second, however often this is called: until then the outcome is the last one.
  net::Task<Result<void>> sync();
  /// Until stop(): sync() at each watch interval, and whenever what listens on the port of a public workload is not what it was a quarter of a second
  /// ago: it may be somebody else's then, and the workload is public no more.
  net::Task<void> run();
  void stop();

  [[nodiscard]] const std::vector<Expose>& published() const noexcept { return published_; }
  /// The control plane keeps what it is told, and publishes it when this agent has proved itself again.
  [[nodiscard]] bool quarantined() const noexcept { return quarantined_; }
  /// Public host name of a label, or "" while it is not public.
  [[nodiscard]] std::string hostname_of(const std::string& label) const;
  /// How one reaches what a workload exposes at a public host name.
  [[nodiscard]] std::string url_of(const Expose& expose, const std::string& hostname) const;
  /// Whether what leads to `expose` is public for that very deployment, and not still for the one before.
  [[nodiscard]] bool is_public(const Expose& expose, const std::string& deployment_id) const;
  [[nodiscard]] bool is_wholly_public(const DeploymentInfo& info) const;
  /// Of the tunnel's configuration by which what is public now is; none where it was not said.
  [[nodiscard]] tunnel::ConfigVersion config_version() const noexcept { return config_version_; }
  /// Not public before it is let go, whatever answers of it: what it is to take the place of serves until all of it is ready.
  void hold_back(std::string deployment_id) { held_back_.insert(std::move(deployment_id)); }
  void let_go(const std::string& deployment_id) { held_back_.erase(deployment_id); }
  /// Somebody has just looked where that deployment listens: for a second nobody needs to look again, which costs the runtime a walk through all processes.
  void saw(const DeploymentInfo& info);
  /// Puts in where it listens, when that was seen within the last second.
  [[nodiscard]] bool recall(DeploymentInfo& info) const;
  /// Of what a workload exposes, where it is public now.
  [[nodiscard]] std::vector<std::string> urls_of(const DeploymentInfo& info) const;

 private:
  /// What the control plane answered last, when that is to be asked again.
  struct Attempt {
    std::vector<Expose> extras;
    Result<void> outcome;
    std::chrono::steady_clock::time_point again;
  };

  /// Who an entry is public for.
  struct Holder {
    std::string app_name;
    std::string deployment_id;
    bool operator==(const Holder&) const = default;
  };
  struct Seen {
    std::vector<ListenAddress> listeners;
    std::chrono::steady_clock::time_point when;
  };
  struct Wanted {
    std::vector<Expose> extras;
    std::map<std::string, Holder> holders;  // by label; none of the fixed ones
  };

  /// What runs and, of those that wait to be public, where they listen; under suspicion, where all do.
  net::Task<Result<std::vector<DeploymentInfo>>> look();
  net::Task<Result<Wanted>> wanted();
  [[nodiscard]] std::vector<Expose> with_fixed(std::vector<Expose> of_workloads) const;
  struct Entry {
    Expose expose;
    Holder holder;
  };
  /// How that is public from now on, of a live deployment; nothing while it cannot be.
  net::Task<std::optional<Expose>> when_ready(DeploymentInfo info, Expose expose);
  /// What a live deployment leaves public for a while under a label that it is to have, and is not ready for.
  [[nodiscard]] std::optional<Entry> entry_before(const DeploymentInfo& info, const Expose& expose);
  [[nodiscard]] bool is_fresh(const std::string& deployment_id);
  /// It runs and is not public on all its ports yet.
  [[nodiscard]] bool is_awaited(const DeploymentInfo& info) const;
  /// Something listens where it is public, and is known not to be of these. False where nobody can tell.
  [[nodiscard]] bool met_by_another(const std::vector<DeploymentInfo>& own, const Expose& expose) const;
  void lose(const DeploymentInfo& info, const Expose& expose);
  /// Not long ago: it does not get its name back yet.
  [[nodiscard]] bool is_lost(const std::string& deployment_id) const;
  /// Suspects when the sockets on the ports of workloads are not those of the last time; whether there is a suspicion.
  bool suspects();
  /// Of what sync() asked for.
  Result<void> later(std::vector<Expose> extras, Result<void> outcome);
  /// That entry with the address that it is public with.
  [[nodiscard]] const Expose* find_published(const Expose& expose) const;

  Context& context_;
  CpCalls& calls_;
  std::vector<Expose> fixed_;
  std::function<void()> forgotten_;
  std::vector<Expose> published_;
  std::map<std::string, std::string> hostnames_;  // label → public host name
  std::map<std::string, Holder> holders_;  // label → who has it or, until registered(), is to have it
  std::map<std::string, Clock::TimePoint> first_seen_;  // of live deployments, by id
  std::set<std::string> held_back_;  // ids
  std::map<std::string, std::chrono::steady_clock::time_point> lost_;  // since when its port is another's, by id
  std::map<std::string, Seen> seen_;  // by id
  std::set<std::uint16_t> ports_;  // that what runs exposes
  std::vector<net::TcpListener> sockets_;  // on these, when they were looked at last
  std::vector<net::TcpListener> before_look_;  // the same before the runtime was asked
  std::uint64_t suspicion_ = 0;  // the latest
  std::uint64_t looked_into_ = 0;  // by the last look
  std::uint64_t settled_ = 0;  // by the last look whose result is public
  bool everybody_seen_ = false;  // by the last look
  bool by_uid_ = false;  // the last look under suspicion had to do without the runtime's word
  tunnel::ConfigVersion config_version_;
  bool quarantined_ = false;
  bool uncertain_ = false;  // whether what is public is really published_
  std::optional<Attempt> last_;
  net::Backoff pause_;
  net::Turns turns_;
  net::Event stop_;
  bool stopping_ = false;
};

}  // namespace dd::agent
