// An agent written for attacks: every step of a registration, a call and a poll can be bent.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "dd/event_log.hpp"
#include "dd/quote_source.hpp"
#include "dd/report_data.hpp"
#include "libdd/crypto/okp.hpp"
#include "libdd/local/connector_link.hpp"
#include "libdd/net/http_server.hpp"
#include "libdd/protocol/health.hpp"
#include "tests/integration/trust/trust_fleet.hpp"

namespace dd::trust {

struct AgentShape {
  std::string vm_name = "vm-1";
  std::string agent_digest = kAgentDigest;
  std::string origin = {};  // that it was booted with; empty: the fleet's
  std::string github_api_url = {};  // that it was told to ask who the owner is; empty: as usual
  attest::SimulatedMeasurements measurements{};
  bool own_measurements = false;  // use `measurements` and not the fleet's
};

class TestAgent {
 public:
  explicit TestAgent(const TrustFleet& fleet, AgentShape shape = {});
  TestAgent(const TestAgent&) = delete;
  TestAgent& operator=(const TestAgent&) = delete;
  ~TestAgent();

  /// Evidence over the right nonce, and claims that a control plane takes. Mutate them, then submit.
  [[nodiscard]] Json prepare();
  /// The same, bound to a given nonce.
  [[nodiscard]] Json prepare_for(const Digest256& nonce);
  [[nodiscard]] Digest256 challenge() const;
  /// For the head of the next registration, whatever nonce its claims have.
  void take_challenge() { nonce_ = challenge(); }
  [[nodiscard]] Answer submit(const Json& claims, const std::string& credential) const;
  [[nodiscard]] Answer submit_signed(const std::string& statement, const std::string& credential) const;
  /// prepare and submit with a fresh ticket; remembers who it is. Throws unless it is accepted.
  void join();

  /// Serves /health through the tunnel from now on. `bend` may change the answer after it was made.
  using Bend = std::function<void(net::ServerResponse&, protocol::ProofClaims&)>;
  void serve(Bend bend = {});
  /// Signs proofs with another key.
  void swap_key();
  /// Shows a token of another quote source, bound to the last poll.
  void drift_to(const attest::SimulatedMeasurements& measurements);
  /// Stops answering.
  void vanish();

  [[nodiscard]] Answer call(const std::string& agent_id, const std::string& signed_path, const std::string& signed_body,
                            const std::string& sent_body, std::int64_t seq) const;

  /// The next number of this agent: its calls and its proofs share them, so one that is polled cannot choose its own.
  [[nodiscard]] std::int64_t next_seq() noexcept { return seq_++; }
  [[nodiscard]] const std::string& agent_id() const noexcept { return agent_id_; }
  [[nodiscard]] const Json& answer() const noexcept { return answer_; }
  [[nodiscard]] const crypto::OkpPrivateKey& signing_key() const noexcept { return signing_; }
  [[nodiscard]] const crypto::OkpPrivateKey& sealing_key() const noexcept { return sealing_; }
  [[nodiscard]] std::string boot_id() const { return boot_id_; }

 private:
  void log(Json event);
  /// On the thread that answers polls, and waits for it.
  void change(const std::function<void()>& how);
  [[nodiscard]] std::string mint(const Bytes& bound, QuoteSource& source) const;
  [[nodiscard]] net::ServerResponse health(const net::ServerRequest& request);

  const TrustFleet& fleet_;
  AgentShape shape_;
  crypto::OkpPrivateKey signing_;
  crypto::OkpPrivateKey sealing_;
  crypto::OkpPrivateKey proof_key_;
  std::string boot_id_;
  EventLog log_;
  std::unique_ptr<QuoteSource> source_;
  std::unique_ptr<QuoteSource> drifted_;
  std::uint16_t port_;
  std::string agent_id_;
  Json answer_;
  std::string token_;
  Digest256 nonce_{};
  Bend bend_;
  std::atomic<std::int64_t> seq_ = 1'000;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> keep_{io_.get_executor()};
  std::unique_ptr<local::ConnectorLink> link_;
  std::unique_ptr<net::HttpServer> server_;
  std::thread thread_;
};

}  // namespace dd::trust
