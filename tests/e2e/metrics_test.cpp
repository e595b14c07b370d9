#include <fstream>
#include <map>
#include <regex>
#include <set>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// What a running agent says on /metrics, against the table that operators read.
namespace runtime_agent::e2e {
namespace {

struct Metric {
  std::string type;
  std::set<std::string> labels;
  bool operator==(const Metric&) const = default;
};
using Metrics = std::map<std::string, Metric>;

std::set<std::string> words(const std::string& text, const std::regex& word) {
  std::set<std::string> found;
  for (auto i = std::sregex_iterator(text.begin(), text.end(), word); i != std::sregex_iterator(); ++i)
    found.insert((*i)[1]);
  return found;
}

/// The rows of deploy/METRICS.md.
Metrics documented() {
  std::ifstream file(std::string(RUNTIME_AGENT_SOURCE_DIR) + "/deploy/METRICS.md");
  const std::regex row(R"(\| `(\w+)` \| (\w+) \| (.*?) \|.*)");
  Metrics metrics;
  for (std::string line; std::getline(file, line);)
    if (std::smatch match; std::regex_match(line, match, row))
      metrics[match[1]] = {match[2], words(match[3], std::regex("`(\\w+)`"))};
  return metrics;
}

/// Every family that the text names, with the labels of its series.
Metrics exposed(const std::string& text) {
  Metrics metrics;
  std::istringstream lines(text);
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, std::regex("# TYPE (\\w+) (\\w+)"))) {
      family = match[1];
      metrics[family].type = match[2];
    } else if (!line.starts_with('#') && line.find('{') != std::string::npos) {
      const auto labels = words(line.substr(0, line.rfind('}')), std::regex("(\\w+)=\""));
      metrics[family].labels.insert(labels.begin(), labels.end());
      metrics[family].labels.erase("le");
    }
  }
  return metrics;
}

class MetricsInSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }
  std::string metrics() { return world().agent().health_body("/metrics"); }
};

TEST_F(MetricsInSandbox, AreThoseOfTheTableInBothDirections) {
  give_applications(2);
  // With today's rights something is forbidden, so that there is a series of missing rights as well.
  synchronise(world().quick_environment(Rights::todays));
  const Metrics table = documented();
  const Metrics live = exposed(metrics());
  ASSERT_GT(table.size(), 20u);
  for (const auto& [name, metric] : table) {
    ASSERT_TRUE(live.contains(name)) << name << " is in the table and not on /metrics";
    EXPECT_EQ(live.at(name).type, metric.type) << name;
    EXPECT_EQ(live.at(name).labels, metric.labels) << name;
  }
  for (const auto& [name, metric] : live)
    EXPECT_TRUE(table.contains(name)) << name << " is on /metrics and not in the table";
}

TEST_F(MetricsInSandbox, CountSynchronisationsApplicationsAndRequests) {
  give_applications(3);
  synchronise();
  const std::string text = metrics();
  EXPECT_THAT(text, testing::HasSubstr("runtime_agent_applications{state=\"applied\"} 3"));
  EXPECT_THAT(text, testing::HasSubstr("runtime_agent_connection_state{state=\"Synchronized\"} 1"));
  EXPECT_THAT(text, testing::ContainsRegex("runtime_agent_cycles_total\\{outcome=\"synchronized\"\\} [1-9]"));
  EXPECT_THAT(text,
              testing::ContainsRegex("runtime_agent_http_requests_total\\{target=\"director\",code=\"200\"\\} [1-9]"));
  EXPECT_THAT(text, testing::HasSubstr("runtime_agent_ready 1"));
}

TEST_F(MetricsInSandbox, CountAFailedFetchByItsOutcomeAndCode) {
  give_applications(1);
  synchronise();
  add_fault({{"service", "director"}, {"action", "http-503"}, {"times", 100}});
  EXPECT_TRUE(comes_true([&] {
    const std::string text = metrics();
    return std::regex_search(text, std::regex("cycles_total\\{outcome=\"fetch_failed\"\\} [1-9]")) &&
           std::regex_search(text, std::regex("target=\"director\",code=\"503\"\\} [1-9]"));
  }));
}

TEST_F(MetricsInSandbox, CountARestartAndNeverSayWhatWasThrown) {
  give_applications(1);
  synchronise();
  world().agent().diagnostics_post("/crash?actor=DirectorFetcher&message=*");
  EXPECT_TRUE(comes_true([&] {
    return metrics().find("runtime_agent_actor_restarts_total{actor=\"DirectorFetcher\"} 1") != std::string::npos;
  }));
  EXPECT_THAT(metrics(), testing::Not(testing::HasSubstr("crash switch")));
}

} // namespace
} // namespace runtime_agent::e2e
