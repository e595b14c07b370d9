#include <algorithm>
#include <array>
#include <iostream>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "transport/kubernetes/lease.hpp"

/// Two agents and one Lease, with the rights that the project ships and the durations that an operator gets; how often
/// and in which moments it goes well is for tests/campaigns/failover_test.cpp. Source: architecture §8.
namespace runtime_agent::e2e {
namespace {

using testing::HasSubstr;

class TwoAgents : public OnEachCluster {
protected:
  void start_both() {
    give_applications(5, "at first");
    world().configure();
    Variables variables = world().quick_environment();
    variables["APP_LEADER_ELECTION"] = "auto";
    for (auto& agent : agents_)
      agent = std::make_unique<AgentProcess>(variables);
  }
  void TearDown() override {
    if (HasFailure())
      for (const auto& agent : agents_)
        if (agent)
          std::cerr << "---- one of two agents\n" << agent->output();
    agents_ = {};
    OnEachCluster::TearDown();
  }

  std::string holder() {
    const auto lease = world().get(kubernetes::leases(World::certificates_namespace), "runtime-agent");
    return lease ? kubernetes::read_lease(*lease).holder : std::string();
  }
  /// It holds the Lease, and says so.
  bool leads(const AgentProcess& agent) {
    const std::string identity = holder();
    const auto lines = agent.lines();
    return !identity.empty() && std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.find("leading") != std::string::npos && line.find(identity) != std::string::npos;
    });
  }
  /// How long after the leader got the signal the other one leads, and does all the work.
  std::chrono::milliseconds takes_over(int signal) {
    EXPECT_TRUE(comes_true([this] { return leads(*agents_[0]) || leads(*agents_[1]); }));
    const std::size_t leader = leads(*agents_[0]) ? 0 : 1;
    AgentProcess& successor = *agents_[1 - leader];
    EXPECT_TRUE(converges());
    EXPECT_TRUE(comes_true([&] { return successor.health("/readyz") == 200; }));
    EXPECT_EQ(successor.health("/healthz"), 200);
    EXPECT_THAT(successor.health_body("/readyz"), HasSubstr("standby"));
    const auto begun = std::chrono::steady_clock::now();
    agents_[leader]->signal(signal);
    EXPECT_TRUE(comes_true([&] { return leads(successor); }));
    const auto took = std::chrono::steady_clock::now() - begun;
    give_applications(3, "by the other one");
    EXPECT_TRUE(converges());
    EXPECT_EQ(world().tokens_spent(), 1u);
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took);
    std::cout << "taken over after " << milliseconds.count() << " ms\n";
    return milliseconds;
  }

private:
  std::array<std::unique_ptr<AgentProcess>, 2> agents_;
};

TEST_P(TwoAgents, TakeOverWithinTwentySecondsOfAKill) {
  start_both();
  EXPECT_LE(takes_over(SIGKILL), 20s);
}

TEST_P(TwoAgents, TakeOverWithinTwoSecondsWhereTheLeaderIsAskedToEnd) {
  start_both();
  EXPECT_LE(takes_over(SIGTERM), 2s);
}

INSTANTIATE_TEST_SUITE_P(Cluster, TwoAgents, testing::ValuesIn(clusters()), cluster_name);

} // namespace
} // namespace runtime_agent::e2e
