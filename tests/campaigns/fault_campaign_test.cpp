#include <algorithm>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/campaigns/campaign.hpp"
#include "tests/campaigns/scenario.hpp"

/// Each answer to the agent is replaced by each of thirteen others. Every run ends connected once the fault is gone,
/// with a new token only where a pairing's own answer was spoilt; no run hammers.
namespace runtime_agent::campaigns {
namespace {

using namespace std::chrono_literals;
using sandbox::kube::FaultAction;

struct Replacement {
  const char* name;
  const char* compass; ///< the action in Compass; the request is always carried out first
  FaultAction action = FaultAction::status;
  int status = 200;
  bool carried_out = false;
};

constexpr Replacement replacements[] = {
    {"401", "http-401", FaultAction::status, 401},        {"403", "http-403", FaultAction::status, 403},
    {"404", "http-404", FaultAction::status, 404},        {"409", "http-409", FaultAction::status, 409},
    {"429", "http-429", FaultAction::status, 429},        {"500", "http-500", FaultAction::status, 500, true},
    {"503", "http-503", FaultAction::status, 503, true},  {"time-out", "hang", FaultAction::hang},
    {"reset", "reset", FaultAction::reset_after},         {"truncated", "truncated", FaultAction::truncated},
    {"HTML", "html", FaultAction::html, 200, true},       {"empty", "empty", FaultAction::empty, 200, true},
    {"errors", "errors", FaultAction::status, 200, true}, // of Kubernetes: a Status where an object should be
};
constexpr std::size_t kinds = std::size(replacements);

/// So long does it last, for all requests of the kind; a time-out strikes once, since it takes its own time.
constexpr auto lasts = 600ms;

struct FaultRun {
  Point point;
  const Replacement* replacement;
  bool done = false;
  bool struck = false;
  Outcome outcome;
  std::string hammered; ///< empty: nothing was
  std::string log;

  bool hangs() const { return replacement->action == FaultAction::hang; }
  std::string name() const { return point.text() + ", answered by " + replacement->name; }
};

/// The fault of one run, in whichever of the two servers.
class Disturbance {
public:
  Disturbance(World& world, const FaultRun& run) : world_(world), kubernetes_(run.point.service == "kubernetes") {
    const Replacement& with = *run.replacement;
    if (!kubernetes_) {
      sandbox::compass::Fault fault;
      fault.service = run.point.service;
      fault.field = run.point.request;
      fault.skip = run.point.occurrence - 1;
      fault.times = run.hangs() ? 1 : -1;
      fault.action = with.compass;
      id_ = static_cast<std::uint64_t>(world_.compass().add_fault(fault));
      return;
    }
    sandbox::kube::Fault fault;
    const auto words = words_of(run.point.request);
    fault.verb = words.at(0);
    fault.resource = words.at(1);
    if (words.size() > 2) {
      const auto slash = words[2].find('/');
      const bool namespaced = fault.resource == "secrets" || fault.resource == "events" || slash != std::string::npos;
      fault.namespace_ = namespaced ? words[2].substr(0, slash) : "";
      fault.name = slash != std::string::npos ? words[2].substr(slash + 1) : namespaced ? "" : words[2];
    }
    fault.skip = static_cast<std::uint64_t>(run.point.occurrence - 1);
    fault.times = run.hangs() ? 1 : 0;
    fault.action = with.action;
    fault.status = with.status;
    fault.carried_out = with.carried_out;
    id_ = world_.sandbox_server()->faults().add(fault);
  }

  bool struck() const {
    if (kubernetes_)
      return world_.sandbox_server()->faults().hits(id_) > 0;
    const auto faults = world_.compass().faults();
    return std::any_of(faults.begin(), faults.end(), [](const auto& fault) { return fault.applied > 0; });
  }
  /// Ends it when its time is over; called now and then.
  void look(bool hangs) {
    if (over_ || !struck())
      return;
    struck_at_ = struck_at_.value_or(std::chrono::steady_clock::now());
    if (hangs || std::chrono::steady_clock::now() - *struck_at_ < lasts)
      return;
    over_ = true;
    if (kubernetes_)
      world_.sandbox_server()->faults().clear();
    else
      world_.compass().clear_faults();
  }
  bool has_struck() const { return struck_at_.has_value(); }

private:
  static std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    return {std::istream_iterator<std::string>(stream), {}};
  }

