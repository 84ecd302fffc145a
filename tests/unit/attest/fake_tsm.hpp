// A working configfs-tsm: entries with attributes that appear by mkdir, a generation counter, quotes over what was written last, and errors on
// demand.
#pragma once

#include <cerrno>
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "libdd/attest/tsm_source.hpp"
#include "libdd/crypto/digest.hpp"
#include "tests/unit/attest/quote_forge.hpp"

namespace dd {

/// The kernel and the host. Outlives the source that looks at it.
struct FakeTsm {
  struct Entry {
    Bytes inblob;
    int generation = 0;
  };
  static constexpr const char* kReport = "/tsm/report";
  static constexpr const char* kRtmr3 = "/measurements/rtmr3:sha384";

  std::string provider = "tdx_guest\n";
  std::map<std::string, Entry> entries;
  std::vector<std::string> removed;
  std::vector<std::string> made;
  std::set<pid_t> running;
  std::optional<Digest384> rtmr3 = Digest384{};
  bool rtmr3_writable = true;

  /// errno of the next calls, taken from the front; 0 is success.
  std::deque<int> mkdir_errors, write_errors, read_errors, rtmr3_errors;
  /// Between the write of the report data and the read of the quote.
  std::function<void(Entry&)> meanwhile;
  /// What the host makes of the answer.
  std::function<Bytes(Bytes)> host = [](Bytes quote) { return quote; };
  std::function<void()> another_extends;

  std::chrono::steady_clock::time_point now{};
  std::vector<int> pauses;  // milliseconds

  static int next(std::deque<int>& errors) {
    if (errors.empty()) return 0;
    const int error = errors.front();
    errors.pop_front();
    return error;
  }
};

class FakeTsmFiles final : public attest::TsmFiles {
 public:
  explicit FakeTsmFiles(FakeTsm& tsm) : tsm_(tsm) {}

  attest::Attempted<void> make_directory(const std::filesystem::path& path) override {
    if (const int error = FakeTsm::next(tsm_.mkdir_errors)) return tl::unexpected(error);
    if (path.parent_path() != FakeTsm::kReport) return tl::unexpected(ENOENT);
    if (!tsm_.entries.emplace(path.filename(), FakeTsm::Entry{}).second) return tl::unexpected(EEXIST);
    tsm_.made.push_back(path.filename());
    return {};
  }

  attest::Attempted<void> remove_directory(const std::filesystem::path& path) override {
    if (tsm_.entries.erase(path.filename()) == 0) return tl::unexpected(ENOENT);
    tsm_.removed.push_back(path.filename());
    return {};
  }

  attest::Attempted<void> write(const std::filesystem::path& file, ByteView data) override {
    if (file == FakeTsm::kRtmr3) return extend(data);
    auto* entry = entry_of(file);
    if (entry == nullptr || file.filename() != "inblob") return tl::unexpected(EACCES);
    if (const int error = FakeTsm::next(tsm_.write_errors)) return tl::unexpected(error);
    if (data.size() > 64) return tl::unexpected(EINVAL);
    entry->inblob.assign(data.begin(), data.end());
    ++entry->generation;
    return {};
  }

  attest::Attempted<Bytes> read(const std::filesystem::path& file, std::size_t most) override {
    if (file == FakeTsm::kRtmr3) {
      if (!tsm_.rtmr3) return tl::unexpected(ENOENT);
      return Bytes(tsm_.rtmr3->begin(), tsm_.rtmr3->end());
    }
    auto* entry = entry_of(file);
    if (entry == nullptr) return tl::unexpected(ENOENT);
    if (file.filename() == "provider") return to_bytes(tsm_.provider);
    if (file.filename() == "generation") return to_bytes(std::to_string(entry->generation) + "\n");
    if (file.filename() != "outblob") return tl::unexpected(ENOENT);
    auto blob = quote(*entry);
    if (blob && blob->size() > most) blob->resize(most);
    return blob;
  }

  bool writable(const std::filesystem::path& file) override { return file == FakeTsm::kRtmr3 && tsm_.rtmr3_writable; }

  attest::Attempted<std::vector<std::string>> list(const std::filesystem::path&) override {
    std::vector<std::string> names;
    for (const auto& [name, entry] : tsm_.entries) names.push_back(name);
    return names;
  }

  bool is_running(pid_t process) override { return tsm_.running.contains(process); }

 private:
  FakeTsm::Entry* entry_of(const std::filesystem::path& file) {
    const auto found = tsm_.entries.find(file.parent_path().filename());
    return found == tsm_.entries.end() ? nullptr : &found->second;
  }

  attest::Attempted<void> extend(ByteView digest) {
    if (const int error = FakeTsm::next(tsm_.rtmr3_errors)) return tl::unexpected(error);
    if (digest.size() != 48) return tl::unexpected(EINVAL);
    tsm_.rtmr3 = crypto::extend(*tsm_.rtmr3, to_array<48>(digest, "digest").value());
    if (tsm_.another_extends) tsm_.another_extends();
    return {};
  }

  attest::Attempted<Bytes> quote(FakeTsm::Entry& entry) {
    if (tsm_.meanwhile) tsm_.meanwhile(entry);
    if (const int error = FakeTsm::next(tsm_.read_errors)) return tl::unexpected(error);
    if (entry.inblob.size() != 64) return tl::unexpected(EINVAL);
    QuoteForge forge;
    forge.report.report_data = to_array<64>(entry.inblob, "inblob").value();
    const auto quote = forge.forge();
    return tsm_.host(Bytes(quote.raw().begin(), quote.raw().end()));
  }

  FakeTsm& tsm_;
};

inline Result<std::unique_ptr<QuoteSource>> fake_tsm_source(FakeTsm& tsm) {
  attest::TsmMachine machine;
  machine.files = std::make_unique<FakeTsmFiles>(tsm);
  machine.process = 42;
  machine.random = &system_random();
  machine.now = [&tsm] { return tsm.now; };
  machine.pause = [&tsm](std::chrono::milliseconds pause) {
    tsm.pauses.push_back(static_cast<int>(pause.count()));
    tsm.now += pause;
  };
  return attest::make_tsm_quote_source({FakeTsm::kReport, "/measurements"}, std::move(machine));
}

}  // namespace dd
