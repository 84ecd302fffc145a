#include "libdd/enclave_client/terminal_bridge.hpp"

#include <nlohmann/json.hpp>

#include "libdd/core/json.hpp"

namespace dd::enclave_client {
namespace {

using net::WebSocket;
using protocol::AttachFrame;
using protocol::WindowSize;

/// Nothing for a text that is none: other texts are left to later versions.
std::optional<WindowSize> resize_from(std::string_view text) {
  const auto value = parse_json(text);
  if (!value) return std::nullopt;
  ObjectReader reader(*value, "$");
  const auto type = reader.text("type");
  const auto cols = reader.integer("cols", 1, WindowSize::kMaxWindow);
  const auto rows = reader.integer("rows", 1, WindowSize::kMaxWindow);
  if (reader.error() || type != "resize") return std::nullopt;
  return WindowSize{static_cast<std::uint16_t>(cols), static_cast<std::uint16_t>(rows)};
}

// Ends with the socket, and the command with it: closing the terminal wakes the other direction.
net::Task<void> type_in(std::shared_ptr<Terminal> terminal, std::shared_ptr<WebSocket> socket) {
  bool good = true;
  while (good) {
    auto message = co_await socket->read();
    if (!message) break;
    if (message->kind == WebSocket::Kind::binary)
      good = co_await terminal->write(std::move(message->bytes));
    else if (const auto size = resize_from(message->bytes))
      good = co_await terminal->resize(*size);
  }
  // A command that ended first has its exit on the way; without the socket nobody waits for that.
  if (good) terminal->close();
}

std::string exit_text(const AttachFrame& frame) {
  Json text = {{"type", "exit"}};
  const auto exit = protocol::command_exit_from(frame.payload);
  if (exit && exit->code) text["exit_code"] = *exit->code;
  if (exit && exit->signal) text["signal"] = *exit->signal;
  return to_text(text);
}

}  // namespace

net::Task<void> bridge(net::asio::any_io_executor executor, std::shared_ptr<Terminal> terminal,
                       std::shared_ptr<WebSocket> socket) {
  net::spawn(executor, type_in(terminal, socket), "input of a terminal");
  auto why = WebSocket::Close::going_away;
  for (bool good = true; good;) {
    auto frame = co_await terminal->read();
    if (!frame) break;
    if (frame->type == AttachFrame::Type::exit) {
      auto text = exit_text(*frame);
      co_await socket->write(WebSocket::Kind::text, std::move(text));
      why = WebSocket::Close::normal;
      break;
    }
    good = co_await socket->write(WebSocket::Kind::binary, std::move(frame->payload));
  }
  terminal->close();
  co_await socket->close(why, "the terminal is closed");
}

}  // namespace dd::enclave_client
