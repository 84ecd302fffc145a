// Brings assets of releases into the store, by way of dd-fetch (docs/adr/0009).
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "dd/workload.hpp"
#include "libdd/enclave/executable_store.hpp"
#include "libdd/enclave/fetch_helper.hpp"
#include "libdd/enclave/release_trees.hpp"

namespace dd::enclave {

struct FetchedRelease {
  std::string tag;             // as the release has it; as it was asked for when nobody was asked
  std::string digest;          // of the asset's bytes, "sha256:<hex>"
  StagedExecutable program;    // of an asset that is one
  std::filesystem::path tree;  // of an archive
};

/// Use on one io thread.
class Fetcher {
 public:
  static constexpr std::int64_t kMaxAssetBytes = std::int64_t{2} << 30;
  static constexpr std::int64_t kMaxUnpackedBytes = std::int64_t{4} << 30;
  static constexpr std::int64_t kMaxEntries = 50'000;

  Fetcher(net::asio::any_io_executor executor, net::asio::thread_pool& pool, const Settings& settings,
          ExecutableStore& store, ReleaseTrees& trees);

  /// Until DD_FETCH_TIMEOUT, or somebody ends the job. What is pinned and in the store is not fetched again. `say` hears lines for the workload's log.
  /// Errors: what dd-fetch reported; permission_denied when the bytes have another digest than the release or the request says; why the job was ended.
  net::Task<Result<FetchedRelease>> fetch(GithubRelease release, std::shared_ptr<FetchJob> job, SayLine say);
  /// Ends a job that waits or is at work.
  void end(FetchJob& job, Error why);

 private:
  class Slot;
  struct Fetch;
  [[nodiscard]] std::optional<FetchedRelease> known(const GithubRelease& release);
  net::Task<Result<FetchedRelease>> with_number(GithubRelease release, std::shared_ptr<FetchJob> job, SayLine say);
  net::Task<Result<std::filesystem::path>> stage_helper();
  net::Task<Result<int>> free_number(std::shared_ptr<FetchJob> job);
  net::Task<void> end_at_deadline(std::shared_ptr<FetchJob> job, std::shared_ptr<net::Event> over);
  net::Task<Result<FetchedRelease>> carry_out(std::shared_ptr<Fetch> fetch);
  net::Task<Result<TemporaryFile>> download(std::shared_ptr<Fetch> fetch);
  net::Task<Result<FetchedRelease>> keep_program(TemporaryFile file, FetchedRelease result);
  net::Task<Result<FetchedRelease>> unpack(std::shared_ptr<Fetch> fetch, TemporaryFile file, FetchedRelease result);

  net::asio::any_io_executor executor_;
  net::asio::thread_pool& pool_;
  const Settings& settings_;
  ExecutableStore& store_;
  ReleaseTrees& trees_;
  std::array<bool, FetchHelper::kMost> taken_{};
  net::Event changed_;
};

}  // namespace dd::enclave
