#include "tests/sandbox/kubernetes/table.hpp"

#include <chrono>
#include <ctime>
#include <sstream>

#include <fmt/format.h>

namespace runtime_agent::sandbox::kube {
namespace {

/// "5m", "3h12m", "2d": how long ago a time was, in kubectl's form.
std::string age_of(const std::string& time) {
  std::tm parts{};
  std::istringstream in(time);
  in >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
  if (in.fail())
    return "<unknown>";
  const auto seconds = static_cast<long long>(std::time(nullptr) - timegm(&parts));
  if (seconds < -1)
    return "<invalid>";
  if (seconds < 120)
    return fmt::format("{}s", std::max(seconds, 0LL));
  const auto minutes = seconds / 60;
  if (minutes < 10)
    return seconds % 60 == 0 ? fmt::format("{}m", minutes) : fmt::format("{}m{}s", minutes, seconds % 60);
  if (minutes < 180)
    return fmt::format("{}m", minutes);
  const auto hours = minutes / 60;
  if (hours < 8)
    return minutes % 60 == 0 ? fmt::format("{}h", hours) : fmt::format("{}h{}m", hours, minutes % 60);
  if (hours < 48)
    return fmt::format("{}h", hours);
  return fmt::format("{}d", hours / 24);
}

/// ".status.phase", and "#.data" for a number of entries. Dots only: no filters.
Json at_path(const Json& object, std::string path) {
  const bool counted = !path.empty() && path.front() == '#';
  if (counted)
    path.erase(0, 1);
  std::replace(path.begin(), path.end(), '.', '/');
  const auto value = object.value(Json::json_pointer(path), Json(nullptr));
  return counted ? Json(value.size()) : value;
}

Json cell(const PrinterColumn& column, const Json& object) {
  auto value = at_path(object, column.json_path);
  if (value.is_null())
    return column.type == "string"                             ? Json("")
           : column.json_path == ".metadata.creationTimestamp" ? Json("<unknown>")
                                                               : value;
  if (column.type == "date")
    // The creation time of Events and CRDs is shown as it is.
    return column.name == "Created At" || !value.is_string() ? value : Json(age_of(value.get<std::string>()));
  if (column.type == "string" && !value.is_string())
    return value.dump();
  return value;
}

Json row(const ResourceType& type, const Json& object, bool whole_object) {
  Json cells = {object["metadata"].value("name", "")};
  for (const auto& column : type.columns)
    cells.push_back(cell(column, object));
  Json shown = object;
  if (!whole_object)
    shown = {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/v1"}, {"metadata", object["metadata"]}};
  return {{"cells", std::move(cells)}, {"object", std::move(shown)}};
}

} // namespace

Json make_table(const ResourceType& type, const std::vector<Json>& objects, bool whole_objects, Json list_metadata) {
  Json columns = {{{"name", "Name"},
                   {"type", "string"},
                   {"format", "name"},
                   {"description", "Unique within its scope."},
                   {"priority", 0}}};
  for (const auto& column : type.columns)
    columns.push_back({{"name", column.name},
                       {"type", column.type == "integer" ? "integer" : "string"},
                       {"format", ""},
                       {"description", column.json_path},
                       {"priority", column.priority}});
  Json rows = Json::array();
  for (const auto& object : objects)
    rows.push_back(row(type, object, whole_objects));
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", std::move(list_metadata)},
          {"columnDefinitions", std::move(columns)},
          {"rows", std::move(rows)}};
}

} // namespace runtime_agent::sandbox::kube
