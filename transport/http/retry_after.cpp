#include "transport/http/retry_after.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

#include "transport/encoding.hpp"

namespace runtime_agent::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::sys_seconds;

unsigned month_number(std::string_view name) {
  constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? 0 : static_cast<unsigned>(found - names.begin()) + 1;
}

struct DateParts {
  int year = 0;
  std::array<char, 4> month{};
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

std::optional<sys_seconds> to_time(const DateParts& parts) {
  using namespace std::chrono;
  const auto date = std::chrono::year(parts.year) / static_cast<int>(month_number(parts.month.data())) / parts.day;
  const bool time_ok = parts.hour >= 0 && parts.hour < 24 && parts.minute >= 0 && parts.minute < 60 &&
                       parts.second >= 0 && parts.second <= 60;
  if (!date.ok() || !time_ok)
    return std::nullopt;
  return sys_seconds(sys_days(date)) + hours(parts.hour) + minutes(parts.minute) + seconds(parts.second);
}

/// The three forms: IMF-fixdate, RFC 850's and asctime's. Not strptime: it takes the names from the locale.
std::optional<sys_seconds> parse_http_date(const std::string& text) {
  DateParts parts;
  int end = 0;
  const auto whole = [&] { return end > 0 && static_cast<std::size_t>(end) == text.size(); };
  if (std::sscanf(text.c_str(), "%*3[A-Za-z], %2d %3s %4d %2d:%2d:%2d GMT%n", &parts.day, parts.month.data(),
                  &parts.year, &parts.hour, &parts.minute, &parts.second, &end) == 6 &&
      whole())
    return to_time(parts);
  if (std::sscanf(text.c_str(), "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &parts.day, parts.month.data(),
                  &parts.year, &parts.hour, &parts.minute, &parts.second, &end) == 6 &&
      whole()) {
    parts.year += parts.year < 70 ? 2000 : 1900;
    return to_time(parts);
  }
  if (std::sscanf(text.c_str(), "%*3[A-Za-z] %3s %2d %2d:%2d:%2d %4d%n", parts.month.data(), &parts.day, &parts.hour,
                  &parts.minute, &parts.second, &parts.year, &end) == 6 &&
      whole())
    return to_time(parts);
  return std::nullopt;
}

} // namespace

std::optional<RetryAfter> parse_retry_after(std::string_view text, std::chrono::system_clock::time_point now) {
  text = trimmed(text);
  if (text.empty() || text.size() > 64)
    return std::nullopt;
  milliseconds asked = longest_retry_after + milliseconds(1);
  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    if (text.size() <= 9) // longer ones are more than the limit in any case, and maybe more than fits
      asked = std::chrono::seconds(std::stol(std::string(text)));
  } else {
    const auto date = parse_http_date(std::string(text));
    if (!date)
      return std::nullopt;
    asked = std::chrono::duration_cast<milliseconds>(*date - now);
  }
  return RetryAfter{std::clamp(asked, milliseconds(0), longest_retry_after), asked > longest_retry_after};
}

} // namespace runtime_agent::http
