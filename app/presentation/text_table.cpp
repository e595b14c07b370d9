#include "app/presentation/text_table.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "transport/code_point.hpp"

namespace runtime_agent::app {
namespace {

/// Control characters, and the marks that turn the direction of what follows or take no place.
bool obeyed_by_terminals(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

constexpr std::string_view replacement = "\xef\xbf\xbd";

} // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto point = first_code_point(text);
    const std::size_t length = point ? point->length : 1;
    if (point && (point->value == '\n' || point->value == '\t' || point->value == '\r'))
      result += ' ';
    else if (!point || obeyed_by_terminals(point->value))
      result += replacement;
    else
      result += text.substr(0, length);
    text.remove_prefix(length);
  }
  return result;
}

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

TextTable::TextTable(std::vector<std::string> header) : header_(std::move(header)) {}

void TextTable::row(std::vector<std::string> cells) {
  cells.resize(header_.size());
  for (std::string& cell : cells)
    cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::text(std::string_view indent) const {
  constexpr std::size_t gap = 2;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    widths.push_back(display_width(header_[i]));
    for (const auto& cells : rows_)
      widths[i] = std::max(widths[i], display_width(cells[i]));
  }
  std::string result;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line(indent);
    for (std::size_t i = 0; i < cells.size(); ++i)
      line += cells[i] + std::string(widths[i] - display_width(cells[i]) + gap, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  };
  add(header_);
  for (const auto& cells : rows_)
    add(cells);
  return result;
}

} // namespace runtime_agent::app
