#include "libdd/cp/take_over.hpp"

#include <doctest/doctest.h>

#include "libdd/cp/own_evidence.hpp"
#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "libdd/protocol/fleet.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;
using protocol::HolderClaims;
using protocol::HolderProof;

namespace {

const Digest256 kNonce = crypto::sha256(as_bytes(std::string("asked")));

/// What another control plane in a VM of its own would answer.
struct Successor {
  explicit Successor(Room& r) : room(r), vm(r, "cp-2") {
    claims.audience = kOrigin;
    claims.issued_at = room.clock.unix_seconds();
    claims.nonce = kNonce;
    claims.tunnel = "dd-test-cp-2";
    shows();
  }

  /// A token over its own keys, with `token_claims` replaced.
  void shows(const Json& token_claims = Json::object()) {
    protocol::HolderEvidence shown;
    shown.nonce = Bytes(32, std::byte{5});
    shown.log_head = vm.log.head();
    const AttestBinding binding{shown.nonce, vm.signing.public_key().spki(), vm.sealing.public_key().spki(),
                                shown.log_head};
    shown.ita_token = vm.token_for(bound_data(binding), token_claims);
    claims.token_sha256 = crypto::sha256(as_bytes(shown.ita_token));
    evidence = shown;
  }
  [[nodiscard]] HolderProof proof(std::string_view typ = crypto::kHolderTyp) const {
    HolderProof proof;
    proof.statement = crypto::sign_jws(vm.signing, typ, protocol::to_json_value(claims));
    proof.signing_key = vm.signing.public_key();
    proof.sealing_key = vm.sealing.public_key();
    proof.evidence = evidence;
    return proof;
  }
  Result<Holder> judged() { return room.run(check_holder(room.context, proof(), kNonce)); }

  Room& room;
  Vm vm;
  HolderClaims claims;
  std::optional<protocol::HolderEvidence> evidence;
};

/// Its own control plane is in a VM that quotes whatever it is asked for; the appraiser signs it.
class QuotingCapability final : public enclave_client::Capability {
 public:
  net::Task<Result<enclave_client::VmKeys>> keys() override { return local_->keys(); }
  net::Task<Result<std::string>> sign(std::string typ, Json claims) override {
    return local_->sign(std::move(typ), std::move(claims));
  }
  net::Task<Result<Bytes>> open(std::string info, std::string aad, Bytes sealed) override {
    return local_->open(std::move(info), std::move(aad), std::move(sealed));
  }
  net::Task<Result<std::int64_t>> seq(std::int64_t count) override { return local_->seq(count); }
  net::Task<Result<void>> power_off() override { return local_->power_off(); }
  net::Task<Result<protocol::LogPage>> log(std::int64_t from) override {
    protocol::LogPage page{from, 1, Digest384{}, {R"({"index":0,"type":"boot"})"}};
    co_return page;
  }
  net::Task<Result<enclave_client::BoundQuote>> quote(std::string tag, std::vector<Digest256> fields) override {
    ++quotes;
    const auto all = co_await local_->keys();
    Bytes bound;
    const auto add = [&bound](const Digest256& field) { bound.insert(bound.end(), field.begin(), field.end()); };
    add(crypto::sha256(as_bytes(tag)));
    for (const auto& field : fields) add(field);
    add(crypto::sha256(all->signing.spki()));
    add(crypto::sha256(all->sealing.spki()));
    add(crypto::sha256(Digest384{}));
    co_return enclave_client::BoundQuote{Bytes(8, std::byte{1}), std::move(bound), 1, Digest384{}};
  }

  int quotes = 0;

 private:
  std::unique_ptr<enclave_client::Capability> local_ = enclave_client::make_local_capability();
};

}  // namespace

TEST_CASE("a control plane that proves itself is believed") {
  Room room;
  Successor successor(room);
  const auto holder = successor.judged().value();
  CHECK(holder.attested);
  CHECK(holder.tunnel == "dd-test-cp-2");
  CHECK(holder.kid == successor.vm.signing.public_key().kid());
  successor.evidence.reset();
  CHECK_FALSE(successor.judged().value().attested);
}

