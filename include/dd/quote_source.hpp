// Who makes quotes: the kernel (configfs-tsm), or the simulator. And the service that asks it for one at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "dd/quote.hpp"

namespace dd {

/// Makes quotes and extends RTMR3. Calls block, a second or more on stock kernels; one at a time.
class QuoteSource {
 public:
  virtual ~QuoteSource() = default;
  /// "tdx" or "tdx-simulated".
  [[nodiscard]] virtual std::string attestation_type() const = 0;
  /// A parsed quote whose REPORTDATA is `report_data`. Errors: unavailable, deadline_exceeded, upstream (the host answered something else).
  [[nodiscard]] virtual Result<Quote> quote(const ReportData& report_data, std::chrono::milliseconds deadline) = 0;
  /// Whether RTMR3 can be extended (kernel 6.16 or newer).
  [[nodiscard]] virtual bool can_extend() const = 0;
  [[nodiscard]] virtual Result<void> extend_rtmr3(const Digest384& digest) = 0;
};

struct TsmPaths {
  std::filesystem::path report = "/sys/kernel/config/tsm/report";
  std::filesystem::path measurements = "/sys/class/misc/tdx_guest/measurements";
};
/// configfs-tsm. Errors: unsupported when the directory or a tdx_guest provider is not there.
[[nodiscard]] Result<std::unique_ptr<QuoteSource>> make_tsm_quote_source(TsmPaths paths = {});

/// The simulator, from the file that `ddctl up` wrote. Errors: unsupported in a build without -Dsimulation=true; as parsing the file.
[[nodiscard]] Result<std::unique_ptr<QuoteSource>> make_simulated_quote_source(const std::filesystem::path& file);

/// Asks a source for one quote at a time, in the order of the calls. One worker, a bounded queue, equal requests share one quote. Thread-safe.
class QuoteService {
 public:
  using Done = std::function<void(Result<Quote>)>;

  explicit QuoteService(std::unique_ptr<QuoteSource> source, std::size_t queue_limit = 16);
  /// Waits for a quote that is being made; requests behind it are answered `unavailable`.
  ~QuoteService();
  QuoteService(const QuoteService&) = delete;
  QuoteService& operator=(const QuoteService&) = delete;

  /// Calls `done` once, from a thread of the service, or at once when refused (unavailable: queue full). When the deadline passes first it is
  /// deadline_exceeded, and a quote that is being made goes on for those who still wait. `done` must not block, extend or end the service.
  void request(const ReportData& report_data, std::chrono::milliseconds deadline, Done done);
  /// Blocks. Runs in order with the quotes, so that a quote's RTMR3 fits the log it is bound to. Errors: those of the source; unavailable
  /// when the service is stopping.
  [[nodiscard]] Result<void> extend_rtmr3(const Digest384& digest);
  [[nodiscard]] std::string attestation_type() const;
  [[nodiscard]] bool can_extend() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dd
