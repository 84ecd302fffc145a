#include "libdd/enclave/temporary_file.hpp"

#include <fcntl.h>
#include <stdlib.h>

#include <cstdio>

#include "libdd/enclave/no_writers.hpp"
#include "libdd/enclave/system_error.hpp"

namespace dd::enclave {

Result<TemporaryFile> TemporaryFile::make(const std::filesystem::path& folder) {
  auto path = (folder / ".staging-XXXXXX").string();
  UniqueFd fd(mkostemp(path.data(), O_CLOEXEC));
  if (!fd) return system_failure("cannot make a file in " + folder.string());
  return TemporaryFile(std::move(path), std::move(fd));
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) unlink(path_.c_str());
}

Result<void> TemporaryFile::end_writing() {
  fd_ = UniqueFd(open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd_) return system_failure("cannot read " + path_);
  return check_no_writers(fd_.get(), "what was written to the store");
}

Result<void> TemporaryFile::rename_to(const std::filesystem::path& name) {
  if (rename(path_.c_str(), name.c_str()) != 0) return system_failure("cannot put " + name.string() + " in place");
  path_.clear();
  return {};
}

}  // namespace dd::enclave
