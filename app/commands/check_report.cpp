#include "app/commands/check_report.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/presentation/text_table.hpp"

namespace runtime_agent::app {
namespace {

std::string_view sign(Verdict verdict) {
  constexpr std::array<std::string_view, 4> signs = {"✓", "‼", "✗", "-"};
  return signs.at(static_cast<std::size_t>(verdict));
}

std::string_view name(Verdict verdict) {
  constexpr std::array<std::string_view, 4> names = {"passed", "warning", "failed", "skipped"};
  return names.at(static_cast<std::size_t>(verdict));
}

std::string paragraph(const CheckRow& row) {
  return "deploy/CHECKS.md#check-" + row.id;
}

} // namespace

void CheckReport::add(std::string id, Verdict verdict, std::string found, std::string remedy) {
  rows_.push_back({section_, std::move(id), verdict, std::move(found), std::move(remedy)});
}

bool CheckReport::good() const {
  return std::none_of(rows_.begin(), rows_.end(), [](const CheckRow& row) { return row.verdict == Verdict::failed; });
}

nlohmann::ordered_json CheckReport::document() const {
  auto rows = nlohmann::ordered_json::array();
  for (const CheckRow& row : rows_)
    rows.push_back({{"section", row.section},
                    {"id", row.id},
                    {"verdict", name(row.verdict)},
                    {"found", row.found},
                    {"remedy", row.remedy},
                    {"documentation", paragraph(row)}});
  return {{"good", good()}, {"rows", std::move(rows)}};
}

std::string CheckReport::text() const {
  std::string text, section;
  for (const CheckRow& row : rows_) {
    if (row.section != section)
      text += (section.empty() ? "" : "\n") + row.section + "\n";
    section = row.section;
    text += fmt::format("{} {}: {}\n", sign(row.verdict), row.id, printable(row.found));
    if (!row.remedy.empty())
      text += fmt::format("    → {}\n      see {}\n", printable(row.remedy), paragraph(row));
  }
  return text + (good() ? "\nnothing is wrong\n" : "\nsomething is wrong: see the rows with ✗\n");
}

} // namespace runtime_agent::app
