#include "actors/supervision/log.hpp"
#include "actors/supervision/log_level.hpp"
#include "actors/supervision/log_writer.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "transport/printable.hpp"
#include "transport/trace_context.hpp"

namespace runtime_agent::log {
namespace {

std::atomic<Format> present_format{Format::text};

std::atomic<Level> present_level{Level::info};

spdlog::level::level_enum spdlog_level(Level level) {
  constexpr std::array levels = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err,
                                 spdlog::level::off};
  return levels[static_cast<std::size_t>(level)];
}

std::string in_quotes(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     milliseconds);
}

/// Where lines go. Never destroyed: its thread may be stuck in a write while the process ends, and others may still
/// log.
LineWriter& writer() {
  static LineWriter& instance = [&]() -> LineWriter& {
    std::atexit([] { flush(longest_flush); });
    return *new LineWriter(STDERR_FILENO, [](std::uint64_t lines) {
      return render(present_format, Level::warning, "log lines were dropped: they could not be written in time",
                    {{"dropped", lines}}, now_text(), {});
    });
  }();
  return instance;
}

/// The writer has a lock of its own.
class WriterSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& message) override {
    writer().push({message.payload.data(), message.payload.size()}); // the line is rendered already, whole
  }
  void flush_() override {}
};

spdlog::logger& logger() {
  static auto& instance = *new spdlog::logger("runtime-agent", std::make_shared<WriterSink>());
  return instance;
}

} // namespace

Field Field::json(std::string_view name, const std::string& text) {
  Field field(name, text);
  field.quoted = false;
  return field;
}

void configure(Format format, Level level) {
  present_format = format;
  set_level(level);
}

std::string_view to_string(Level level) {
  constexpr std::array names = {std::string_view("debug"), std::string_view("info"), std::string_view("warning"),
                                std::string_view("error"), std::string_view("off")};
  return names[static_cast<std::size_t>(level)];
}

Level level() {
  return present_level;
}

void set_level(Level level) {
  present_level = level;
  logger().set_level(spdlog_level(level));
}

std::string render(Format format, Level level, std::string_view sentence, Fields fields, std::string_view time,
                   std::string_view trace) {
  std::string line;
  // Texts from outside: the JSON form escapes what a terminal obeys, the other one replaces it.
  if (format == Format::json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","msg":{})", time, to_string(level), in_quotes(sentence));
    for (const Field& field : fields)
      line += fmt::format(",{}:{}", in_quotes(field.key), field.quoted ? in_quotes(field.value) : field.value);
    if (!trace.empty())
      line += fmt::format(R"(,"trace":"{}")", trace);
    return printable_json(line) + "}";
  }
  line = fmt::format("{} {:<7} {}", time, to_string(level), sentence);
  for (const Field& field : fields) {
    const bool plain = !field.quoted || field.value.find_first_of(" \"\n\t=") == std::string::npos;
    line += fmt::format(" {}={}", field.key, plain ? field.value : in_quotes(field.value));
  }
  return printable(trace.empty() ? line : line + fmt::format(" trace={}", trace));
}

void write(Level level, std::string_view sentence, Fields fields) {
  if (!logger().should_log(spdlog_level(level)))
    return;
  const TraceContext& trace = present_trace();
  logger().log(spdlog_level(level), render(present_format, level, sentence, fields, now_text(),
                                           trace.valid() ? trace.uuid() : std::string()));
}

bool flush(std::chrono::milliseconds limit) noexcept {
  return writer().flush(limit);
}

std::uint64_t dropped_lines() {
  return writer().dropped();
}

} // namespace runtime_agent::log
