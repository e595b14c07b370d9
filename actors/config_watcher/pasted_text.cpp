#include "actors/config_watcher/pasted_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "transport/code_point.hpp"
#include "transport/encoding.hpp"

namespace runtime_agent::config_watcher {
namespace {

struct Character {
  char32_t code;
  std::size_t bytes;
};
constexpr char32_t no_text = 0x110000; // of a byte that is no UTF-8

Character first_of(std::string_view text) {
  const auto point = first_code_point(text);
  return point ? Character{point->value, point->length} : Character{no_text, 1};
}

Character last_of(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xc0U) == 0x80)
    --begin;
  const Character last = first_of(text.substr(begin));
  return begin + last.bytes == text.size() ? last : Character{no_text, 1};
}

/// Unicode's White_Space, Default_Ignorable_Code_Point and controls, but for ASCII's blank.
bool invisible(char32_t code) {
  struct Range {
    char32_t first, last;
  };
  constexpr std::array<Range, 23> ranges = {{
      {0x0000, 0x001f}, {0x007f, 0x00a0}, {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x061c, 0x061c},   {0x115f, 0x1160},
      {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x180b, 0x180f},   {0x2000, 0x200f},   {0x2028, 0x202f},   {0x205f, 0x206f},
      {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
      {0xfff0, 0xfffb}, {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
  }};
  return std::any_of(ranges.begin(), ranges.end(),
                     [code](Range range) { return code >= range.first && code <= range.last; });
}

bool blank_or_invisible(char32_t code) {
  return code == ' ' || invisible(code);
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

} // namespace

std::string_view without_invisible_ends(std::string_view text) {
  while (!text.empty() && blank_or_invisible(first_of(text).code))
    text.remove_prefix(first_of(text).bytes);
  while (!text.empty() && blank_or_invisible(last_of(text).code))
    text.remove_suffix(last_of(text).bytes);
  return text;
}

std::optional<std::string> invisible_within(std::string_view text) {
  for (std::size_t position = 1; !text.empty(); ++position) {
    const auto [code, bytes] = first_of(text);
    const auto number = static_cast<std::uint32_t>(code);
    if (code == no_text)
      return fmt::format("is not valid UTF-8 at character {}", position);
    if (code < 0x20 || code == 0x7f)
      return fmt::format("contains the control character U+{:04X} at position {} (a line break within the value?)",
                         number, position);
    if (invisible(code))
      return fmt::format("contains the invisible character U+{:04X} at position {}: retype the value, or copy it from "
                         "plain text",
                         number, position);
    text.remove_prefix(bytes);
  }
  return std::nullopt;
}

std::optional<std::string> quotes_around(std::string_view text) {
  constexpr std::array<char32_t, 11> marks = {'"',    '\'',   '`',    0x00ab, 0x00bb, 0x2018,
                                              0x2019, 0x201c, 0x201d, 0x201e, 0x00b4};
  const auto is_mark = [&](char32_t code) { return std::find(marks.begin(), marks.end(), code) != marks.end(); };
  if (text.empty() || (!is_mark(first_of(text).code) && !is_mark(last_of(text).code)))
    return std::nullopt;
  return "begins or ends with a quotation mark: set the value without quotes";
}

std::optional<std::string> no_bare_token(std::string_view token) {
  const auto begins = [token](std::string_view word) { return token.starts_with(word); };
  if (token.find_first_of(" \t\r\n") != std::string_view::npos || begins("{") || begins("[") || begins("TOKEN:") ||
      begins("TOKEN=") || begins("token:"))
    return "is more than a token (the whole output of a command?): set only the token";
  // A token is random: what decodes to twelve bytes and more of plain text is no token but its encoding.
  constexpr std::size_t least_decoded = 12;
  const auto decoded = base64_decode(token);
  const std::string_view text = decoded ? trimmed(*decoded) : std::string_view();
  if (text.size() < least_decoded || !printable(text))
    return std::nullopt;
  if (text.starts_with("{"))
    return "is base64 of a JSON object (Compass' rawEncoded?): set only the token, as in Compass' field token";
  return "is base64-encoded text (encoded twice?): a ConfigMap's data and a Secret's stringData take the token "
         "itself, a Secret's data its base64";
}

} // namespace runtime_agent::config_watcher
