#include "app/presentation/quantities.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace runtime_agent::app {

std::string duration_text(std::chrono::nanoseconds duration) {
  return duration_text(std::chrono::duration<double>(duration).count());
}

std::string duration_text(double seconds) {
  if (seconds < 0)
    return "-" + duration_text(-seconds);
  if (seconds < 0.9995e-3)
    return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 0.9995)
    return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 59.995)
    return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  const auto two = [](long long large, const char* unit, long long small, const char* rest) {
    return small == 0 ? fmt::format("{} {}", large, unit) : fmt::format("{} {} {} {}", large, unit, small, rest);
  };
  if (whole < 3600)
    return two(whole / 60, "min", whole % 60, "s");
  if (whole < 86400)
    return two(whole / 3600, "h", whole % 3600 / 60, "min");
  return two(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string relative_text(std::chrono::system_clock::time_point time, std::chrono::system_clock::time_point now) {
  const double seconds = std::chrono::duration<double>(now - time).count();
  if (std::abs(seconds) < 1)
    return "just now";
  const std::string span = duration_text(std::floor(std::abs(seconds)));
  const auto point = span.find(".00 s");
  const std::string whole = point == std::string::npos ? span : span.substr(0, point) + " s";
  return seconds > 0 ? whole + " ago" : "in " + whole;
}

std::string bytes_text(std::uint64_t bytes) {
  const auto number = static_cast<double>(bytes);
  if (bytes < 1000)
    return fmt::format("{} B", bytes);
  return bytes < 1'000'000 ? fmt::format("{:.1f} kB", number / 1e3) : fmt::format("{:.1f} MB", number / 1e6);
}

std::string precise_timestamp(std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(seconds.count())),
                     (since - seconds).count());
}

std::optional<std::chrono::system_clock::time_point> parse_timestamp(const std::string& text) {
  std::tm tm{};
  double seconds = 0;
  char zone = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                  &tm.tm_min, &seconds, &zone) != 7 ||
      zone != 'Z')
    return std::nullopt;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  const auto milliseconds = std::chrono::milliseconds(std::llround(seconds * 1000));
  return std::chrono::system_clock::from_time_t(timegm(&tm)) + milliseconds;
}

} // namespace runtime_agent::app
