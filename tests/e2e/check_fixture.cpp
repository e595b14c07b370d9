#include "tests/e2e/check_fixture.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

namespace runtime_agent::e2e {

void CheckInSandbox::fresh(sandbox::CompassOptions options) {
  make_world(ClusterKind::sandbox, std::move(options));
  variables_ = world().quick_environment();
  variables_["APP_LEADER_ELECTION"] = "auto";
}

CheckInSandbox::Report CheckInSandbox::check(std::vector<std::string> arguments) {
  AgentProcess process(variables_, std::move(arguments));
  const auto code = process.wait(90s);
  Report report{code, {}, process.output()};
  report.document = Json::parse(report.output, nullptr, false);
  return report;
}

void CheckInSandbox::expect(const ExpectedRow& expected) {
  const Report report = check();
  ASSERT_TRUE(report.document.is_object()) << report.output;
  EXPECT_EQ(report.code, expected.verdict == "failed" ? 1 : 0) << report.output;
  const auto holds = [](const Json& row, const char* key, const std::vector<std::string>& words) {
    const std::string text = row[key];
    return std::all_of(words.begin(), words.end(),
                       [&](const std::string& word) { return text.find(word) != std::string::npos; });
  };
  const auto& rows = report.document["rows"];
  const bool there = std::any_of(rows.begin(), rows.end(), [&](const Json& row) {
    return row["id"] == expected.id && row["verdict"] == expected.verdict && holds(row, "found", expected.found) &&
           holds(row, "remedy", expected.remedy);
  });
  EXPECT_TRUE(there) << "expected " << expected.verdict << " in row " << expected.id << ":\n" << report.output;
  for (const Json& row : rows)
    documented(row);
}

void CheckInSandbox::documented(const Json& row) {
  static const std::string paragraphs = [] {
    std::ifstream file(std::string(RUNTIME_AGENT_SOURCE_DIR) + "/deploy/CHECKS.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }();
  const std::string link = row["documentation"];
  const std::string id = row["id"];
  EXPECT_EQ(link, "deploy/CHECKS.md#check-" + id);
  EXPECT_THAT(paragraphs, testing::HasSubstr("## check-" + id + "\n"));
}

void CheckInSandbox::connect() {
  if (compass().dataset()["applications"].empty())
    give_applications(2);
  synchronise();
  end_agent();
}

void CheckInSandbox::log_in(const std::vector<sandbox::kube::Rule>& rules) {
  const std::string file = (folder_.path() / ("kubeconfig-" + std::to_string(++logins_))).string();
  std::ofstream(file) << server().kubeconfig(server().add_user("user-" + std::to_string(logins_), rules));
  variables_["KUBECONFIG"] = file;
}

void CheckInSandbox::refuse_writes(int status, const std::string& message, const std::string& resource) {
  sandbox::kube::Fault fault;
  fault.verb = "create";
  fault.resource = resource;
  fault.status = status;
  fault.message = message;
  fault.times = 0;
  server().faults().add(std::move(fault));
}

void CheckInSandbox::give_applications_of_one_name() {
  auto dataset =
      nlohmann::json{{"runtime", {{"labels", nlohmann::json::object()}}}, {"applications", nlohmann::json::array()}};
  for (const char* id : {"id-one", "id-two", "id-three"})
    dataset["applications"].push_back({{"id", id},
                                       {"name", std::string(id) == "id-three" ? "other" : "shop"},
                                       {"description", "d"},
                                       {"auths", nlohmann::json::array()},
                                       {"bundles", nlohmann::json::array()}});
  give(dataset);
}

} // namespace runtime_agent::e2e
