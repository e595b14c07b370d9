#include <algorithm>
#include <condition_variable>
#include <iostream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/campaigns/campaign.hpp"
#include "tests/campaigns/scenario.hpp"
#include "tests/e2e/support/credentials.hpp"

/// The agent is killed before each of its requests is carried out, after it but before the answer, and after the
/// answer. Every run ends connected, without a person but for those in the window that contract §2 names.
namespace runtime_agent::campaigns {
namespace {

using namespace std::chrono_literals;
using sandbox::Stage;

constexpr Stage stages[] = {Stage::arrived, Stage::carried_out, Stage::answered};

const char* name_of(Stage stage) {
  return stage == Stage::arrived       ? "before it is sent"
         : stage == Stage::carried_out ? "after it is sent"
                                       : "after the answer";
}

/// What is stored nowhere but in the agent that is being killed: Compass has spent a token, and what it answered has
/// neither come to the pending Secret nor to the certificates Secret. Told by the values, not by the agent's own notes.
bool only_in_memory(World& world) {
  const auto tokens = world.compass().tokens();
  const auto certificates = world.compass().certificates();
  const auto spent = std::count_if(tokens.begin(), tokens.end(), [](const auto& t) { return t.one_time && t.spent; });
  const auto paired =
      std::count_if(certificates.begin(), certificates.end(), [](const auto& c) { return !c.over_mutual_tls; });
  const auto pending = secret(world, pending_secret);
  if (paired == spent) { // signed, if anything was; and the renewal of one that is stored can be lost
    if (certificates.empty() || certificates.back().over_mutual_tls)
      return false;
    const std::string& last = certificates.back().pem;
    return data_of(pending, "crt") != last && data_of(secret(world, certificates_secret), "crt") != last;
  }
  const std::string second = data_of(pending, "token");
  return std::none_of(tokens.begin(), tokens.end(), [&](const auto& t) { return !t.one_time && t.value == second; });
}

/// Kills at one point. Once it has struck, the dead process's other requests come to nothing.
class Killer {
public:
  Killer(Scenario& scenario, Point point, Stage stage) : scenario_(scenario), point_(std::move(point)), stage_(stage) {}

  bool passes(Point kind, Stage stage) {
    const int process = scenario_.processes();
    std::unique_lock lock(mutex_);
    if (process > 1 || scenario_.processes() > 1)
      return process > 1 || !struck_;
    if (stage == Stage::arrived)
      current_[std::this_thread::get_id()] = kind.occurrence = ++counts_[kind];
    else
      kind.occurrence = current_[std::this_thread::get_id()];
    if (waiting_ && !struck_) { // the target's answer is out: the world stands still until the kill
      another_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return struck_.load(); });
    }
    if (struck_)
      return false;
    if (kind != point_ || stage != stage_)
      return true;
    if (stage == Stage::answered) {
      waiting_ = true;
      changed_.wait_for(lock, 50ms, [this] { return another_; }); // so that it has read the answer
    }
    scenario_.kill_agent([this] { // before anybody can see that the process is gone
      in_window_ = only_in_memory(scenario_.world());
      struck_ = true;
    });
    changed_.notify_all();
    return false;
  }

  bool struck() const { return struck_; }
  bool in_window() const { return in_window_; }

private:
  Scenario& scenario_;
  const Point point_;
  const Stage stage_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Point, int> counts_;
  std::map<std::thread::id, int> current_;
  bool waiting_ = false;
  bool another_ = false;
  std::atomic<bool> struck_{false};
  bool in_window_ = false;
};

struct CrashRun {
  Point point;
  Stage stage;
  bool done = false;
  bool struck = false;
  bool in_window = false;
  Outcome outcome;
  std::string log;

  std::string name() const { return point.text() + ", killed " + name_of(stage); }
};

std::string result_of(const CrashRun& run) {
  if (!run.done)
    return "–";
  if (!run.outcome.wrong.empty())
    return "FAILED";
  if (!run.struck)
    return "not met";
  return run.outcome.new_tokens > 0 ? "token spent, said so, new one taken" : "connected";
}

