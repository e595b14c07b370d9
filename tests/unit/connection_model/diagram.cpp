#include "tests/unit/connection_model/diagram.hpp"

#include <algorithm>

namespace runtime_agent::connection_model {
namespace {

std::string id(Standing standing) {
  std::string name(connection_manager::to_string(standing));
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

} // namespace

std::string diagram(const Exploration& exploration) {
  std::string text = "<!-- begin of the connection's diagram -->\n```mermaid\nstateDiagram-v2\n  [*] --> unread\n";
  for (const auto& [edge, events] : exploration.edges) {
    text += "  " + id(edge.first) + " --> " + id(edge.second) + " : ";
    for (const std::string& event : events)
      text += (event == *events.begin() ? "" : ", ") + event;
    text += "\n";
  }
  return text + "```\n<!-- end of the connection's diagram -->\n";
}

} // namespace runtime_agent::connection_model
