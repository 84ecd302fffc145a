// The configfs-tsm quote source with everything of the machine passed in.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "dd/quote_source.hpp"
#include "dd/random.hpp"
#include "libdd/attest/tsm_files.hpp"

namespace dd::attest {

struct TsmMachine {
  std::unique_ptr<TsmFiles> files;
  pid_t process = 0;  // ours: part of the names of our entries
  Random* random = nullptr;
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::chrono::milliseconds)> pause;
};

/// At most one in a process: entries that are left over from one of the same process id are removed.
/// Errors: unsupported when there is no TSM, or its provider is not tdx_guest.
[[nodiscard]] Result<std::unique_ptr<QuoteSource>> make_tsm_quote_source(TsmPaths paths, TsmMachine machine);

}  // namespace dd::attest
