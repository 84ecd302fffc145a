// A workload to deploy: answers every request on 127.0.0.1 with "hello from <host>". It knows nothing of libdd.
//
// hello [--with-child] [PORT]      or PORT in the environment; 18080 otherwise
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kMaxHead = 16 * 1024;
constexpr std::size_t kMaxConnections = 256;

struct Connection {
  int socket;
  std::string received;
};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || strncasecmp(a.data(), b.data(), a.size()) == 0);
}

// The value of a header of a request head, or nothing.
std::string_view header(std::string_view head, std::string_view name) {
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':' || !same_word(line.substr(0, name.size()), name))
      continue;
    const auto start = line.find_first_not_of(" \t", name.size() + 1);
    return start == std::string_view::npos ? std::string_view() : line.substr(start);
  }
  return {};
}

// Bodies are not read: what could be mistaken for the next request ends the connection.
bool keeps_open(std::string_view head) {
  const auto first_line = head.substr(0, head.find("\r\n"));
  const bool has_body = !header(head, "Content-Length").empty() || !header(head, "Transfer-Encoding").empty();
  return first_line.ends_with("HTTP/1.1") && !has_body && !same_word(header(head, "Connection"), "close");
}

bool answer(int socket, std::string_view head) {
  const bool keep = keeps_open(head);
  const auto body = "hello from " + std::string(header(head, "Host")) + "\n";
  const auto text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
                    (keep ? "" : "\r\nConnection: close") + "\r\n\r\n" + (head.starts_with("HEAD ") ? "" : body);
  return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()) && keep;
}

// False when the connection is over.
bool serve(Connection& connection) {
  char buffer[4096];
  const auto got = recv(connection.socket, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got <= 0) return false;
  connection.received.append(buffer, static_cast<std::size_t>(got));
  for (std::size_t end; (end = connection.received.find("\r\n\r\n")) != std::string::npos;) {
    if (!answer(connection.socket, std::string_view(connection.received).substr(0, end + 2))) return false;
    connection.received.erase(0, end + 4);
  }
  return connection.received.size() <= kMaxHead;
}

int listen_on(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return bound && listen(listener, 128) == 0 ? listener : -1;
}

void serve_all(int listener) {
  std::vector<Connection> connections;
  for (;;) {
    std::vector<pollfd> waiting{{listener, POLLIN, 0}};
    for (const auto& connection : connections) waiting.push_back({connection.socket, POLLIN, 0});
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    for (auto i = connections.size(); i > 0; --i) {
      if (waiting[i].revents == 0 || serve(connections[i - 1])) continue;
      close(connections[i - 1].socket);
      connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    if (waiting[0].revents == 0) continue;
    if (const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); socket >= 0)
      connections.push_back({socket, {}});
    if (connections.size() <= kMaxConnections) continue;
    close(connections.front().socket);
    connections.erase(connections.begin());
  }
}

}  // namespace

int main(int argc, char** argv, char** environment) {
  int port = 18080;
  for (; *environment != nullptr; ++environment)
    if (std::string_view(*environment).starts_with("PORT=")) port = atoi(*environment + 5);
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--with-child")
      port = atoi(argv[i]);
    else if (fork() == 0)
      for (;;) pause();  // somebody a runtime must not leave behind
  }
  signal(SIGTERM, [](int) { _exit(0); });
  const int listener = port > 0 && port < 65536 ? listen_on(port) : -1;
  dprintf(listener < 0 ? 2 : 1, "%s on 127.0.0.1:%d\n", listener < 0 ? "cannot listen" : "listening", port);
  if (listener < 0) return 1;
  serve_all(listener);
}
