#include "tools/log_sink.hpp"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "dd/config.hpp"
#include "dd/log.hpp"

namespace dd::tools {
namespace {

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
constexpr const char* kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

/// JSON string. In text it keeps what foreigners wrote on its line.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  return !text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+,;()[]{}<>~*?&%$#!|^'") ==
             std::string_view::npos;
}

std::string text_line(const log::Record& record) {
  std::string line(record.message);
  for (const auto& field : record.fields) {
    ((line += ' ') += field.name) += '=';
    if (is_plain(field.value))
      line += field.value;
    else
      append_quoted(line, field.value);
  }
  return line;
}

std::string json_line(const log::Record& record) {
  std::string line = R"("message":)";
  append_quoted(line, record.message);
  for (const auto& field : record.fields) {
    line += ',';
    append_quoted(line, field.name);
    line += ':';
    append_quoted(line, field.value);
  }
  return line;
}

spdlog::level::level_enum level_of(log::Level level) {
  switch (level) {
    case log::Level::debug:
      return spdlog::level::debug;
    case log::Level::info:
      return spdlog::level::info;
    case log::Level::warning:
      return spdlog::level::warn;
    case log::Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void declare(Config& config, LogOptions& options) {
  config.choice("DD_LOG_LEVEL", Trust::none, options.level, {"debug", "info", "warning", "error"},
                "The least level that is logged.");
  config.choice("DD_LOG_FORMAT", Trust::none, options.format, {"text", "json"}, "Form of the lines on standard error.");
}

void install_log_sink(const LogOptions& options) {
  const bool json = options.format == 1;
  auto logger = std::make_shared<spdlog::logger>("dd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(json ? kJsonPattern : kTextPattern, spdlog::pattern_time_type::utc));
  logger->set_level(level_of(static_cast<log::Level>(options.level)));
  logger->flush_on(spdlog::level::debug);
  log::set_sink([logger, json](const log::Record& record) {
    const auto level = level_of(record.level);
    if (logger->should_log(level))
      logger->log(level, spdlog::string_view_t(json ? json_line(record) : text_line(record)));
  });
}

}  // namespace dd::tools
