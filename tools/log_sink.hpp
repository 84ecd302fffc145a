// Where the executables' logs go: standard error, through spdlog.
#pragma once

#include <cstddef>

namespace dd {
class Config;
}

namespace dd::tools {

struct LogOptions {
  std::size_t level = 1;   // debug, info, warning, error
  std::size_t format = 0;  // text, json
};

/// Declares DD_LOG_LEVEL and DD_LOG_FORMAT.
void declare(Config& config, LogOptions& options);

/// Sends the library's records to standard error, one line each. Text: `TIME LEVEL message name=value …`. JSON: an object with `time`, `level`,
/// `message` and the fields.
void install_log_sink(const LogOptions& options);

}  // namespace dd::tools
