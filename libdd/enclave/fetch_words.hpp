// What a fetch says and compares; free of processes.
#pragma once

#include <string>

#include "dd/workload.hpp"
#include "libdd/protocol/fetch.hpp"

namespace dd::enclave {

/// Whether bytes of this digest are what the request pins and the release announces. Errors: permission_denied with both digests.
[[nodiscard]] Result<void> check_digest(const GithubRelease& release, const std::string& announced,
                                        const std::string& digest);

/// Lines for the workload's log: what was found, then each quarter.
class FetchWords {
 public:
  explicit FetchWords(const GithubRelease& release) : release_(release) {}

  [[nodiscard]] std::string found(const protocol::AssetFound& asset);
  /// Empty when there is nothing new to say.
  [[nodiscard]] std::string progress(std::int64_t bytes);

 private:
  const GithubRelease& release_;
  std::int64_t size_ = 0;
  std::int64_t quarters_ = 0;
};

}  // namespace dd::enclave
