#include "tests/e2e/support/point.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace runtime_agent::e2e {

bool is_agents(const sandbox::kube::RequestRecord& record) {
  return record.user_agent.rfind("runtime-agent/", 0) == 0; // the test's client gives no version
}

Point kind_of(const sandbox::kube::RequestRecord& record) {
  std::string object = record.namespace_;
  if (!record.name.empty())
    object += (object.empty() ? "" : "/") + record.name;
  return {"kubernetes", record.verb + " " + record.resource + (object.empty() ? "" : " " + object), 1};
}

Point kind_of(const sandbox::compass::RequestRecord& record) {
  return {record.service, record.field, 1};
}

std::vector<Point> points_of(World& world) {
  std::vector<std::pair<std::chrono::system_clock::time_point, Point>> found;
  for (const auto& record : world.sandbox_server()->requests().records())
    if (is_agents(record))
      found.emplace_back(record.time, kind_of(record));
  for (const auto& record : world.compass().requests())
    if (!record.field.empty()) // a handshake that was refused is no request
      found.emplace_back(record.time, kind_of(record));
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& one, const auto& other) { return one.first < other.first; });
  std::map<Point, int> counts;
  std::vector<Point> points;
  for (auto& [time, point] : found) {
    point.occurrence = ++counts[Point{point.service, point.request, 1}];
    points.push_back(std::move(point));
  }
  return points;
}

} // namespace runtime_agent::e2e
