#include "libdd/agent/metrics.hpp"

#include <fstream>
#include <string>

namespace dd::agent {
namespace {

struct CpuTimes {
  std::int64_t total = 0;
  std::int64_t idle = 0;
};

CpuTimes cpu_times() {
  std::ifstream stat("/proc/stat");
  std::string name;
  stat >> name;
  CpuTimes times;
  std::int64_t value = 0;
  for (int column = 0; column < 8 && stat >> value; ++column) {
    times.total += value;
    if (column == 3 || column == 4) times.idle += value;  // idle, iowait
  }
  return times;
}

double cpu_percent() {
  static CpuTimes before;
  const auto now = cpu_times();
  const auto total = now.total - before.total;
  const auto idle = now.idle - before.idle;
  before = now;
  return total <= 0 ? 0.0 : 100.0 * static_cast<double>(total - idle) / static_cast<double>(total);
}

void read_memory(protocol::Metrics& metrics) {
  std::ifstream meminfo("/proc/meminfo");
  std::string name;
  std::string unit;
  std::int64_t kib = 0;
  std::int64_t available = 0;
  while (meminfo >> name >> kib) {
    std::getline(meminfo, unit);
    if (name == "MemTotal:") metrics.memory_total_mb = kib / 1024;
    if (name == "MemAvailable:") available = kib / 1024;
  }
  metrics.memory_used_mb = metrics.memory_total_mb - available;
}

}  // namespace

protocol::Metrics read_metrics() {
  protocol::Metrics metrics;
  metrics.cpu_percent = cpu_percent();
  std::ifstream("/proc/loadavg") >> metrics.load_1m;
  read_memory(metrics);
  return metrics;
}

}  // namespace dd::agent
