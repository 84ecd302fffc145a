#include "libdd/cli/uid_range.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using cli::UidRange;

namespace {

constexpr int kWhole = UidRange::kVms * UidRange::kUidsPerVm;

}  // namespace

TEST_CASE("fleets side by side have uids of their own, whatever their process ids") {
  const TempDir folder;
  auto one = std::optional(UidRange::claim(folder.path(), 7));
  const auto other = UidRange::claim(folder.path(), 7 + 4096);
  CHECK(other.first_of_vm(0) == one->first_of_vm(0) + kWhole);
  CHECK(one->first_of_vm(1) == one->first_of_vm(0) + UidRange::kUidsPerVm);

  const auto first = one->first_of_vm(0);
  one.reset();
  CHECK(UidRange::claim(folder.path(), 7).first_of_vm(0) == first);
}

TEST_CASE("a range of which a runtime still holds a part is left alone") {
  const TempDir folder;
  const auto first = UidRange::claim(folder.path(), 7).first_of_vm(0);
  const auto file = folder.path() / ("dd-enclave-uids-" + std::to_string(first + 3 * UidRange::kUidsPerVm) + ".lock");
  const enclave::UniqueFd held(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  CHECK(UidRange::claim(folder.path(), 7).first_of_vm(0) == first);
  REQUIRE(flock(held.get(), LOCK_EX | LOCK_NB) == 0);
  CHECK(UidRange::claim(folder.path(), 7).first_of_vm(0) == first + kWhole);
}

TEST_CASE("where no lock can be made there is a range all the same") {
  CHECK(UidRange::claim("/nowhere", 7).first_of_vm(0) == UidRange::claim("/nowhere", 7 + 4096).first_of_vm(0));
}
