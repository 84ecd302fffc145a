#include "dd/log.hpp"

#include <utility>

namespace dd::log {
namespace {

Sink& sink() {
  static Sink instance;
  return instance;
}

void emit(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (const auto& out = sink()) out(Record{level, message, {fields.begin(), fields.size()}});
}

}  // namespace

void set_sink(Sink new_sink) { sink() = std::move(new_sink); }

void debug(std::string_view message, std::initializer_list<Field> fields) { emit(Level::debug, message, fields); }
void info(std::string_view message, std::initializer_list<Field> fields) { emit(Level::info, message, fields); }
void warning(std::string_view message, std::initializer_list<Field> fields) { emit(Level::warning, message, fields); }
void error(std::string_view message, std::initializer_list<Field> fields) { emit(Level::error, message, fields); }

}  // namespace dd::log
