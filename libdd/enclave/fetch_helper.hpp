// Runs dd-fetch for one order, under a uid of its own, until nothing of it is left.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "libdd/enclave/fetch_job.hpp"
#include "libdd/enclave/settings.hpp"
#include "libdd/enclave/uid_pool.hpp"
#include "libdd/protocol/fetch.hpp"

namespace dd::enclave {

/// Beside this program, as in a build folder, else where it is installed. Empty when it is at neither place.
[[nodiscard]] std::filesystem::path find_fetch_program();

/// For the text that goes with it.
using SayLine = std::function<void(std::string)>;

class FetchHelper {
 public:
  /// Helpers that may work at the same time, each under one of the last uids of the runtime's range.
  static constexpr int kMost = kFetchUids;

  /// Borrows the settings. `program` can be executed by any uid. `number` is 0..kMost-1 and nobody else's meanwhile.
  FetchHelper(net::asio::any_io_executor executor, const Settings& settings, std::filesystem::path program, int number);

  [[nodiscard]] const Identity& identity() const noexcept { return identity_; }

  struct Order {
    protocol::FetchOrder what;
    std::vector<int> descriptors;  // open until run() returns
    std::shared_ptr<FetchJob> job;
    std::function<void(const protocol::FetchReport&)> heard;  // AssetFound and FetchProgress
    SayLine say;                                              // what the program writes otherwise
  };
  /// Returns when no process of the helper is left. Errors: what the helper reported, why the job was ended, unavailable.
  net::Task<Result<void>> run(Order order);
  /// A process of it would not end: nobody else may have its number.
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  net::Task<Result<std::shared_ptr<Child>>> start(UniqueFd socket, UniqueFd output);

  net::asio::any_io_executor executor_;
  std::filesystem::path program_;
  Identity identity_;
  bool lost_ = false;
};

}  // namespace dd::enclave
