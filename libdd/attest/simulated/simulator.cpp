#include "libdd/attest/simulated/simulator.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <nlohmann/json.hpp>

#include "libdd/attest/simulated/platform.hpp"
#include "libdd/core/json.hpp"
#include "libdd/core/secret_file.hpp"
#include "libdd/crypto/certificate_builder.hpp"

namespace dd::attest {
namespace {

// The members of the simulator file.
constexpr const char* kRootCertificate = "root_certificate";
constexpr const char* kRootKey = "root_key";
constexpr const char* kRuntimeDigest = "runtime_digest";

tl::unexpected<Error> cannot_write(const std::filesystem::path& file) {
  const auto why = std::error_code(errno, std::generic_category()).message();
  return fail(ErrorCode::unavailable, "cannot write simulator file " + file.string() + ": " + why);
}

bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<SimulatorRoot> make_simulator_root(const Clock& clock) {
  const auto key = crypto::EcPrivateKey::generate();
  const auto now = clock.unix_seconds();
  const auto certificate =
      crypto::CertificateBuilder::self_signed({"libdd simulator root, not Intel, not TDX", now - kSimulatorLeeway,
                                               now + std::int64_t{kSimulatorDays} * 24 * 3600, 1},
                                              key);
  if (!certificate) return wrap(certificate.error(), "cannot make simulator root");
  return SimulatorRoot{certificate->to_pem(), key.to_pem()};
}

Result<void> write_simulator_file(const std::filesystem::path& file, const SimulatorRoot& root,
                                  const std::string& runtime_digest) {
  const auto text =
      to_text({{kRootCertificate, root.certificate_pem}, {kRootKey, root.key_pem}, {kRuntimeDigest, runtime_digest}});
  auto fresh = file;
  fresh += ".new";
  std::error_code ignored;
  std::filesystem::remove(fresh, ignored);
  // A new file, so that nobody holds it open from before or has widened its mode; renamed, so that nobody reads half of it.
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_write(file);
  const bool written = write_whole(fd, text);
  if (::close(fd) != 0 || !written || ::rename(fresh.c_str(), file.c_str()) != 0) return cannot_write(file);
  return {};
}

Result<SimulatorFile> read_simulator_file(const std::filesystem::path& file) {
  const auto text = read_secret_file(file);
  if (!text) return wrap(text.error(), "cannot read simulator file");
  const auto value = parse_json(text->reveal());
  if (!value) return wrap(value.error(), "cannot read simulator file " + file.string());
  ObjectReader reader(*value, "$");
  SimulatorFile read;
  read.root.certificate_pem = reader.text(kRootCertificate, {.least = 1, .most = 16 * 1024});
  read.root.key_pem = reader.text(kRootKey, {.least = 1, .most = 16 * 1024});
  read.runtime_digest = reader.text(kRuntimeDigest, {.least = 1, .most = 128});
  reader.refuse_unknown();
  if (reader.error()) return wrap(*reader.error(), "cannot read simulator file " + file.string());
  return read;
}

}  // namespace dd::attest
