// What a test writes to stdout and stderr, and environment variables of its own.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace dd::cli {

inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

/// Takes one descriptor's output until it goes. doctest writes to stdout too: check after text().
class Captured {
 public:
  explicit Captured(int fd) : fd_(fd), saved_(dup(fd)) {
    flush();
    const int file = open((dir_.path() / "output").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(file, fd);
    close(file);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
  ~Captured() { restore(); }

  /// Ends the capture.
  std::string text() {
    restore();
    return content_of(dir_.path() / "output");
  }

 private:
  static void flush() {
    std::fflush(stdout);
    std::fflush(stderr);
  }
  void restore() {
    if (saved_ < 0) return;
    flush();
    dup2(saved_, fd_);
    close(std::exchange(saved_, -1));
  }

  TempDir dir_;
  int fd_;
  int saved_;
};

/// Variables that this program was started with are as before when it goes.
class Environment {
 public:
  Environment() {
    for (const char* name : {"DD_CP_URL", "DD_EDGE_URL", "DD_PAT", "DD_PAT_FILE", "DD_CA_FILE", "DD_ITA_ISSUER",
                             "DD_ITA_JWKS_URL", "DD_CONTEXT", "XDG_STATE_HOME", "HOME"})
      unset(name);
    set("HOME", home_.path().string());
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    for (auto saved = saved_.rbegin(); saved != saved_.rend(); ++saved) {
      if (saved->second)
        setenv(saved->first.c_str(), saved->second->c_str(), 1);
      else
        unsetenv(saved->first.c_str());
    }
  }

  void set(const std::string& name, const std::string& value) {
    save(name);
    setenv(name.c_str(), value.c_str(), 1);
  }
  void unset(const std::string& name) {
    save(name);
    unsetenv(name.c_str());
  }
  [[nodiscard]] const TempDir& home() const noexcept { return home_; }

 private:
  void save(const std::string& name) {
    const char* value = getenv(name.c_str());
    saved_.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
  }

  TempDir home_;
  std::vector<std::pair<std::string, std::optional<std::string>>> saved_;
};

}  // namespace dd::cli
