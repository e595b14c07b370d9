#include "app/presentation/text_table.hpp"

#include <algorithm>
#include <utility>

namespace runtime_agent::app {
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
