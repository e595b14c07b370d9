#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "transport/printable.hpp"

/// How data becomes text and JSON for people and programs: shared by the command line and the pages.
namespace runtime_agent::app {

/// Columns to characters of a terminal: the number of code points, which is right for what the agent prints.
std::size_t display_width(std::string_view text);

/// Aligned columns, as kubectl prints them. Cells are made printable.
class TextTable {
public:
  explicit TextTable(std::vector<std::string> header);
  /// As many cells as the header has; fewer leave the last ones empty.
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  /// Each line with its end; no spaces at the end of a line. `indent` goes before each line.
  std::string text(std::string_view indent = {}) const;

private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

} // namespace runtime_agent::app
