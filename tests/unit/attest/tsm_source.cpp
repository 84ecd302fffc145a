#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/attest/fake_tsm.hpp"

using namespace dd;
using namespace std::chrono_literals;

namespace {

const auto kData = counted<64>(9);

// Made before errors are set: making it opens an entry too.
std::unique_ptr<QuoteSource> source_on(FakeTsm& tsm) { return fake_tsm_source(tsm).value(); }

}  // namespace

TEST_CASE("a quote over the report data asked for comes from an entry of its own") {
  FakeTsm tsm;
  const auto source = source_on(tsm);
  tsm.made.clear();
  const auto quote = source->quote(kData, 1s);
  REQUIRE(quote.has_value());
  CHECK(quote->report().report_data == kData);
  REQUIRE(source->quote(kData, 1s).has_value());
  CHECK(source->attestation_type() == "tdx");
  REQUIRE(tsm.made.size() == 2);
  CHECK(tsm.made[0] != tsm.made[1]);
  CHECK(tsm.made[0].starts_with("dd-42-"));
  CHECK(tsm.made[0].size() == 6 + 32);
  CHECK(tsm.entries.empty());
}

TEST_CASE("bytes that a host leaves behind the quote are no failure") {
  FakeTsm tsm;
  const auto source = source_on(tsm);
  tsm.host = [](Bytes quote) {
    quote.resize(8192);
    return quote;
  };
  const auto quote = source->quote(kData, 1s);
  REQUIRE(quote.has_value());
  CHECK(quote->trailing_bytes() > 0);
}

