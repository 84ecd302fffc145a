// What dd-enclave and its helper dd-fetch say to each other (docs/adr/0009): one order, then reports, JSON lines over a socket pair.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "dd/error.hpp"
#include "dd/secret.hpp"

namespace dd::protocol {

/// With a file: the asset's bytes go into it.
struct GetAsset {
  std::string api_url;
  std::string ca_file;  // empty: the system's authorities
  std::string repo;
  std::string tag;  // empty: the latest release
  std::string asset;
  Secret token;  // empty: none
  std::int64_t max_bytes = 0;
  std::int64_t deadline_ms = 0;
};

/// With an archive (.tar.gz) and an empty folder: its files go into that.
struct UnpackArchive {
  std::int64_t max_bytes = 0;  // of all files together
  std::int64_t max_entries = 0;
};

using FetchOrder = std::variant<GetAsset, UnpackArchive>;
inline constexpr std::size_t kMaxFetchLine = 64 * 1024;

/// One line without its end. A secret is in it.
[[nodiscard]] std::string to_line(const FetchOrder& order);
[[nodiscard]] Result<FetchOrder> fetch_order_from(std::string_view line);

/// What the release says of the asset, before its bytes come.
struct AssetFound {
  std::string tag;
  std::int64_t size = 0;
  std::string digest;  // "sha256:<hex>", or empty: older assets have none
  bool operator==(const AssetFound&) const = default;
};
struct FetchProgress {
  std::int64_t bytes = 0;
  bool operator==(const FetchProgress&) const = default;
};
struct FetchDone {
  bool operator==(const FetchDone&) const = default;
};
/// An Error is the last report, like FetchDone.
using FetchReport = std::variant<AssetFound, FetchProgress, FetchDone, Error>;

[[nodiscard]] std::string to_line(const FetchReport& report);
[[nodiscard]] Result<FetchReport> fetch_report_from(std::string_view line);

}  // namespace dd::protocol
