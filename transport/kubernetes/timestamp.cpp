#include "transport/kubernetes/timestamp.hpp"

#include <algorithm>
#include <charconv>

namespace runtime_agent::kubernetes {
namespace {

/// Takes fixed pieces off the front; once something does not fit, nothing fits any more.
class Reader {
public:
  explicit Reader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count)
      return fail();
    const char* end = rest_.data() + count;
    const auto [stopped, error] = std::from_chars(rest_.data(), end, value);
    if (error != std::errc() || stopped != end || value < 0 || rest_.front() == '-')
      return fail();
    rest_.remove_prefix(count);
    return value;
  }
  bool one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos)
      return false;
    last_ = rest_.front();
    rest_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view characters) { good_ = one_of(characters) && good_; }
  void skip_digits() {
    expect("0123456789");
    while (one_of("0123456789")) {
    }
  }
  char last() const { return last_; }
  bool complete() const { return good_ && rest_.empty(); }

private:
  int fail() {
    good_ = false;
    return 0;
  }
  std::string_view rest_;
  char last_ = 0;
  bool good_ = true;
};

std::chrono::minutes offset_of(Reader& reader) {
  reader.expect("Zz+-");
  const char sign = reader.last();
  if (sign != '+' && sign != '-')
    return {};
  const std::chrono::hours hours(reader.digits(2));
  reader.expect(":");
  const std::chrono::minutes offset = hours + std::chrono::minutes(reader.digits(2));
  return sign == '+' ? offset : -offset;
}

} // namespace

std::optional<std::chrono::system_clock::time_point> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  Reader reader(text);
  const year years(reader.digits(4));
  reader.expect("-");
  const month months(static_cast<unsigned>(reader.digits(2)));
  reader.expect("-");
  const day days(static_cast<unsigned>(reader.digits(2)));
  reader.expect("Tt");
  const hours hour(reader.digits(2));
  reader.expect(":");
  const minutes minute(reader.digits(2));
  reader.expect(":");
  const seconds second(reader.digits(2)); // 60 is a leap second: the next minute's first
  if (reader.one_of("."))
    reader.skip_digits();
  const minutes offset = offset_of(reader);
  const year_month_day date{years, months, days};
  if (!reader.complete() || !date.ok() || hour > 23h || minute > 59min || second > 60s)
    return std::nullopt;
  const auto time = sys_days(date) + hour + minute + second - offset;
  return std::clamp<sys_seconds>(time, sys_days(1700y / 1 / 1), sys_days(2200y / 1 / 1));
}

} // namespace runtime_agent::kubernetes