  World& world_;
  const bool kubernetes_;
  std::uint64_t id_ = 0;
  std::optional<std::chrono::steady_clock::time_point> struck_at_;
  bool over_ = false;
};

/// The most requests of each kind within any second.
std::map<Point, std::size_t> busiest_seconds(World& world) {
  std::map<Point, std::vector<std::chrono::system_clock::time_point>> times;
  for (const auto& record : world.sandbox_server()->requests().records())
    if (is_agents(record))
      times[kind_of(record)].push_back(record.time);
  for (const auto& record : world.compass().requests())
    times[kind_of(record)].push_back(record.time);
  std::map<Point, std::size_t> busiest;
  for (auto& [kind, when] : times) {
    std::sort(when.begin(), when.end());
    for (std::size_t from = 0, to = 0; to < when.size(); ++to) {
      while (when[to] - when[from] > 1s)
        ++from;
      busiest[kind] = std::max(busiest[kind], to - from + 1);
    }
  }
  return busiest;
}

/// The shortest back-off of these runs is 100 ms: a dozen attempts more than without a fault are in order, hundreds
/// not.
constexpr std::size_t more_a_second = 15;

std::string hammered(const std::map<Point, std::size_t>& undisturbed, const std::map<Point, std::size_t>& disturbed) {
  for (const auto& [kind, number] : disturbed) {
    const auto usual = undisturbed.find(kind);
    if (number > (usual == undisturbed.end() ? 0 : 2 * usual->second) + more_a_second)
      return fmt::format("{} {}: {} in a second", kind.service, kind.request, number);
  }
  return {};
}

/// A pairing's own answer spends its token.
bool may_need_a_token(const FaultRun& run) {
  return run.point.service == "connector-token";
}

/// An operator who sees a refusal that passes by itself does nothing. It passes at the latest when a watch that hangs
/// has been taken for dead: until then a token that is there already may not be seen.
std::chrono::milliseconds patience(const FaultRun& run) {
  return run.hangs() && run.point.request.find("watch") == 0 ? 45s : 2s;
}

void carry_out(FaultRun& run, const std::map<Point, std::size_t>& usual) {
  Scenario scenario;
  Disturbance disturbance(scenario.world(), run);
  scenario.meanwhile([&] { disturbance.look(run.hangs()); });
  scenario.give_tokens_after(patience(run));
  run.outcome = scenario.run(run.hangs() ? 180s : 60s);
  run.struck = disturbance.has_struck();
  run.hammered = hammered(usual, busiest_seconds(scenario.world()));
  run.log = scenario.log();
  run.done = true;
}

std::string result_of(const FaultRun& run) {
  if (!run.done)
    return "–";
  if (!run.outcome.wrong.empty() || !run.hammered.empty())
    return "FAILED";
  return !run.struck ? "not met" : run.outcome.new_tokens > 0 ? "new token" : "ok";
}

void print(const std::vector<Point>& points, const std::vector<FaultRun>& runs) {
  std::string head = "| # | request |", line = "|--|--|";
  for (const auto& replacement : replacements) {
    head += fmt::format(" {} |", replacement.name);
    line += "--|";
  }
  std::cout << head << '\n' << line << '\n';
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::string row = fmt::format("| {} | {} |", i + 1, points[i].text());
    for (std::size_t k = 0; k < kinds; ++k)
      row += " " + result_of(runs[kinds * i + k]) + " |";
    std::cout << row << '\n';
  }
}

TEST(Faults, InEveryAnswerAreGotOverWithoutHammering) {
  const Plan plan = make_plan(24, 40s);
  Scenario scenario;
  const Outcome outcome = scenario.run();
  ASSERT_EQ(outcome.wrong, "") << scenario.log();
  const auto points = points_of(scenario.world());
  const auto usual = busiest_seconds(scenario.world());

  std::vector<FaultRun> runs;
  std::vector<std::string> names;
  for (const Point& point : points)
    for (const auto& replacement : replacements) {
      runs.push_back({point, &replacement, false, false, {}, {}, {}});
      names.push_back(runs.back().name());
    }
  const auto chosen = choose(plan, names);
  // Those that wait for a time-out do little else: all at once, beside the others.
  auto waiting = chosen, working = chosen;
  std::erase_if(waiting, [&](std::size_t i) { return !runs[i].hangs(); });
  std::erase_if(working, [&](std::size_t i) { return runs[i].hangs(); });
  std::thread beside([&] {
    run_all(
        plan, waiting, [&](std::size_t i) { carry_out(runs[i], usual); }, 12);
  });
  run_all(plan, working, [&](std::size_t i) { carry_out(runs[i], usual); });
  beside.join();
  if (plan.whole)
    print(points, runs);

  std::size_t done = 0, met = 0, tokens = 0;
  for (const std::size_t i : chosen) {
    const FaultRun& run = runs[i];
    if (!run.done)
      continue;
    ++done;
    met += run.struck ? 1 : 0;
    tokens += static_cast<std::size_t>(run.outcome.new_tokens);
    const std::string text = names[i] + "\n" + command_for("Faults.*", names[i]);
    EXPECT_EQ(run.outcome.wrong, "") << text << "\n" << run.log;
    EXPECT_EQ(run.hammered, "") << text << "\n" << run.log;
    EXPECT_EQ(run.outcome.restarts, 0) << text;
    EXPECT_LE(run.outcome.new_tokens, may_need_a_token(run) ? 1 : 0) << text << "\n" << run.log;
  }
  std::cout << fmt::format("{} requests, {} runs of {}, met in {}, {} new tokens\n", points.size(), done, runs.size(),
                           met, tokens);
  EXPECT_GE(met * 10, done * (plan.whole ? 9 : 6)) << "points that other runs do not come to";
}

} // namespace
} // namespace runtime_agent::campaigns