TEST_CASE("whoever only says to hold the host name is not believed") {
  const struct {
    const char* name;
    std::function<void(Successor&)> bend;
    ErrorCode code;
  } rows[] = {
      {"for another control plane", [](auto& s) { s.claims.audience = "https://other.example"; },
       ErrorCode::unauthenticated},
      {"for another nonce", [](auto& s) { s.claims.nonce = Digest256{}; }, ErrorCode::unauthenticated},
      {"in the future", [](auto& s) { s.claims.issued_at += 61; }, ErrorCode::unauthenticated},
      {"with another token than signed", [](auto& s) { s.claims.token_sha256 = Digest256{}; },
       ErrorCode::unauthenticated},
      {"a token over other keys", [](auto& s) { s.evidence->nonce = Bytes(32, std::byte{6}); },
       ErrorCode::permission_denied},
      {"a token over another log", [](auto& s) { s.evidence->log_head = Digest384{}; }, ErrorCode::permission_denied},
      {"an expired token", [](auto& s) { s.shows({{"exp", ita::kNow - 120}, {"iat", ita::kNow - 300}}); },
       ErrorCode::unauthenticated},
      {"a revoked TCB", [](auto& s) { s.shows({{"attester_tcb_status", "Revoked"}}); }, ErrorCode::unauthenticated},
      {"a TCB that the policy refuses", [](auto& s) { s.shows({{"attester_tcb_status", "OutOfDate"}}); },
       ErrorCode::permission_denied},
      {"a debug TD", [](auto& s) { s.shows({{"tdx_is_debuggable", true}}); }, ErrorCode::unauthenticated},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Room room;
    Successor successor(room);
    row.bend(successor);
    const auto judged = successor.judged();
    REQUIRE_FALSE(judged.has_value());
    CAPTURE(judged.error().message);
    CHECK(judged.error().code == row.code);
  }
}

TEST_CASE("a proof signed as something else, or by another key than it shows, is none") {
  Room room;
  Successor successor(room);
  CHECK_FALSE(room.run(check_holder(room.context, successor.proof(crypto::kPollTyp), kNonce)).has_value());
  auto stolen = successor.proof();
  stolen.signing_key = room.context.cp_key;
  CHECK_FALSE(room.run(check_holder(room.context, stolen, kNonce)).has_value());
}

namespace {

ControlPlaneOptions take_over_in_a_vm() {
  ControlPlaneOptions options;
  options.capability_fd = 3;
  options.ita_api_key = Secret("key");
  return options;
}

struct Proving : Room {
  explicit Proving(ControlPlaneOptions base = take_over_in_a_vm()) : Room(std::move(base)) {
    own.add_routes(router);
    own.set_tunnel("dd-test-cp-1");
    agents["api.trustauthority.intel.com"] = [this](const HttpRequest& request) {
      if (authority_is_down) return test::http_answer(401, "{}");
      const auto bound = from_base64(parse_json(request.body).value().at("runtime_data").get<std::string>()).value();
      auto payload = ita::v1_payload();
      payload["iat"] = payload["nbf"] = clock.unix_seconds();
      payload["exp"] = clock.unix_seconds() + 300;
      payload["tdx_report_data"] = to_hex(report_data_of(bound));
      return test::http_answer(200, to_text(Json{{"token", ita::signed_token(ita::kGoodHeader, payload.dump())}}));
    };
  }
  Answer prove() { return ask("GET", "/cp/proof?nonce=" + to_base64url(kNonce)); }
  Result<Holder> judged(const Answer& answer) {
    return run(check_holder(in_vm, protocol::holder_proof_from(body_of(answer)).value(), kNonce));
  }

  bool authority_is_down = false;
  QuotingCapability quoting;
  Context in_vm = context_with(quoting);
  OwnEvidence own{in_vm, transport};
};

}  // namespace

TEST_CASE("a control plane in a VM proves itself with a token over its own key, made before it was asked") {
  Proving f;
  CHECK(f.judged(f.prove()).value().attested == false);
  REQUIRE(f.run(f.own.refresh()).has_value());
  const auto holder = f.judged(f.prove()).value();
  CHECK(holder.attested);
  CHECK(holder.tunnel == "dd-test-cp-1");
  CHECK(holder.kid == f.in_vm.cp_key.kid());
  for (int i = 0; i < 3; ++i) (void)f.prove();
  CHECK(f.quoting.quotes == 1);  // whoever asks does not make it quote
}

TEST_CASE("a token that nobody would accept is not shown") {
  Proving f;
  f.authority_is_down = true;
  CHECK(f.run(f.own.refresh()).error().code == ErrorCode::unauthenticated);
  f.authority_is_down = false;
  f.issuer.published.clear();
  CHECK_FALSE(f.run(f.own.refresh()).has_value());
  CHECK_FALSE(f.own.shown().has_value());
}

TEST_CASE("a proof is asked for with 32 bytes") {
  Proving f;
  for (const std::string& query : {std::string(), "?nonce=" + to_base64url(Bytes(31)),
                                   "?nonce=" + to_base64url(Bytes(33)), "?nonce=" + to_base64url(kNonce) + "="}) {
    CAPTURE(query);
    const auto answer = f.ask("GET", "/cp/proof" + query);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().path == "nonce");
  }
}

