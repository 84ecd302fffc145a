// What a workload of the tests does: it tries what it must not be able to, and says how that went in one line.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

/// "allowed", or "refused: <errno>".
void say(bool allowed) {
  if (allowed)
    std::puts("allowed");
  else
    std::printf("refused: %s\n", std::strerror(errno));
  std::fflush(stdout);
}

void try_open(const std::string& path, int flags) { say(open(path.c_str(), flags) >= 0); }

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

/// Sends one line and prints the answer.
void exchange(int fd, std::string line) {
  line += '\n';
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) return say(false);
  std::string answer;
  for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) answer += c;
  std::puts(answer.c_str());
  std::fflush(stdout);
}

int capability_fd() {
  const char* told = std::getenv("DD_CAP_FD");
  return told == nullptr ? 3 : std::atoi(told);
}

void print_descriptors() {
  for (int fd = 0; fd < 1024; ++fd)
    if (fcntl(fd, F_GETFD) >= 0) std::printf("%d ", fd);
  std::puts("");
}

/// Says so, and lives until it is stopped.
void listen_on(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 8) != 0)
    return say(false);
  std::puts("listening");
  std::fflush(stdout);
  for (;;) pause();
}

/// In a session of its own, as an orphan.
void listen_away_on(int port) {
  if (fork() == 0) {
    setsid();
    if (fork() == 0) listen_on(port);
    _exit(0);
  }
  for (;;) pause();
}

/// Says which sockets it inherited, takes one connection at each port in turn, which it answers with its process id, and ends.
void serve_inherited() {
  const char* count = std::getenv("LISTEN_FDS");
  const char* pid = std::getenv("LISTEN_PID");
  std::printf("inherited %s as %s, %s\n", count == nullptr ? "none" : count, std::getenv("LISTEN_FDNAMES"),
              pid != nullptr && std::to_string(getpid()) == pid ? "mine" : "not mine");
  std::fflush(stdout);
  for (int fd = 3; fd < 3 + std::atoi(count); ++fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const auto port = reinterpret_cast<const sockaddr_in&>(address).sin_port;  // at the same place in both families
    std::printf("at %s %d\n", address.ss_family == AF_INET6 ? "::1" : "127.0.0.1", ntohs(port));
    std::fflush(stdout);
    pollfd ready{fd, POLLIN, 0};
    poll(&ready, 1, -1);
    const int one = accept(fd, nullptr, nullptr);
    const auto answer = std::to_string(getpid());
    if (write(one, answer.data(), answer.size()) < 0) return say(false);
    close(one);
  }
}

/// A grandchild in a session of its own, orphaned, that does not mind SIGTERM.
void leave_the_group() {
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    signal(SIGTERM, SIG_IGN);
    std::printf("away %d\n", getpid());
    std::fflush(stdout);
    for (;;) pause();
  }
  for (;;) pause();
}

/// The first process goes on SIGTERM, its child in the same group only when it is killed.
void leave_a_stubborn_child() {
  if (fork() == 0) {
    signal(SIGTERM, SIG_IGN);
    std::printf("stubborn %d\n", getpid());
    std::fflush(stdout);
  }
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  const std::string subject = argc > 2 ? argv[2] : "";
  const auto pid = static_cast<pid_t>(std::atoi(subject.c_str()));
  if (verb == "read-memory") try_open("/proc/" + subject + "/mem", O_RDONLY);
  if (verb == "write-memory") try_open("/proc/" + subject + "/mem", O_RDWR);
  if (verb == "trace") say(ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) == 0);
  if (verb == "read-environment") try_open("/proc/" + subject + "/environ", O_RDONLY);
  if (verb == "take-capability") try_open("/proc/" + subject + "/fd/3", O_RDWR);
  if (verb == "signal") say(kill(pid, SIGTERM) == 0);
  if (verb == "connect") say(connect_to(subject.c_str()) >= 0);
  if (verb == "write-file") try_open(subject, O_WRONLY | O_CREAT);
  if (verb == "become-root") say(setuid(0) == 0);
  if (verb == "list-folder") try_open(subject, O_RDONLY | O_DIRECTORY);
  if (verb == "capability") exchange(capability_fd(), subject);
  if (verb == "ask") exchange(connect_to(subject.c_str()), argv[3]);
  if (verb == "descriptors") print_descriptors();
  if (verb == "listen") listen_on(std::atoi(subject.c_str()));
  if (verb == "listen-away") listen_away_on(std::atoi(subject.c_str()));
  if (verb == "serve-inherited") serve_inherited();
  if (verb == "leave-group") leave_the_group();
  if (verb == "leave-child") leave_a_stubborn_child();
  if (verb == "ignore-term") signal(SIGTERM, SIG_IGN), std::puts("ready"), std::fflush(stdout), pause();
  return 0;
}
