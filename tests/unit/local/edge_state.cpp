#include "libdd/local/edge_state.hpp"

#include <doctest/doctest.h>

#include "libdd/local/connector_options.hpp"

using namespace dd;
using namespace dd::local;

namespace {

struct Edge {
  EdgeState state{"account", {"zone", "other-zone"}};
  EdgeTunnel& tunnel = state.add_tunnel("dd-test-agent-1");

  EdgeRecord& point(const std::string& host, const std::string& content, const std::string& type = "CNAME") {
    EdgeRecord record;
    record.type = type;
    record.name = host;
    record.content = content;
    return state.add_record(std::move(record));
  }
  EdgeRoute::Kind kind(std::string_view host) { return state.route(host).kind; }
};

}  // namespace

TEST_CASE("a host goes to the tunnel that its record names") {
  Edge f;
  f.point("Web.dd.example", f.tunnel.id + ".cfargotunnel.com");
  CHECK(f.state.route("web.DD.example").tunnel_id == f.tunnel.id);
  CHECK(f.kind("web.dd.example") == EdgeRoute::Kind::tunnel);
  f.state.delete_tunnel(f.tunnel);
  CHECK(f.kind("web.dd.example") == EdgeRoute::Kind::tunnel_gone);
}

TEST_CASE("a host without a record of ours goes nowhere") {
  Edge f;
  f.point("a.dd.example", "192.0.2.1", "A");
  f.point("b.dd.example", "elsewhere.example.com");
  f.point("c.dd.example", f.tunnel.id + ".cfargotunnel.com.evil.example");
  f.point("d.dd.example", "00000000-0000-4000-8000-000000000000.cfargotunnel.com");
  for (const std::string host : {"a.dd.example", "b.dd.example", "c.dd.example", "nobody.dd.example", ""}) {
    CAPTURE(host);
    CHECK(f.kind(host) == EdgeRoute::Kind::no_record);
  }
  CHECK(f.kind("d.dd.example") == EdgeRoute::Kind::tunnel_gone);
}

TEST_CASE("a record that was deleted routes nothing") {
  Edge f;
  const auto id = f.point("web.dd.example", f.tunnel.id + ".cfargotunnel.com").id;
  f.state.delete_record(id);
  f.state.delete_record(id);
  CHECK(f.kind("web.dd.example") == EdgeRoute::Kind::no_record);
  CHECK(f.state.records().empty());
}

TEST_CASE("a tunnel's name is free again when the tunnel is gone, its id is not") {
  Edge f;
  CHECK(f.state.find_live_name("dd-test-agent-1") == &f.tunnel);
  f.state.delete_tunnel(f.tunnel);
  CHECK(f.state.find_live_name("dd-test-agent-1") == nullptr);
  CHECK(f.state.find_tunnel(f.tunnel.id) == &f.tunnel);
  CHECK(f.state.add_tunnel("dd-test-agent-1").id != f.tunnel.id);
}

TEST_CASE("a connector serves the tunnel whose secret it has, while that lives") {
  Edge f;
  f.state.set_reverse_endpoint("127.0.0.1:9000");
  const auto& other = f.state.add_tunnel("dd-test-agent-2");
  const auto token = parse_run_token(f.state.run_token(f.tunnel)).value();
  CHECK(token.port == 9000);
  CHECK(f.state.may_connect(token.account, token.tunnel, token.secret));
  CHECK_FALSE(f.state.may_connect("another", token.tunnel, token.secret));
  CHECK_FALSE(f.state.may_connect(token.account, other.id, token.secret));
  CHECK_FALSE(f.state.may_connect(token.account, "nothing", token.secret));
  CHECK_FALSE(f.state.may_connect(token.account, token.tunnel, ""));
  f.state.delete_tunnel(f.tunnel);
  CHECK_FALSE(f.state.may_connect(token.account, token.tunnel, token.secret));
}
