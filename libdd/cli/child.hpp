// A program that `ddctl up` runs: its own process group, its output in a file, gone when we go.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "dd/error.hpp"

namespace dd::cli {

/// Movable owner of a child process. The destructor kills what stop() did not end.
class Child {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;

  /// The child gets exactly `environment`. Errors: unavailable when it cannot be started.
  [[nodiscard]] static Result<Child> start(std::filesystem::path program, const Environment& environment,
                                           const std::filesystem::path& output);
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// True when it has ended.
  [[nodiscard]] bool ended();
  void terminate() const;
  /// Waits for its end after terminate(); kills it when `grace` is over.
  void wait(std::chrono::milliseconds grace);

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace dd::cli