void carry_out(CrashRun& run) {
  Scenario scenario;
  Killer killer(scenario, run.point, run.stage);
  scenario.guard([&](const Point& kind, Stage stage) { return killer.passes(kind, stage); });
  run.outcome = scenario.run();
  run.struck = killer.struck();
  run.in_window = killer.in_window();
  run.log = scenario.log();
  run.done = true;
}

std::vector<Point> undisturbed() {
  Scenario scenario;
  const Outcome outcome = scenario.run();
  EXPECT_EQ(outcome.wrong, "") << scenario.log();
  EXPECT_EQ(outcome.new_tokens, 0);
  EXPECT_EQ(outcome.restarts, 0);
  return points_of(scenario.world());
}

void print(const std::vector<Point>& points, const std::vector<CrashRun>& runs) {
  std::cout << "| # | request | killed before it is sent | after it is sent | after the answer |\n|--|--|--|--|--|\n";
  for (std::size_t i = 0; i < points.size(); ++i)
    std::cout << fmt::format("| {} | {} | {} | {} | {} |\n", i + 1, points[i].text(), result_of(runs[3 * i]),
                             result_of(runs[3 * i + 1]), result_of(runs[3 * i + 2]));
}

/// Part of what can lose a token: the two requests to the token-secured Connector, and the writes of what they
/// answered. Other parts of the agent, whose requests may happen to be killed at the same time, are not.
bool of_pairing(const CrashRun& run) {
  return run.point.service == "connector-token" ||
         run.point.request.find(std::string("update secrets kyma-system/") + pending_secret) == 0;
}

/// Of each pairing, for each of its two requests: its answer is lost, or has come and is lost, or is lost before it has
/// been written down (contract §2). Two pairings.
constexpr std::size_t window_of_the_contract = 2 * 2 * 3;

TEST(Crashes, AtEveryRequestEndConnectedButForTheWindowThatTheContractNames) {
  const Plan plan = make_plan(20, 40s);
  const std::vector<Point> points = undisturbed();
  ASSERT_GT(points.size(), 40u);
  std::vector<CrashRun> runs;
  std::vector<std::string> names;
  for (const Point& point : points)
    for (const Stage stage : stages) {
      runs.push_back({point, stage, false, false, false, {}, {}});
      names.push_back(runs.back().name());
    }
  const auto chosen = choose(plan, names);
  const std::size_t done = run_all(plan, chosen, [&](std::size_t i) { carry_out(runs[i]); });
  if (plan.whole)
    print(points, runs);

  std::size_t met = 0, window = 0, window_of_pairing = 0;
  for (const std::size_t i : chosen) {
    const CrashRun& run = runs[i];
    if (!run.done)
      continue;
    met += run.struck ? 1 : 0;
    window += run.in_window ? 1 : 0;
    window_of_pairing += run.in_window && of_pairing(run) ? 1 : 0;
    const std::string repeat = command_for("Crashes.*", names[i]);
    EXPECT_EQ(run.outcome.wrong, "") << names[i] << "\n" << repeat << "\n" << run.log;
    EXPECT_EQ(run.outcome.restarts, run.struck ? 1 : 0) << names[i] << "\n" << repeat;
    EXPECT_EQ(run.outcome.new_tokens, run.in_window ? 1 : 0) << names[i] << "\n" << repeat << "\n" << run.log;
  }
  std::cout << fmt::format(
      "{} requests, {} runs of {}, killed in {}; in the window {}, {} of them at the pairing's own "
      "requests\n",
      points.size(), done, runs.size(), met, window, window_of_pairing);
  if (plan.whole)
    EXPECT_EQ(window_of_pairing, window_of_the_contract);
  else
    EXPECT_LE(window_of_pairing, window_of_the_contract);
  EXPECT_GE(met * 10, done * 9) << "points that other runs do not come to";
}

} // namespace
} // namespace runtime_agent::campaigns