TEST_CASE("what passes is tried again with a new entry") {
  struct Case {
    const char* name;
    std::deque<int> mkdir, write, read;
    std::size_t entries;
    std::vector<int> pauses;
  };
  const Case cases[] = {
      {"the name is taken", {EEXIST, EEXIST}, {}, {}, 1, {}},
      {"the counter would wrap", {}, {EBUSY}, {}, 2, {}},
      {"a signal during the write", {}, {EINTR}, {}, 2, {}},
      {"a signal during the read", {}, {}, {EINTR, EINTR}, 3, {}},
      {"a stale report", {}, {}, {EWOULDBLOCK}, 2, {}},
      {"the host is busy", {}, {}, {EBUSY, EBUSY, EBUSY}, 4, {50, 100, 200}},
      {"the host is busy for long",
       {},
       {},
       {EBUSY, EBUSY, EBUSY, EBUSY, EBUSY, EBUSY, EBUSY, EBUSY},
       9,
       {50, 100, 200, 400, 800, 1600, 2000, 2000}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FakeTsm tsm;
    const auto source = source_on(tsm);
    tsm.made.clear();
    tsm.mkdir_errors = c.mkdir;
    tsm.write_errors = c.write;
    tsm.read_errors = c.read;
    const auto quote = source->quote(kData, 60s);
    REQUIRE(quote.has_value());
    CHECK(quote->report().report_data == kData);
    CHECK(tsm.made.size() == c.entries);
    CHECK(tsm.pauses == c.pauses);
    CHECK(tsm.entries.empty());
  }
}

TEST_CASE("what does not pass is an error that says what the host did, and no entry stays") {
  struct Case {
    const char* name;
    std::deque<int> mkdir, write, read;
    ErrorCode code;
    const char* message;
  };
  const Case cases[] = {
      {"no provider any more",
       {ENXIO},
       {},
       {},
       ErrorCode::unavailable,
       "cannot make a quote: the kernel has no TSM provider, this is no TD"},
      {"no memory",
       {ENOMEM},
       {},
       {},
       ErrorCode::unavailable,
       "cannot make a quote: no entry in configfs-tsm: Cannot allocate memory"},
      {"report data refused",
       {},
       {EINVAL},
       {},
       ErrorCode::unavailable,
       "cannot make a quote: report data not accepted: Invalid argument"},
      {"the host is silent",
       {},
       {},
       {ETIMEDOUT},
       ErrorCode::deadline_exceeded,
       "cannot make a quote: the host did not answer the kernel in time"},
      {"the host refuses",
       {},
       {},
       {EIO},
       ErrorCode::upstream,
       "cannot make a quote: the host or its quoting service refused: Input/output error"},
      {"stale twice",
       {},
       {},
       {EWOULDBLOCK, EWOULDBLOCK},
       ErrorCode::unavailable,
       "cannot make a quote: the kernel calls its report stale"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FakeTsm tsm;
    const auto source = source_on(tsm);
    tsm.mkdir_errors = c.mkdir;
    tsm.write_errors = c.write;
    tsm.read_errors = c.read;
    const auto quote = source->quote(kData, 60s);
    REQUIRE_FALSE(quote.has_value());
    CHECK(quote.error().code == c.code);
    CHECK(quote.error().message == c.message);
    CHECK(tsm.entries.empty());
  }
}

TEST_CASE("what the host answers is believed only when it is a quote over our report data") {
  const struct {
    const char* name;
    std::function<Bytes(Bytes)> host;
    const char* message;
  } cases[] = {
      {"nothing", [](Bytes) { return Bytes(); }, "cannot make a quote: the host answered nothing"},
      {"no quote", [](Bytes) { return Bytes(2000); },
       "cannot make a quote: the host answered something else: cannot parse quote: version 0, want 4 or 5"},
      {"too much",
       [](Bytes quote) {
         quote.resize(1 << 20);
         return quote;
       },
       "cannot make a quote: the host answered something else: cannot parse quote: 131073 bytes, want 1226..131072"},
      {"another's",
       [](Bytes quote) {
         quote[568] ^= std::byte{1};
         return quote;
       },
       "cannot make a quote: the host answered with other report data"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FakeTsm tsm;
    const auto source = source_on(tsm);
    tsm.host = c.host;
    const auto quote = source->quote(kData, 60s);
    REQUIRE_FALSE(quote.has_value());
    CHECK(quote.error().code == ErrorCode::upstream);
    CHECK(quote.error().message == c.message);
    CHECK(tsm.entries.empty());
  }
}

TEST_CASE("another writer to our entry is seen, also when he writes the same, and one retry is enough") {
  for (const unsigned other : {9U, 10U}) {
    CAPTURE(other);
    FakeTsm tsm;
    const auto source = source_on(tsm);
    tsm.made.clear();
    const auto write = [other](FakeTsm::Entry& entry) {
      const auto data = counted<64>(other);
      entry.inblob.assign(data.begin(), data.end());
      ++entry.generation;
    };
    int times = 1;
    tsm.meanwhile = [&](FakeTsm::Entry& entry) {
      if (times-- > 0) write(entry);
    };
    const auto quote = source->quote(kData, 60s);
    REQUIRE(quote.has_value());
    CHECK(quote->report().report_data == kData);
    CHECK(tsm.made.size() == 2);

    tsm.meanwhile = write;
    const auto refused = source->quote(kData, 60s);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::upstream);
    CHECK(refused.error().message == "cannot make a quote: somebody else wrote to its entry");
    CHECK(tsm.made.size() == 4);
    CHECK(tsm.entries.empty());
  }
}

TEST_CASE("a deadline ends the waiting for a busy host") {
  FakeTsm tsm;
  const auto source = source_on(tsm);
  tsm.read_errors.assign(100, EBUSY);
  const auto quote = source->quote(kData, 200ms);
  REQUIRE_FALSE(quote.has_value());
  CHECK(quote.error().code == ErrorCode::deadline_exceeded);
  CHECK(quote.error().message ==
        "cannot make a quote in time: cannot make a quote: the host still holds an earlier request");
  CHECK(tsm.pauses == std::vector<int>{50, 100, 50});
  CHECK(tsm.entries.empty());

  tsm.made.clear();
  const auto late = source->quote(kData, 0ms);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == ErrorCode::deadline_exceeded);
  CHECK(tsm.made.empty());
}

TEST_CASE("a machine that is no TD has no source") {
  const struct {
    const char* name;
    int mkdir;
    const char* provider;
    const char* message;
  } cases[] = {
      {"no provider", ENXIO, "",
       "cannot use /tsm/report: cannot make a quote: the kernel has no TSM provider, this is no TD"},
      {"no folder", ENOENT, "",
       "cannot use /tsm/report: cannot make a quote: no entry in configfs-tsm: No such file or directory"},
      {"not root", EACCES, "",
       "cannot use /tsm/report: cannot make a quote: no entry in configfs-tsm: Permission denied"},
      {"an SEV guest", 0, "sev_guest\n",
       "cannot use /tsm/report: cannot make a quote: the TSM provider is not tdx_guest"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.name);
    FakeTsm tsm;
    tsm.mkdir_errors = {c.mkdir};
    tsm.provider = c.provider;
    const auto source = fake_tsm_source(tsm);
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().code == ErrorCode::unsupported);
    CHECK(source.error().message == c.message);
    CHECK(tsm.entries.empty());
  }
}