TEST_CASE("evidence over a caller's nonce is the owner's to ask for") {
  Proving f;
  const auto query = "/cp/attest?nonce=" + to_base64url(kNonce);
  CHECK(f.ask("GET", query).error().code == ErrorCode::unauthenticated);
  CHECK(f.ask("GET", query, test::bearer(kStrangerPat)).error().code == ErrorCode::permission_denied);
  CHECK(f.ask("GET", "/cp/ita").error().code == ErrorCode::unauthenticated);
  CHECK(f.quoting.quotes == 0);

  const auto evidence = protocol::evidence_from(body_of(f.as_owner("GET", query))).value();
  CHECK(evidence.nonce == Bytes(kNonce.begin(), kNonce.end()));
  CHECK_FALSE(evidence.ita_token.empty());
  CHECK(f.as_owner("GET", "/cp/attest?report_data=00").error().path == "report_data");
  const auto ita = body_of(f.as_owner("GET", "/cp/ita"));
  CHECK(ita.at("claims").at("tcb_status") == "UpToDate");
}

TEST_CASE("a control plane outside a VM says that it has no evidence") {
  Proving f{ControlPlaneOptions()};
  CHECK_FALSE(f.own.can_attest());
  CHECK(f.as_owner("GET", "/cp/ita").error().code == ErrorCode::unsupported);
  CHECK_FALSE(f.judged(f.prove()).value().attested);
}

namespace {

struct Tunnelled : Room {
  /// A connector that is not there: nothing but the tunnel counts here.
  Tunnelled() { options.connector = {"/nowhere/connector"}; }
  std::unique_ptr<SelfTunnel> open(const std::string& kid) {
    options.state_dir = dir.path();
    auto tunnel = std::make_unique<SelfTunnel>(io.get_executor(), transport, options, store, tunnels);
    must(tunnel->open(fleet_key, kid, system_random(), {{"app.dd.example", "http://localhost:1"}}));
    return tunnel;
  }
  void end(SelfTunnel& tunnel) { run(tunnel.stop(std::chrono::milliseconds(0))); }
  TempDir dir;
};

}  // namespace

TEST_CASE(
    "an own tunnel that was deleted is made anew, also when that fails half-way, and takes no host name from others") {
  Tunnelled f;
  f.options.tunnel_check_after = std::chrono::milliseconds(2);
  const auto tunnel = f.open("key 1");
  f.must(tunnel->publish());
  const auto name = tunnel->name();
  net::spawn(f.io.get_executor(), tunnel->keep(), "own tunnel");
  const auto until = [&f](const auto& condition) {
    f.io.restart();
    while (!condition()) f.io.run_one();
  };
  const auto asked = [&f](const std::string& call) { return std::ranges::count(f.tunnels.calls, call); };
  until([&] { return asked("is_gone") >= 2; });
  CHECK(asked("ensure") == 1);  // it is there

  for (const std::string step : {"ensure", "put_ingress", "run_token", "find_dns", "put_dns"}) {
    CAPTURE(step);
    f.tunnels.failing = {step};
    f.tunnels.calls.clear();
    f.tunnels.names.erase(name);
    until([&] { return asked(step) >= 2; });
    f.tunnels.failing.clear();
    f.tunnels.calls.clear();
    until([&] { return asked("is_gone") >= 1; });  // it is content again
    CHECK(f.tunnels.names.contains(name));
    CHECK(f.tunnels.dns.at(name) == std::vector<std::string>{"app.dd.example"});
  }

  f.tunnels.dns["dd-test-cp-another"] = std::move(f.tunnels.dns[name]);
  f.tunnels.calls.clear();
  f.tunnels.names.erase(name);
  until([&] { return asked("find_dns") >= 2; });
  CHECK(asked("put_dns") == 0);
  f.end(*tunnel);
}

TEST_CASE("a control plane that comes back keeps its tunnel, one with another key makes its own") {
  Tunnelled f;
  const auto first = f.open("key 1");
  f.must(first->publish());
  f.end(*first);
  const auto again = f.open("key 1");
  CHECK(again->name() == first->name());
  CHECK(again->has(f.run(f.tunnels.find_dns("app.dd.example")).value().value()));
  f.end(*again);

  const auto other = f.open("key 2");
  CHECK(other->name() != first->name());
  CHECK_FALSE(other->has(f.run(f.tunnels.find_dns("app.dd.example")).value().value()));
  f.must(other->publish());
  SUBCASE("the former one is removed when it is dead") {
    f.must(other->settle_former(false));
    CHECK(f.tunnels.names == std::set<std::string>{other->name()});
  }
  SUBCASE("and left to itself when it lives") {
    f.must(other->settle_former(true));
    CHECK(f.tunnels.names.contains(first->name()));
    f.must(other->settle_former(false));  // forgotten for good
    CHECK(f.tunnels.names.contains(first->name()));
  }
  f.end(*other);
}

