#include "libdd/net/tcp_listeners.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "libdd/core/decimal.hpp"
#include "libdd/net/tcp_diag.hpp"

namespace dd::net {
namespace {

namespace ip = boost::asio::ip;

constexpr const char* kListening = "0A";
constexpr const char* kEstablished = "01";
constexpr std::array kTables = {"/proc/net/tcp", "/proc/net/tcp6"};
constexpr std::size_t kWordDigits = 8;

std::optional<std::uint32_t> hex_number(std::string_view digits) {
  std::uint32_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, value, 16);
  if (digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

// Words of 32 bits, each printed as this machine's number over bytes in network order.
template <std::size_t kBytes>
std::optional<std::array<unsigned char, kBytes>> address_bytes(std::string_view digits) {
  std::array<unsigned char, kBytes> bytes{};
  for (std::size_t word = 0; word * sizeof(std::uint32_t) < kBytes; ++word) {
    const auto value = hex_number(digits.substr(word * kWordDigits, kWordDigits));
    if (!value) return std::nullopt;
    const auto raw = std::bit_cast<std::array<unsigned char, sizeof(std::uint32_t)>>(*value);
    std::copy(raw.begin(), raw.end(), bytes.begin() + static_cast<std::ptrdiff_t>(word * raw.size()));
  }
  return bytes;
}

std::optional<ip::address> address_of(std::string_view digits) {
  if (digits.size() == kWordDigits) {
    const auto bytes = address_bytes<4>(digits);
    return bytes ? std::optional<ip::address>(ip::address_v4(*bytes)) : std::nullopt;
  }
  if (digits.size() != 4 * kWordDigits) return std::nullopt;
  const auto bytes = address_bytes<16>(digits);
  return bytes ? std::optional<ip::address>(ip::address_v6(*bytes)) : std::nullopt;
}

struct Columns {
  std::string local;
  std::string state;
  std::string uid;
  std::string inode;
};

Columns columns_of(const std::string& line) {
  std::istringstream words(line);
  Columns columns;
  std::string skipped;
  // slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode
  words >> skipped >> columns.local >> skipped >> columns.state >> skipped >> skipped >> skipped >> columns.uid >>
      skipped >> columns.inode;
  return columns;
}

std::optional<std::uint16_t> port_of(const Columns& columns) {
  const auto colon = columns.local.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto port = hex_number(std::string_view(columns.local).substr(colon + 1));
  if (!port || *port > UINT16_MAX) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

std::optional<TcpListener> listener_of(const Columns& columns) {
  const auto port = port_of(columns);
  if (!port) return std::nullopt;
  const auto address = address_of(std::string_view(columns.local).substr(0, columns.local.rfind(':')));
  const auto uid = decimal<uid_t>(columns.uid);
  const auto inode = decimal<std::uint64_t>(columns.inode);
  if (!address || !uid || !inode) return std::nullopt;
  return TcpListener{*address, *port, *uid, *inode};
}

}  // namespace

std::vector<TcpListener> tcp_listeners_in(std::istream& table) {
  std::vector<TcpListener> found;
  std::string line;
  std::getline(table, line);  // heading
  while (std::getline(table, line)) {
    const auto columns = columns_of(line);
    if (columns.state != kListening) break;
    if (auto listener = listener_of(columns)) found.push_back(*std::move(listener));
  }
  return found;
}

std::vector<TcpListener> tcp_listeners() {
  auto found = listeners_by_diag();
  auto listeners = found ? *std::move(found) : listeners_by_tables();
  for (auto& one : listeners)
    if (one.address.is_v6() && one.address.to_v6().is_v4_mapped())
      one.address = ip::make_address_v4(ip::v4_mapped, one.address.to_v6());
  return listeners;
}

std::vector<TcpListener> listeners_by_tables() {
  std::vector<TcpListener> all;
  for (const auto* name : kTables) {
    std::ifstream table(name);
    const auto found = tcp_listeners_in(table);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::size_t connections_in(std::istream& table, const std::set<std::uint16_t>& ports) {
  std::size_t count = 0;
  std::string line;
  std::getline(table, line);  // heading
  while (std::getline(table, line)) {
    const auto columns = columns_of(line);
    if (columns.state != kEstablished) continue;
    const auto port = port_of(columns);
    if (port && ports.contains(*port)) ++count;
  }
  return count;
}

std::size_t connections_at(const std::set<std::uint16_t>& ports) {
  std::size_t count = 0;
  for (const auto* name : kTables) {
    std::ifstream table(name);
    count += connections_in(table, ports);
  }
  return count;
}

}  // namespace dd::net