TEST_CASE("entries of ours that nobody uses any more are removed at the start, and no others") {
  FakeTsm tsm;
  tsm.running = {1, 77};
  for (const auto* name :
       {"dd-42-aa", "dd-99-bb", "dd-77-cc", "dd-", "dd-x-1", "dd-99", "other", "com.intel.dcap", "dd-0-a", "dd--5-a"})
    tsm.entries[name] = {};
  const auto source = source_on(tsm);
  CHECK(tsm.entries.size() == 8);
  CHECK_FALSE(tsm.entries.contains("dd-42-aa"));  // of a process that had our number before us
  CHECK_FALSE(tsm.entries.contains("dd-99-bb"));
}

TEST_CASE("RTMR3 is extended by one write and read back") {
  FakeTsm tsm;
  const auto source = source_on(tsm);
  REQUIRE(source->can_extend());
  REQUIRE(source->extend_rtmr3(counted<48>(1)).has_value());
  REQUIRE(source->extend_rtmr3(counted<48>(2)).has_value());
  CHECK(tsm.rtmr3 == crypto::extend(crypto::extend({}, counted<48>(1)), counted<48>(2)));

  tsm.rtmr3_errors = {EPERM};
  CHECK(source->extend_rtmr3(counted<48>(3)).error().message == "cannot extend RTMR3: Operation not permitted");
  tsm.another_extends = [&tsm] { tsm.rtmr3 = crypto::extend(*tsm.rtmr3, counted<48>(9)); };
  const auto refused = source->extend_rtmr3(counted<48>(3));
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK(refused.error().message == "cannot extend RTMR3: something else extends it too");
}

TEST_CASE("a kernel without measurement registers, or a process that may not write them, cannot extend") {
  FakeTsm old_kernel;
  old_kernel.rtmr3.reset();
  FakeTsm not_root;
  not_root.rtmr3_writable = false;
  for (auto* tsm : {&old_kernel, &not_root}) {
    const auto source = source_on(*tsm);
    CHECK_FALSE(source->can_extend());
    const auto extended = source->extend_rtmr3({});
    REQUIRE_FALSE(extended.has_value());
    CHECK(extended.error().code == ErrorCode::unsupported);
    CHECK(source->quote(kData, 1s).has_value());
  }
}

TEST_CASE("an ordinary folder is no configfs") {
  const TempDir dir;
  const auto source = make_tsm_quote_source({dir.path(), dir.path()});
  REQUIRE_FALSE(source.has_value());
  CHECK(source.error().code == ErrorCode::unsupported);
  CHECK(std::filesystem::is_empty(dir.path()));
}
