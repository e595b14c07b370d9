#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

/// HTML that cannot be made from text by accident: text becomes Markup only escaped.
namespace runtime_agent::app {

using Json = nlohmann::ordered_json;

/// Text for an element's content or an attribute in double quotes. Control characters, direction marks and what is no
/// UTF-8 are replaced as well (printable()).
std::string escaped(std::string_view text);

/// A piece of HTML that is safe to put into a page.
class Markup {
public:
  Markup() = default;
  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  Markup& operator+=(const Markup& more) {
    text_ += more.text_;
    return *this;
  }

private:
  explicit Markup(std::string text) : text_(std::move(text)) {}
  std::string text_;

  template <std::size_t N, class... Arguments>
  friend Markup html(const char (&format)[N], const Arguments&... arguments);
};

namespace detail {

inline std::string piece(const Markup& markup) {
  return markup.text();
}
template <class Value>
std::string piece(const Value& value) {
  if constexpr (std::is_same_v<Value, Json>)
    return escaped(value.is_string() ? value.template get_ref<const std::string&>() : value.dump());
  else if constexpr (std::is_convertible_v<const Value&, std::string_view>)
    return escaped(value);
  else {
    static_assert(std::is_arithmetic_v<Value>);
    return fmt::format("{}", value);
  }
}

} // namespace detail

/// Fills the places `{}` of a literal: Markup goes in as it stands, everything else escaped.
template <std::size_t N, class... Arguments>
Markup html(const char (&format)[N], const Arguments&... arguments) {
  return Markup(fmt::format(fmt::runtime(std::string_view(format, N - 1)), detail::piece(arguments)...));
}

} // namespace runtime_agent::app
