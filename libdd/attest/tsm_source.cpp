// Kernel documentation: ABI/testing/configfs-tsm-report and ABI/testing/sysfs-devices-virtual-misc-tdx_guest. Other programs use the same
// folder, and stock kernels poll the host once a second under one lock.
#include "libdd/attest/tsm_source.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "libdd/attest/tsm_entry.hpp"
#include "libdd/crypto/digest.hpp"

namespace dd::attest {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kPrefix = "dd-";
constexpr std::string_view kProvider = "tdx_guest";
constexpr const char* kRtmr3 = "rtmr3:sha384";
constexpr milliseconds kFirstPause{50};
constexpr milliseconds kLongestPause{2000};
constexpr std::size_t kShortText = 256;

/// What is worth doing after a failure.
enum class Retry { never, once, at_once, later };

struct Failure {
  Error error;
  Retry retry = Retry::never;
};

template <class T>
using Tried = tl::expected<T, Failure>;

tl::unexpected<Failure> failed(ErrorCode code, const std::string& what, Retry retry = Retry::never) {
  return tl::unexpected(Failure{Error{code, "cannot make a quote: " + what, {}, {}}, retry});
}

std::string reason_of(int error) { return std::error_code(error, std::generic_category()).message(); }

bool no_provider(int error) { return error == ENXIO || error == ENODEV; }

std::string trimmed(ByteView bytes) {
  std::string text(as_text(bytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

/// The process id in the name of an entry of ours.
std::optional<pid_t> owner_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  pid_t process = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
  if (error != std::errc() || process <= 0 || end == name.data() + name.size() || *end != '-') return std::nullopt;
  return process;
}

class TsmQuoteSource final : public QuoteSource {
 public:
  TsmQuoteSource(TsmPaths paths, TsmMachine machine) : paths_(std::move(paths)), machine_(std::move(machine)) {}

  /// Errors: unsupported.
  Result<void> start();

  std::string attestation_type() const override { return "tdx"; }
  bool can_extend() const override { return can_extend_; }
  Result<Quote> quote(const ReportData& report_data, milliseconds deadline) override;
  Result<void> extend_rtmr3(const Digest384& digest) override;

 private:
  void remove_stale_entries();
  Tried<TsmEntry> make_entry();
  Tried<Quote> try_once(const ReportData& report_data);
  Tried<Bytes> read_quote(TsmEntry& entry);
  Result<Digest384> read_rtmr3();

  const TsmPaths paths_;
  const TsmMachine machine_;
  bool can_extend_ = false;
};

Result<void> TsmQuoteSource::start() {
  remove_stale_entries();
  const auto entry = make_entry();
  if (!entry)
    return fail(ErrorCode::unsupported, "cannot use " + paths_.report.string() + ": " + entry.error().error.message);
  can_extend_ = machine_.files->writable(paths_.measurements / kRtmr3) && read_rtmr3().has_value();
  return {};
}

void TsmQuoteSource::remove_stale_entries() {
  const auto names = machine_.files->list(paths_.report);
  if (!names) return;
  for (const auto& name : *names) {
    const auto owner = owner_of(name);
    if (owner && (*owner == machine_.process || !machine_.files->is_running(*owner)))
      static_cast<void>(machine_.files->remove_directory(paths_.report / name));
  }
}

Tried<TsmEntry> TsmQuoteSource::make_entry() {
  // Nobody can guess the name and write his report data between our write and our read.
  std::array<std::byte, 16> random{};
  machine_.random->fill(random);
  const auto name = std::string(kPrefix) + std::to_string(machine_.process) + "-" + to_hex(random);
  auto entry = TsmEntry::make(*machine_.files, paths_.report / name);
  if (!entry && entry.error() == EEXIST)
    return failed(ErrorCode::unavailable, "the name of its entry is taken", Retry::at_once);
  if (!entry && no_provider(entry.error()))
    return failed(ErrorCode::unavailable, "the kernel has no TSM provider, this is no TD");
  if (!entry) return failed(ErrorCode::unavailable, "no entry in configfs-tsm: " + reason_of(entry.error()));

  const auto provider = entry->read("provider", kShortText);
  if (!provider) return failed(ErrorCode::unavailable, "its provider cannot be read: " + reason_of(provider.error()));
  if (trimmed(*provider) != kProvider) return failed(ErrorCode::unavailable, "the TSM provider is not tdx_guest");
  return *std::move(entry);
}

Tried<Bytes> TsmQuoteSource::read_quote(TsmEntry& entry) {
  auto outblob = entry.read("outblob", Quote::kMaxSize + 1);
  // Older kernels tell a host's refusal by an empty quote.
  if (outblob && outblob->empty()) return failed(ErrorCode::upstream, "the host answered nothing");
  if (outblob) return *std::move(outblob);
  switch (outblob.error()) {
    case EBUSY:
      return failed(ErrorCode::unavailable, "the host still holds an earlier request", Retry::later);
    case EINTR:
      return failed(ErrorCode::unavailable, "a signal came in between", Retry::at_once);
    case EWOULDBLOCK:
      return failed(ErrorCode::unavailable, "the kernel calls its report stale", Retry::once);
    case ETIMEDOUT:
      return failed(ErrorCode::deadline_exceeded, "the host did not answer the kernel in time");
    default:
      return failed(ErrorCode::upstream, "the host or its quoting service refused: " + reason_of(outblob.error()));
  }
}

Tried<Quote> TsmQuoteSource::try_once(const ReportData& report_data) {
  auto entry = make_entry();
  if (!entry) return tl::unexpected(entry.error());
  if (const auto written = entry->write("inblob", report_data); !written) {
    const bool again = written.error() == EBUSY || written.error() == EINTR;  // EBUSY: the entry's counter would wrap
    return failed(ErrorCode::unavailable, "report data not accepted: " + reason_of(written.error()),
                  again ? Retry::at_once : Retry::never);
  }
  const auto outblob = read_quote(*entry);
  if (!outblob) return tl::unexpected(outblob.error());

  // 1 after our write; anything else means that somebody wrote too, and the quote may be his.
  const auto generation = entry->read("generation", kShortText);
  if (!generation || trimmed(*generation) != "1")
    return failed(ErrorCode::upstream, "somebody else wrote to its entry", Retry::once);
  auto quote = Quote::parse(*outblob);
  if (!quote) return failed(ErrorCode::upstream, "the host answered something else: " + quote.error().message);
  if (quote->report().report_data != report_data)
    return failed(ErrorCode::upstream, "the host answered with other report data", Retry::once);
  return *std::move(quote);
}

Result<Quote> TsmQuoteSource::quote(const ReportData& report_data, milliseconds deadline) {
  const auto end = machine_.now() + deadline;
  auto pause = kFirstPause;
  bool second = false;
  std::string last = "others were before it";
  while (machine_.now() < end) {
    auto tried = try_once(report_data);
    if (tried) return *std::move(tried);
    auto& failure = tried.error();
    if (failure.retry == Retry::never || (failure.retry == Retry::once && second))
      return tl::unexpected(std::move(failure.error));
    if (failure.retry == Retry::once) second = true;
    if (failure.retry == Retry::later) {
      machine_.pause(std::min(pause, std::chrono::ceil<milliseconds>(end - machine_.now())));
      pause = std::min(2 * pause, kLongestPause);
    }
    last = std::move(failure.error.message);
  }
  return fail(ErrorCode::deadline_exceeded, "cannot make a quote in time: " + last);
}

Result<Digest384> TsmQuoteSource::read_rtmr3() {
  const auto value = machine_.files->read(paths_.measurements / kRtmr3, kShortText);
  if (!value) return fail(ErrorCode::unavailable, "cannot read RTMR3: " + reason_of(value.error()));
  return to_array<48>(*value, "RTMR3");
}

Result<void> TsmQuoteSource::extend_rtmr3(const Digest384& digest) {
  if (!can_extend_) return fail(ErrorCode::unsupported, "cannot extend RTMR3: this kernel does not offer it");
  const auto before = read_rtmr3();
  if (!before) return wrap(before.error(), "cannot extend RTMR3");
  if (const auto written = machine_.files->write(paths_.measurements / kRtmr3, digest); !written)
    return fail(ErrorCode::unavailable, "cannot extend RTMR3: " + reason_of(written.error()));
  const auto after = read_rtmr3();
  if (!after) return wrap(after.error(), "cannot extend RTMR3");
  // There is no reset and no lock: a second writer puts log and register apart for good, and must not go unseen.
  if (*after != crypto::extend(*before, digest))
    return fail(ErrorCode::conflict, "cannot extend RTMR3: something else extends it too");
  return {};
}

}  // namespace

Result<std::unique_ptr<QuoteSource>> make_tsm_quote_source(TsmPaths paths, TsmMachine machine) {
  auto source = std::make_unique<TsmQuoteSource>(std::move(paths), std::move(machine));
  if (auto started = source->start(); !started) return tl::unexpected(started.error());
  return source;
}

}  // namespace dd::attest

namespace dd {

Result<std::unique_ptr<QuoteSource>> make_tsm_quote_source(TsmPaths paths) {
  attest::TsmMachine machine;
  machine.files = attest::make_posix_tsm_files();
  machine.process = ::getpid();
  machine.random = &system_random();
  machine.now = [] { return std::chrono::steady_clock::now(); };
  machine.pause = [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); };
  return attest::make_tsm_quote_source(std::move(paths), std::move(machine));
}

}  // namespace dd
