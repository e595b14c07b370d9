#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "transport/failure.hpp"

/// Log lines: a constant sentence plus fields, as JSON lines or text (`APP_LOG_FORMAT`). A Secret has no way in.
/// Logging never blocks (log_writer.hpp): nothing that the agent does may depend on who reads its log.
namespace runtime_agent::log {

/// `off` is for tests that make many actors die.
enum class Level { debug, info, warning, error, off };
enum class Format { json, text };

/// Until it is called, lines go out as text from `info` on. Not thread-safe: called once, at the start.
void configure(Format format, Level level);
/// Thread-safe: at run time.
void set_level(Level level);

struct Field {
  std::string key;
  std::string value;
  bool quoted = true; ///< JSON: a string; otherwise a number or a boolean as it stands

  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, bool truth) : key(name), value(truth ? "true" : "false"), quoted(false) {}
  template <class Number>
  requires std::is_arithmetic_v<Number> Field(std::string_view name, Number number)
      : key(name), value(fmt::format("{}", number)), quoted(false) {}
  /// A value that is JSON already, put in as it stands.
  static Field json(std::string_view name, const std::string& text);
};
using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view sentence, Fields fields);

/// How long the end of the process waits for lines that are still to be written. An ordinary end does so by itself.
inline constexpr std::chrono::milliseconds longest_flush{500};
/// Waits until what was logged before is written, at most `limit`; whether it is. For an end by _Exit, and for the
/// handler of a signal.
bool flush(std::chrono::milliseconds limit = longest_flush) noexcept;
/// Lines that could not be written in time, since the process began.
std::uint64_t dropped_lines();

inline void debug(std::string_view sentence, Fields fields = {}) {
  write(Level::debug, sentence, fields);
}
inline void info(std::string_view sentence, Fields fields = {}) {
  write(Level::info, sentence, fields);
}
inline void warning(std::string_view sentence, Fields fields = {}) {
  write(Level::warning, sentence, fields);
}
inline void error(std::string_view sentence, Fields fields = {}) {
  write(Level::error, sentence, fields);
}

/// One line, without its end: what `write` prints. For tests, too.
std::string render(Format format, Level level, std::string_view sentence, Fields fields, std::string_view time,
                   std::string_view trace);

} // namespace runtime_agent::log
