// What the mains of the daemons share: flags, configuration from the environment, signals, exit codes.
#pragma once

#include <cstdio>
#include <stop_token>

#include "dd/config.hpp"
#include "tools/log_sink.hpp"
#include "tools/mode.hpp"
#include "tools/signals.hpp"

namespace dd::tools {

/// Exit codes: stopped as asked, could not go on, could not understand what was wanted.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2 };

struct ServiceText {
  const char* name;     // "dd-enclave"
  const char* summary;  // one line
  Mode mode = Mode::unset;  // what DD_MODE or a first word may say, if anything
};

/// What argv asks for beside serving. `handled` is set when the flag was answered (or refused) and the program is to exit with `code`.
struct FlagOutcome {
  bool handled = false;
  int code = kExitOk;
};
[[nodiscard]] FlagOutcome answer_flags(int argc, char** argv, const ServiceText& text, const Config& config);

/// Prints "<name>: <message>" to standard error.
void complain(const ServiceText& text, const Error& error);

/// `Service` has static create(Options) → Result<unique_ptr<Service>> and run(stop_token) → Result<void>; declare(Config&, Options&) is found by
/// its arguments. Serves until SIGTERM or SIGINT.
template <class Service, class Options>
int service_main(int argc, char** argv, const ServiceText& text, Options options = {}) {
  if (text.mode != Mode::unset && !fits(take_mode(argc, argv), text.mode, text.name)) return kExitUsage;
  LogOptions log_options;
  Config config;
  declare(config, options);
  declare(config, log_options);
  if (const auto flags = answer_flags(argc, argv, text, config); flags.handled) return flags.code;
  if (const auto loaded = config.load_environment(); !loaded) {
    complain(text, loaded.error());
    return kExitUsage;
  }
  install_log_sink(log_options);

  const SignalStop signals;
  auto service = Service::create(std::move(options));
  if (!service) {
    complain(text, service.error());
    return kExitFailed;
  }
  if (const auto ended = (*service)->run(signals.token()); !ended) {
    complain(text, ended.error());
    return kExitFailed;
  }
  return kExitOk;
}

}  // namespace dd::tools
