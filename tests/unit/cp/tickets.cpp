// Join tickets: whose statement they are, and whom they let in.
#include <doctest/doctest.h>

#include "libdd/crypto/jws.hpp"
#include "libdd/crypto/statement.hpp"
#include "tests/support/check_error.hpp"
#include "tests/unit/cp/registering.hpp"

using namespace dd;
using namespace dd::cp;
using namespace dd::test;

TEST_CASE("a ticket is the control plane's own statement, in time, for this fleet") {
  Room f;
  Vm vm(f);
  const auto good = ticket(f);
  SUBCASE("expired") {
    f.clock.advance(std::chrono::seconds(900));
    check_error(register_with(f, vm, good), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("signed by the agent itself") {
    const auto claims = *crypto::parse_statement(good, crypto::kJoinTyp).value().claims;
    check_error(register_with(f, vm, crypto::sign_jws(vm.signing, crypto::kJoinTyp, claims)),
                ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("without a number") {
    auto claims = *crypto::parse_statement(good, crypto::kJoinTyp).value().claims;
    claims.erase("jti");
    const auto bad = f.run(f.capability->sign(std::string(crypto::kJoinTyp), claims)).value();
    check_error(register_with(f, vm, bad), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("another statement of the control plane") {
    const auto claims = *crypto::parse_statement(good, crypto::kJoinTyp).value().claims;
    const auto session = f.run(f.capability->sign(std::string(crypto::kSessionTyp), claims)).value();
    check_error(register_with(f, vm, session), ErrorCode::unauthenticated, "join_credential_invalid");
  }
  SUBCASE("shown again by the key that used it, after a registration that was cut short") {
    f.tunnels.failing = {"run_token"};
    check_error(register_with(f, vm, good), ErrorCode::unavailable, "");
    f.tunnels.failing.clear();
    CHECK(register_with(f, vm, good).has_value());
  }
}

TEST_CASE("another key needs a credential of its own for a live VM's name") {
  Room f;
  Vm vm(f);
  const auto used = ticket(f);
  REQUIRE(register_with(f, vm, used).has_value());
  Vm thief(f);
  check_error(register_with(f, thief, "anything"), ErrorCode::unauthenticated, "join_credential_invalid");
  check_error(register_with(f, thief, used), ErrorCode::unauthenticated, "join_credential_invalid");
}

TEST_CASE("a ticket for one VM is for no other, however alike their names") {
  Room f;
  const auto good = ticket(f, R"({"vm_name":"vm-1"})");
  for (const std::string name : {"vm-10", "vm-", "vm", "VM-1", "vm-1.", "xvm-1"}) {
    CAPTURE(name);
    Vm other(f, name);
    CHECK_FALSE(register_with(f, other, good).has_value());
  }
  Vm meant(f);
  CHECK(register_with(f, meant, good).has_value());
}

TEST_CASE("a ticket is for the VM name that it was first shown for") {
  Room f;
  Vm vm(f);
  const auto used = ticket(f);
  REQUIRE(register_with(f, vm, used).has_value());
  CHECK(register_with(f, vm, used).has_value());
  vm.vm_name = "vm-2";
  check_error(register_with(f, vm, used), ErrorCode::unauthenticated, "join_credential_invalid");
  CHECK(f.store.all().size() == 1);
}
