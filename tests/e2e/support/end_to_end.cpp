#include "tests/e2e/support/end_to_end.hpp"

#include <algorithm>
#include <iostream>
#include <map>

#include "tests/e2e/support/trace_check.hpp"
#include "tests/sandbox/compass/datasets.hpp"
#include "tests/vectors/gateway.hpp"

namespace runtime_agent::e2e {
namespace {

/// Ends the agent, so that what is under way is told to its end, and looks through its trace.
void check_trace(AgentProcess& agent) {
  if (agent.running()) {
    agent.signal(SIGTERM);
    agent.wait(20s);
  }
  const auto trace = supervision::read_trace_file(agent.trace_file());
  if (!trace)
    return; // it has not started, or its trace lies in memory
  for (const std::string& problem : trace_problems(*trace, agent.wait(0ms) == 0))
    ADD_FAILURE() << problem;
}

} // namespace

void EndToEnd::TearDown() {
  if (!world_ || !world_->started())
    return;
  check_gateway_urls();
  check_trace(world_->agent());
  if (!HasFailure())
    return;
  constexpr std::size_t shown = 80;
  const auto lines = world_->agent().lines();
  for (std::size_t i = lines.size() > shown ? lines.size() - shown : 0; i < lines.size(); ++i)
    std::cerr << lines[i] << '\n';
}

World& EndToEnd::make_world(ClusterKind kind, sandbox::CompassOptions options) {
  world_.reset(); // one at a time on a real cluster
  return world_.emplace(kind, std::move(options));
}

void EndToEnd::give(const nlohmann::json& dataset) {
  const auto set = compass().set_dataset(dataset);
  ASSERT_TRUE(set) << set.error();
}

void EndToEnd::give_applications(std::size_t count, const std::string& description) {
  auto dataset = sandbox::compass::generated_applications(count);
  for (auto& application : dataset["applications"])
    application["description"] = description;
  give(dataset);
}

void EndToEnd::add_fault(const nlohmann::json& fault) {
  const auto parsed = sandbox::compass::fault_from_json(fault);
  ASSERT_TRUE(parsed) << parsed.error();
  compass().add_fault(*parsed);
}

void EndToEnd::synchronise(Variables variables) {
  world().configure();
  world().start(std::move(variables));
  ASSERT_TRUE(reaches("Synchronized"));
}

void EndToEnd::end_agent() {
  const auto asked = std::chrono::steady_clock::now();
  world().agent().signal(SIGTERM);
  EXPECT_EQ(world().agent().wait(20s), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 5s);
}

void EndToEnd::check_gateway_urls() {
  if (!world_->agent().running() || world_->state() != "Synchronized")
    return;
  const std::string log = world_->agent().output();
  for (const auto& [application, urls] : vectors::unresolvable(world_->list(kubernetes::applications())))
    EXPECT_NE(log.find("the central gateway answers 400"), std::string::npos) << application << ": " << *urls.begin();
}

testing::AssertionResult EndToEnd::reaches(const std::string& state, std::chrono::milliseconds limit) {
  if (world().wait_for_state(state, limit))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the state is " << world().state() << ", not " << state << ": "
                                     << world().errors();
}

testing::AssertionResult EndToEnd::comes_true(const std::function<bool()>& condition, std::chrono::milliseconds limit) {
  if (eventually(limit, condition))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "it has not come true in " << limit.count() << " ms; the state is "
                                     << world().state() << ": " << world().errors();
}

testing::AssertionResult EndToEnd::converges(std::chrono::milliseconds limit) {
  return comes_true([this] { return world().state() == "Synchronized" && cluster_equals_compass(); }, limit);
}

testing::AssertionResult EndToEnd::another_cycle() {
  const auto begun = [this] { return compass().request_count("director", "runtime"); };
  const auto before = begun();
  return comes_true([&] { return begun() >= before + 2; });
}

bool EndToEnd::cluster_equals_compass() {
  std::map<std::string, std::string> wanted, present;
  const auto dataset = compass().dataset();
  for (const auto& application : dataset["applications"])
    wanted[application["id"]] = application["description"];
  for (const Json& application : world().list(kubernetes::applications()))
    present[application["spec"]["compassMetadata"]["applicationId"]] = application["spec"]["description"];
  return wanted == present;
}

} // namespace runtime_agent::e2e
