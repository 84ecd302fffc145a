// Removes what workloads left, beside everything else: a folder that one of them filled may take minutes.
#pragma once

#include <filesystem>
#include <stop_token>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "dd/log.hpp"
#include "libdd/core/tree_removal.hpp"
#include "libdd/enclave/leftovers.hpp"
#include "libdd/net/task.hpp"

namespace dd::enclave {

/// One after the other, in a thread of its own. What is not gone when this goes is left for the next run. Thread-safe.
class Cleaner {
 public:
  Cleaner() = default;
  Cleaner(const Cleaner&) = delete;
  Cleaner& operator=(const Cleaner&) = delete;
  ~Cleaner() { stop(); }
  /// Returns when nothing is under way any more.
  void stop() {
    stop_.request_stop();
    thread_.join();
    aside_.join();
  }

  /// Of an empty path nothing. The folder's name must not be needed again: see DataDir::set_aside.
  void remove(std::filesystem::path folder) {
    if (folder.empty()) return;
    boost::asio::post(thread_, [folder = std::move(folder), stop = stop_.get_token()] {
      if (const auto removed = remove_tree(folder, stop); !removed)
        log::warning("what a workload left is still there", {{"error", removed.error().message}});
    });
  }

  /// Takes what processes of these uids left in shared places out of reach, and removes it later. See set_leftovers_aside. Blocks shortly.
  void take_from(UidSpan uids) {
    remove_ipc_of(uids);
    for (auto& folder : set_leftovers_aside(uids, shared_folders(), stop_.get_token())) remove(std::move(folder));
  }
  /// The same in another thread.
  net::Task<void> take_from(uid_t uid) {
    std::function<void()> work = [this, uid] { take_from(UidSpan{uid}); };
    co_await net::run_on(aside_, std::move(work));
  }

 private:
  std::stop_source stop_;
  boost::asio::thread_pool thread_{1};
  boost::asio::thread_pool aside_{1};  // never waits for a removal
};

}  // namespace dd::enclave
