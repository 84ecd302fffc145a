#include "libdd/enclave/leftovers.hpp"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "tests/support/temp_dir.hpp"

using namespace dd;
using namespace dd::enclave;
namespace fs = std::filesystem;

namespace {

// Shared memory is the machine's: another run of this test has other uids.
const uid_t kLeaver = 700'000'000 + 2 * static_cast<uid_t>(getpid());
const uid_t kNeighbour = kLeaver + 1;

/// Runs `work` as that uid.
template <class Work>
void as(uid_t uid, Work work) {
  const auto child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(setresuid(uid, uid, uid) == 0 && work() ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
}

}  // namespace

TEST_CASE("what a uid left in a shared folder is out of reach at once, and nobody else's is" *
          doctest::skip(geteuid() != 0)) {
  const TempDir home;
  const auto shared = home.path() / "shared";
  fs::create_directories(shared / "theirs/deep");
  for (const auto* file : {"shared/file", "shared/theirs/deep/file", "shared/neighbours", "shared/roots"})
    home.write(file, "x");
  fs::create_symlink("roots", shared / "link");
  for (const auto* name : {"file", "theirs", "link"}) REQUIRE(lchown((shared / name).c_str(), kLeaver, kLeaver) == 0);
  REQUIRE(chown((shared / "neighbours").c_str(), kNeighbour, kNeighbour) == 0);
  const auto left = set_leftovers_aside({kLeaver}, {shared, home.path() / "missing"});
  REQUIRE(left.size() == 1);
  for (const auto* gone : {"file", "theirs", "link"}) CHECK_FALSE(fs::exists(fs::symlink_status(shared / gone)));
  for (const auto* kept : {"neighbours", "roots"}) CHECK(fs::exists(shared / kept));
  struct stat info{};
  REQUIRE(stat(left.front().c_str(), &info) == 0);
  CHECK(info.st_uid == 0);
  CHECK((info.st_mode & 0777) == 0700);
  // What was not removed in time the next run with these uids finds, and no other.
  CHECK(left_aside({kLeaver - 1, 2}, {shared}) == left);
  CHECK(left_aside({kLeaver + 1, 2}, {shared}).empty());
  CHECK(set_leftovers_aside({kLeaver}, {shared}).empty());
}

TEST_CASE("System V memory, semaphores and queues of a uid go, and nobody else's" * doctest::skip(geteuid() != 0)) {
  const auto make = [] {
    return shmget(IPC_PRIVATE, 4096, 0600) >= 0 && semget(IPC_PRIVATE, 1, 0600) >= 0 && msgget(IPC_PRIVATE, 0600) >= 0;
  };
  const auto count = [](uid_t uid) {
    int found = 0;
    shmid_ds memory{};
    shm_info used{};
    const int last = shmctl(0, SHM_INFO, reinterpret_cast<shmid_ds*>(&used));
    for (int i = 0; i <= last; ++i)
      if (shmctl(i, SHM_STAT, &memory) >= 0 && memory.shm_perm.uid == uid) ++found;
    semid_ds semaphore{};
    seminfo sets{};
    const int last_set = semctl(0, 0, SEM_INFO, &sets);
    for (int i = 0; i <= last_set; ++i)
      if (semctl(i, 0, SEM_STAT, &semaphore) >= 0 && semaphore.sem_perm.uid == uid) ++found;
    msqid_ds queue{};
    msginfo queues{};
    const int last_queue = msgctl(0, MSG_INFO, reinterpret_cast<msqid_ds*>(&queues));
    for (int i = 0; i <= last_queue; ++i)
      if (msgctl(i, MSG_STAT, &queue) >= 0 && queue.msg_perm.uid == uid) ++found;
    return found;
  };
  as(kLeaver, make);
  as(kNeighbour, make);
  CHECK(count(kLeaver) == 3);
  remove_ipc_of({kLeaver});
  CHECK(count(kLeaver) == 0);
  CHECK(count(kNeighbour) == 3);
  remove_ipc_of({kNeighbour});
  CHECK(count(kNeighbour) == 0);
}
