#include "app/web_target.hpp"

#include <charconv>

namespace runtime_agent::app {
namespace {

/// The byte that an escape at the start of `text` stands for; -1: there is none.
int escaped_byte(std::string_view text) {
  unsigned value = 0;
  if (text.size() < 3 || text[0] != '%')
    return -1;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 3, value, 16);
  return error == std::errc() && end == text.data() + 3 ? static_cast<int>(value) : -1;
}

std::string decoded(std::string_view text, bool plus_is_blank) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (const int byte = escaped_byte(text.substr(i)); byte >= 0) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

/// What stands before `separator`, which is taken away with it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return taken;
}

} // namespace

WebTarget read_target(std::string_view target) {
  WebTarget result;
  result.path = decoded(take_until(target, '?'), false);
  while (!target.empty()) {
    std::string_view value = take_until(target, '&');
    const std::string_view name = take_until(value, '=');
    if (!name.empty())
      result.query.emplace(decoded(name, true), decoded(value, true));
  }
  return result;
}

} // namespace runtime_agent::app
