// Cloudflare as the control plane sees it, in memory: what exists, what is routed, and which call fails next.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libdd/tunnel/cloudflare.hpp"

namespace dd::cp {

class FakeTunnels final : public tunnel::TunnelProvider {
 public:
  std::set<std::string> names;                            // live tunnels
  std::set<std::string> unlisted;                         // of these, those that a list leaves out
  std::map<std::string, std::vector<IngressRule>> rules;  // by tunnel name
  std::map<std::string, std::vector<std::string>> dns;    // by tunnel name
  std::vector<std::string> calls;
  /// Calls that answer unavailable without doing anything.
  std::set<std::string> failing;
  std::map<std::string, std::int64_t> versions;  // of the rules, by name
  /// Awaited by put_ingress and put_dns before they do anything.
  std::function<net::Task<void>()> before_put;
  /// ensure() makes the tunnel, and its answer is lost.
  bool lose_answer = false;

  static std::string id_of(const std::string& name) { return "id of " + name; }

  net::Task<Result<tunnel::Tunnel>> ensure(std::string name) override {
    if (fails("ensure")) co_return down();
    names.insert(name);
    if (lose_answer) co_return down();
    co_return tunnel_called(name);
  }
  net::Task<Result<Secret>> run_token(std::string tunnel_id) override {
    if (fails("run_token")) co_return down();
    co_return Secret("token of " + name_of(tunnel_id));
  }
  net::Task<Result<tunnel::ConfigVersion>> put_ingress(std::string tunnel_id,
                                                       std::vector<IngressRule> wanted) override {
    if (fails("put_ingress")) co_return down();
    if (before_put) co_await before_put();
    rules[name_of(tunnel_id)] = std::move(wanted);
    co_return tunnel::ConfigVersion(++versions[name_of(tunnel_id)]);
  }
  net::Task<Result<std::vector<tunnel::DnsRecord>>> put_dns(std::string tunnel_id, std::string tunnel_name,
                                                            std::vector<std::string> hostnames) override {
    if (fails("put_dns") || name_of(tunnel_id) != tunnel_name) co_return down();
    if (before_put) co_await before_put();
    // A host name has one record.
    for (auto& [other, hosts] : dns)
      std::erase_if(hosts,
                    [&](const std::string& host) { return std::ranges::find(hostnames, host) != hostnames.end(); });
    std::vector<tunnel::DnsRecord> left;
    for (const auto& host : dns[tunnel_name]) left.push_back({"record", host, tunnel::target_of(tunnel_id), {}});
    dns[tunnel_name].insert(dns[tunnel_name].end(), hostnames.begin(), hostnames.end());
    co_return left;
  }
  net::Task<Result<void>> remove_dns(std::string tunnel_id, std::vector<tunnel::DnsRecord> records) override {
    if (fails("remove_dns")) co_return down();
    for (const auto& record : records) std::erase(dns[name_of(tunnel_id)], record.name);
    co_return Result<void>();
  }
  net::Task<Result<void>> remove(std::string tunnel_id, std::string name) override {
    if (fails("remove") || name_of(tunnel_id) != name) co_return down();
    names.erase(name);
    rules.erase(name);
    dns.erase(name);
    co_return Result<void>();
  }
  net::Task<Result<std::optional<tunnel::Tunnel>>> find(std::string name) override {
    if (fails("find")) co_return down();
    std::optional<tunnel::Tunnel> found;
    if (names.contains(name)) found = tunnel_called(name);
    co_return found;
  }
  net::Task<Result<bool>> is_gone(std::string tunnel_id) override {
    if (fails("is_gone")) co_return down();
    co_return !names.contains(name_of(tunnel_id));
  }
  net::Task<Result<std::optional<tunnel::DnsRecord>>> find_dns(std::string hostname) override {
    if (fails("find_dns")) co_return down();
    std::optional<tunnel::DnsRecord> found;
    for (const auto& [name, hosts] : dns)
      if (std::ranges::find(hosts, hostname) != hosts.end())
        found = tunnel::DnsRecord{"record", hostname, tunnel::target_of(id_of(name)), "dd env=test tunnel=" + name};
    co_return found;
  }
  net::Task<Result<std::vector<tunnel::Tunnel>>> list(std::string prefix) override {
    if (fails("list")) co_return down();
    std::vector<tunnel::Tunnel> found;
    for (const auto& name : names)
      if (name.starts_with(prefix) && !unlisted.contains(name)) found.push_back(tunnel_called(name));
    co_return found;
  }

  /// Host names that the tunnel routes, in order.
  [[nodiscard]] std::vector<std::string> routed(const std::string& name) const {
    std::vector<std::string> hosts;
    if (const auto found = rules.find(name); found != rules.end())
      for (const auto& rule : found->second) hosts.push_back(rule.hostname);
    return hosts;
  }

 private:
  static tl::unexpected<Error> down() { return fail(ErrorCode::unavailable, "cannot reach Cloudflare"); }
  static std::string name_of(const std::string& id) { return id.substr(id_of({}).size()); }
  static tunnel::Tunnel tunnel_called(const std::string& name) { return {id_of(name), name, "inactive", {}}; }
  bool fails(const std::string& call) {
    calls.push_back(call);
    return failing.contains(call);
  }
};

}  // namespace dd::cp