TEST_CASE("a control plane that gave way leaves nothing") {
  Tunnelled f;
  const auto tunnel = f.open("key 1");
  f.must(tunnel->publish());
  f.end(*tunnel);
  f.must(tunnel->remove());
  CHECK(f.tunnels.names.empty());
  const auto next = f.open("key 1");
  CHECK(next->name() != tunnel->name());
  f.end(*next);
}

namespace {

struct Watching : Tunnelled {
  std::unique_ptr<SelfTunnel> tunnel = open("key 1");
  OwnEvidence own{context, transport};
  int left = 0;
  TakeOver take_over{context, own, *tunnel, tunnels, [this] { ++left; }};
  Successor successor{*this};

  Watching() = default;
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;
  ~Watching() { end(*tunnel); }
  /// The host name's record leads to the tunnel, and whoever has it answers there.
  void leads_to(const std::string& name) {
    tunnels.names.insert(name);
    REQUIRE(run(tunnels.put_dns(FakeTunnels::id_of(name), name, {"app.dd.example"})).has_value());
  }
  void answers() {
    agents["app.dd.example"] = [this](const HttpRequest& request) {
      const auto at = request.url.find("nonce=");
      successor.claims.nonce = to_array<32>(from_base64url(request.url.substr(at + 6)).value(), "nonce").value();
      return test::http_answer(200, to_text(protocol::to_json_value(successor.proof())));
    };
  }
};

}  // namespace

TEST_CASE("a control plane leaves when another one that proves itself has its host name, and only then") {
  Watching f;
  f.must(f.take_over.take());
  f.must(f.take_over.look());
  CHECK(f.left == 0);

  f.leads_to("dd-test-cp-2");
  CHECK_FALSE(f.run(f.take_over.look()).has_value());  // nobody answers there
  f.answers();
  f.successor.claims.tunnel = "dd-test-cp-3";
  CHECK(f.run(f.take_over.look()).error().code == ErrorCode::conflict);
  f.successor.claims.tunnel = "dd-test-cp-2";
  f.successor.claims.audience = "https://other.example";
  CHECK(f.run(f.take_over.look()).error().code == ErrorCode::unauthenticated);
  CHECK(f.left == 0);
  f.successor.claims.audience = kOrigin;
  CHECK_FALSE(f.run(f.tunnel->was_replaced("key 1")).value());
  f.must(f.take_over.look());
  CHECK(f.left == 1);
  CHECK(f.run(f.tunnel->was_replaced("key 1")).value());
  CHECK_FALSE(f.run(f.tunnel->was_replaced("key 2")).value());
}

TEST_CASE("a control plane that cannot keep that it was replaced does not leave") {
  Watching f;
  f.must(f.take_over.take());
  f.leads_to("dd-test-cp-2");
  f.answers();
  f.registry->read_only = Error{ErrorCode::unavailable, "cannot write: the disk is full", {}, {}};
  CHECK_FALSE(f.run(f.take_over.look()).has_value());
  CHECK(f.left == 0);
  f.registry->read_only.reset();
  f.must(f.take_over.look());
  CHECK(f.left == 1);
}

TEST_CASE("a control plane that crashed on its way out leaves nothing either") {
  Tunnelled f;
  const auto crashed = f.open("key 1");
  f.must(crashed->publish());
  f.end(*crashed);
  SelfTunnel again(f.io.get_executor(), f.transport, f.options, f.store, f.tunnels);
  f.must(again.remove());
  CHECK(f.tunnels.names.empty());
  f.must(again.remove());
}

TEST_CASE("a record that somebody deleted is made again") {
  Watching f;
  f.must(f.take_over.take());
  f.tunnels.dns.clear();
  f.must(f.take_over.look());
  CHECK(f.tunnels.dns.at(f.tunnel->name()) == std::vector<std::string>{"app.dd.example"});
}

TEST_CASE("nothing is taken over before the connector is ready") {
  Watching f;
  f.leads_to("dd-test-cp-2");
  f.answers();
  f.take_over.set_patience(std::chrono::milliseconds(1));
  CHECK(f.run(f.take_over.take()).error().code == ErrorCode::unavailable);
  CHECK(f.run(f.tunnels.find_dns("app.dd.example")).value().value().comment.ends_with("dd-test-cp-2"));
}
