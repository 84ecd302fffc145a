// Logging with fields. The library emits records; the program installs the sink (tools/ use spdlog).
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace dd::log {

/// error: someone must act. warning: we carry on, degraded. info: start, stop, registration, deployment, eviction.
enum class Level { debug, info, warning, error };

/// A name and its value as text. There is no conversion from dd::Secret, on purpose.
struct Field {
  std::string_view name;
  std::string value;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  Field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v ? "true" : "false") {}
  template <std::integral T>
  Field(std::string_view n, T v) : name(n), value(std::to_string(v)) {}
};

/// One line of the log. Borrowed for the call only.
struct Record {
  Level level = Level::info;
  std::string_view message;
  std::span<const Field> fields;
};

using Sink = std::function<void(const Record&)>;

/// Replaces the sink; without one records vanish. Call it before the first thread starts. The sink is called from
/// any thread and must be thread-safe.
void set_sink(Sink sink);

/// Emit one record. `message` is fixed text; whatever varies is a field.
void debug(std::string_view message, std::initializer_list<Field> fields = {});
void info(std::string_view message, std::initializer_list<Field> fields = {});
void warning(std::string_view message, std::initializer_list<Field> fields = {});
void error(std::string_view message, std::initializer_list<Field> fields = {});

}  // namespace dd::log
