// What is asked before a registration's body is read, and that the body is the one that was announced.
#include "libdd/cp/register_gate.hpp"

#include <future>

#include <doctest/doctest.h>

#include <boost/asio/post.hpp>

#include "tests/support/check_error.hpp"
#include "tests/unit/cp/vm.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

namespace {

/// Whoever was let in is told that it is not the body that was announced; who was not, never gets that far.
constexpr const char* kUnread = "no body that anybody would parse";

struct Announcing {
  explicit Announcing(Room& f, Vm& v) : room(f), vm(v) {
    head =
        announcing({kOrigin, f.clock.unix_seconds(), v.vm_name, f.nonces.for_register(), v.signing.public_key(), {}, 0},
                   "another body");
  }
  Answer submit(const std::string& credential = kOwnerPat) const {
    return room.ask("POST", "/register", register_headers(vm.signing, head, credential), kUnread);
  }
  [[nodiscard]] std::size_t nonces_spent() const { return room.registry->tables["spent_nonces"].size(); }

  Room& room;
  Vm& vm;
  protocol::RegisterHead head;
};

/// Registered with another body, head or both than the one that goes with the other.
Answer sent_with(Room& f, Vm& vm, const protocol::RegisterClaims& claims, const protocol::RegisterHead& head) {
  auto call = vm.registration(claims);
  call.headers = register_headers(vm.signing, announcing(head, call.body), kOwnerPat);
  return ask(f.io, f.router, std::move(call));
}

Answer register_one(Vm& vm, Room& f) { return vm.submit(vm.claims_for(f.nonces.for_register())); }

}  // namespace

TEST_CASE("a registration's body is not read before its head held") {
  Room f;
  Vm vm(f), other(f, "vm-2");
  Announcing sender(f, vm);
  const auto refused = [&](ErrorCode code, std::string_view reason, const std::string& credential = kOwnerPat) {
    check_error(sender.submit(credential), code, reason);
  };
  SUBCASE("none") {
    check_error(f.ask("POST", "/register", bearer(kOwnerPat), kUnread), ErrorCode::malformed, {},
                "DD-Register is missing");
  }
  SUBCASE("no credential") {
    auto headers = register_headers(vm.signing, sender.head, kOwnerPat);
    headers.remove("Authorization");
    check_error(f.ask("POST", "/register", headers, kUnread), ErrorCode::unauthenticated);
  }
  SUBCASE("a statement of another kind") {
    auto headers = bearer(kOwnerPat);
    headers.set(protocol::kRegisterHeader,
                crypto::sign_jws(vm.signing, crypto::kCallTyp, protocol::to_json_value(sender.head)));
    check_error(f.ask("POST", "/register", headers, kUnread), ErrorCode::unauthenticated, "signature_invalid");
  }
  SUBCASE("a nonce that nobody made") {
    sender.head.nonce = Digest256{};
    refused(ErrorCode::unauthenticated, "nonce_invalid");
  }
  SUBCASE("for another control plane") {
    sender.head.audience = "https://evil.example";
    refused(ErrorCode::unauthenticated, "signature_invalid");
  }
  SUBCASE("signed by another key") {
    sender.head.signing_key = other.signing.public_key();
    refused(ErrorCode::unauthenticated, "signature_invalid");
  }
  SUBCASE("a revoked key") {
    f.must(f.store.deny(vm.signing.public_key().kid(), "lost"));
    refused(ErrorCode::permission_denied, "revoked");
  }
  SUBCASE("a stranger's token") { refused(ErrorCode::unauthenticated, "join_credential_invalid", kStrangerPat); }
  SUBCASE("another length than the head's") {
    auto headers = register_headers(vm.signing, sender.head, kOwnerPat);
    headers.set("Content-Length", "4000000");
    check_error(f.ask("POST", "/register", headers, kUnread), ErrorCode::malformed, {}, "4000000 bytes");
  }
  CHECK(sender.nonces_spent() == 0);  // a stranger leaves nothing on our disk
}

TEST_CASE("a nonce is spent once its head held, whatever follows") {
  Room f;
  Vm vm(f);
  const Announcing sender(f, vm);
  check_error(sender.submit(), ErrorCode::unauthenticated, "signature_invalid", "the body is not the one");
  CHECK(sender.nonces_spent() == 1);
  check_error(sender.submit(), ErrorCode::unauthenticated, "nonce_spent");
}

TEST_CASE("a nonce that was used is not good again for who waits for GitHub past its time") {
  Room f;
  Vm vm(f), other(f, "vm-2");
  const auto nonce = f.nonces.for_register();
  REQUIRE(vm.submit(vm.claims_for(nonce)).has_value());
  f.clock.advance(std::chrono::seconds(119));
  f.transport->hold();
  f.github.user("ghp_also_owner", f.options.owner.login, static_cast<int>(f.options.owner.id));
  const auto late = start(f.io, answer_of(f.router, other.registration(other.claims_for(nonce), "ghp_also_owner")));
  test::settle(f.io);
  REQUIRE_FALSE(late->result.has_value());
  f.clock.advance(std::chrono::seconds(15));
  f.transport->release();
  f.must(f.store.purge_spent());
  check_error(finish(f.io, late), ErrorCode::unauthenticated, "nonce_spent");
}

TEST_CASE("a registration is the one that its head announced") {
  Room f;
  Vm vm(f), other(f, "vm-2");
  const auto claims = vm.claims_for(f.nonces.for_register());
  auto head = head_for(claims, "");
  const auto refused = [&] {
    check_error(sent_with(f, vm, claims, head), ErrorCode::unauthenticated, "signature_invalid",
                "nonce, key or VM name are not those");
  };
  SUBCASE("its nonce") {
    head.nonce = f.nonces.for_register();
    refused();
  }
  SUBCASE("its name") {
    head.vm_name = "vm-2";
    refused();
  }
  SUBCASE("its key") {
    head.signing_key = vm.signing.public_key();
    auto theirs = claims;
    theirs.signing_key = other.signing.public_key();
    check_error(sent_with(f, vm, theirs, head), ErrorCode::unauthenticated, "signature_invalid");
  }
  SUBCASE("its bytes") {
    auto call = vm.registration(claims);
    call.body.back() = ' ';
    check_error(ask(f.io, f.router, std::move(call)), ErrorCode::unauthenticated, "signature_invalid");
  }
  SUBCASE("its size") {
    auto call = vm.registration(claims);
    call.body += ' ';
    check_error(ask(f.io, f.router, std::move(call)), ErrorCode::unauthenticated, "signature_invalid");
  }
  CHECK(f.store.all().empty());
  CHECK(f.tunnels.calls.empty());
}

TEST_CASE("a large registration is read beside everything else, and accepted") {
  Room f;
  Vm vm(f);
  const std::string padding(4'000, 'x');
  for (int i = 0; i < 100; ++i) vm.add_event({{"type", "exec"}, {"app_name", "web"}, {"cmd", {padding}}});
  auto call = vm.registration(vm.claims_for(f.nonces.for_register()));
  REQUIRE(call.body.size() > 400'000);
  std::promise<void> go_on;
  net::asio::post(f.readers, [held = go_on.get_future().share()] { held.wait(); });
  const auto started = start(f.io, answer_of(f.router, std::move(call)));
  for (int i = 0; i < 3; ++i) CHECK(f.ask("POST", "/register/challenge").has_value());
  Vm small(f, "vm-2");
  CHECK(register_one(small, f).has_value());
  CHECK_FALSE(started->result.has_value());
  go_on.set_value();
  CHECK(finish(f.io, started).has_value());
  CHECK(f.store.find_live("vm-1") != nullptr);
}
