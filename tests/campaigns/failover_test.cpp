#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "tests/unit/support/seeds.hpp"
#include "transport/kubernetes/lease.hpp"

/// Two agents and one Lease: the leader is killed, stopped and woken, or asked to end, at seeded moments. What proves
/// it is the sandbox's list of the writes that had an effect, in their order, and whose each was. 5 seeds; 50 with
/// RUNTIME_AGENT_LONG=1. With the durations that an operator gets: tests/e2e/failover_test.cpp.
namespace runtime_agent::e2e {
namespace {

/// One agent that shares the world with another: with a login of its own, so that its writes can be told.
struct Contender {
  std::string user;
  Variables variables;
  std::unique_ptr<AgentProcess> process;

  void start() { process = std::make_unique<AgentProcess>(variables); }
};

class FailOver : public EndToEnd {
protected:
  /// Two agents that are not started yet.
  void make_two() {
    make_world(ClusterKind::sandbox);
    give_applications(5, "at first");
    for (const char* user : {"agent-1", "agent-2"}) {
      Contender& one = contenders_.emplace_back();
      one.user = user;
      one.variables = world().quick_environment();
      auto& server = *world().sandbox_server();
      const std::string file = (folder_.path() / user).string();
      std::ofstream(file) << server.kubeconfig(server.add_user(user, sandbox::kube::all_rights()));
      one.variables["KUBECONFIG"] = file;
      one.variables["APP_LEADER_ELECTION"] = "auto";
      one.variables["RUNTIME_AGENT_TEST_LEASE"] = "2s/1500ms/300ms";
    }
  }
  void TearDown() override {
    if (HasFailure())
      for (const Contender& one : contenders_)
        if (one.process)
          std::cerr << "---- " << one.user << '\n' << one.process->output();
    contenders_.clear();
    EndToEnd::TearDown();
  }
  void start_both() {
    world().configure();
    for (Contender& one : contenders_)
      one.start();
  }
  void reset() { contenders_.clear(); }

  std::string holder() {
    const auto lease = world().get(kubernetes::leases(World::certificates_namespace), "runtime-agent");
    return lease ? kubernetes::read_lease(*lease).holder : std::string();
  }
  /// Whose writes take effect on the Lease: nobody's before one has it.
  std::string leading_user() {
    std::string user;
    for (const auto& write : writes())
      if (write.resource == "leases" && !write.user.empty())
        user = write.user;
    return user;
  }
  Contender* contender(const std::string& user) {
    const auto found =
        std::find_if(contenders_.begin(), contenders_.end(), [&](const Contender& one) { return one.user == user; });
    return found == contenders_.end() ? nullptr : &*found;
  }
  Contender& other(const Contender& one) { return contenders_[0].user == one.user ? contenders_[1] : contenders_[0]; }
  std::vector<sandbox::kube::WriteRecord> writes() { return world().sandbox_server()->requests().effective_writes(); }

  testing::AssertionResult one_leads() {
    return comes_true([this] { return !holder().empty() && contender(leading_user()); });
  }
  /// No write of one took effect after the first one of the other's, but on the Lease while it changed hands.
  testing::AssertionResult only_one_at_a_time() {
    std::vector<std::string> order;
    for (const auto& write : writes())
      if (write.resource != "leases" && write.resource != "events" && contender(write.user) &&
          (order.empty() || order.back() != write.user))
        order.push_back(write.user);
    if (order.size() <= 2)
      return testing::AssertionSuccess();
    auto failure = testing::AssertionFailure() << "writes took effect in turns:";
    for (const std::string& user : order)
      failure << ' ' << user;
    return failure;
  }
  /// Of the requests that carried an operator's token, those that Compass let in.
  std::size_t token_requests() { return compass().request_count("connector-token", "configuration"); }

  TemporaryFolder folder_;
  std::vector<Contender> contenders_;
};

enum class End { killed, stopped_and_woken, asked };
const char* name_of(End end) {
  return end == End::killed ? "SIGKILL" : end == End::asked ? "SIGTERM" : "SIGSTOP and SIGCONT";
}

enum class Moment { pairing, applying, quiet };
const char* name_of(Moment moment) {
  return moment == Moment::pairing ? "while it pairs" : moment == Moment::applying ? "while it applies" : "in peace";
}

class FailOverInSandbox : public FailOver {
protected:
  void fail_over(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const End end = static_cast<End>(seed % 3);
    const Moment moment = static_cast<Moment>(seed / 3 % 3);
    const std::chrono::milliseconds delay(random() % 400);
    SCOPED_TRACE(std::string(name_of(end)) + " " + name_of(moment) + ", after " + std::to_string(delay.count()) +
                 " ms");
    reset();
    make_two();
    start_both();
    ASSERT_TRUE(one_leads());
    if (moment != Moment::pairing) {
      ASSERT_TRUE(converges());
    }
    if (moment == Moment::applying)
      give_applications(40, "while it happens");
    std::this_thread::sleep_for(delay); // the seed's moment, not a wait for anything
    Contender& leader = *contender(leading_user());
    Contender& successor = other(leader);
    leader.process->signal(end == End::killed ? SIGKILL : end == End::asked ? SIGTERM : SIGSTOP);
    ASSERT_TRUE(comes_true([&] { return leading_user() == successor.user; }));
    if (end == End::stopped_and_woken)
      wake(leader, random);
    give_applications(7, "afterwards");
    ASSERT_TRUE(converges_with_a_new_token_where_needed(moment));
    if (end == End::asked) {
      EXPECT_EQ(leader.process->wait(10s), 0);
    }
    EXPECT_TRUE(only_one_at_a_time());
    const std::size_t asked = moment == Moment::pairing ? world().tokens_spent() + 1 : 1; // see pairs_anew
    EXPECT_LE(token_requests(), asked);
    EXPECT_LE(world().tokens_spent(), moment == Moment::pairing ? 2u : 1u);
    EXPECT_FALSE(world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates-pending"));
  }

  /// It wakes while the other one works, and has to find out by itself.
  void wake(Contender& leader, std::mt19937_64& random) {
    give_applications(30, "while it sleeps");
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
    leader.process->signal(SIGCONT);
    EXPECT_TRUE(comes_true([&] {
      return leader.process->output().find("no longer the leader") != std::string::npos ||
             leader.process->output().find("standing by") != std::string::npos;
    })) << leader.process->output();
    EXPECT_TRUE(comes_true([&] { return leader.process->health("/readyz") == 200; }));
  }

  /// A process that ends between a token's request and the record of its answer has spent it: a person gives a new one.
  testing::AssertionResult converges_with_a_new_token_where_needed(Moment moment) {
    bool given = false;
    return comes_true(
        [&] {
          if (moment == Moment::pairing && !given && world().state() == "ConnectionFailed") {
            given = true;
            world().configure();
          }
          return world().state() == "Synchronized" && converges(0ms);
        },
        60s);
  }
};

TEST_F(FailOverInSandbox, LosesNothingAndNeverHasTwoThatAct) {
  const char* whole = std::getenv("RUNTIME_AGENT_LONG");
  tests::for_each_seed(whole && std::string(whole) == "1" ? 50 : 5, [this](std::uint64_t seed) { fail_over(seed); });
}

// -- a standby, and where Leases are forbidden

class TwoInSandbox : public FailOver {};

TEST_F(TwoInSandbox, AStandbyCallsNobodyAndWritesNothing) {
  make_two();
  start_both();
  ASSERT_TRUE(one_leads());
  ASSERT_TRUE(converges());
  const std::string standby = other(*contender(leading_user())).user;
  ASSERT_TRUE(another_cycle());
  for (const auto& write : writes())
    EXPECT_NE(write.user, standby) << write.resource << ' ' << write.name;
  for (const auto& request : world().sandbox_server()->requests().records())
    if (request.user == standby) {
      EXPECT_EQ(request.resource, "leases") << request.verb;
    }
}

TEST_F(TwoInSandbox, ActsAloneWithOneWarningWhereLeasesAreForbidden) {
  make_world(ClusterKind::sandbox);
  give_applications(2);
  Variables variables = world().quick_environment(Rights::todays);
  variables["APP_LEADER_ELECTION"] = "auto";
  synchronise(variables);
  std::size_t warnings = 0;
  for (const std::string& line : world().agent().lines())
    warnings += line.find("no permission to use Leases") != std::string::npos ? 1 : 0;
  EXPECT_EQ(warnings, 1u);
}

TEST_F(TwoInSandbox, WaitsAndSaysSoWhereLeasesAreForbiddenAndElectionIsOn) {
  make_world(ClusterKind::sandbox);
  world().configure();
  Variables variables = world().quick_environment(Rights::todays);
  variables["APP_LEADER_ELECTION"] = "on";
  world().start(variables);
  ASSERT_TRUE(comes_true(
      [this] { return world().agent().output().find("no permission to use Leases; waiting") != std::string::npos; }));
  EXPECT_EQ(world().agent().health("/readyz"), 503);
  EXPECT_EQ(world().agent().health("/healthz"), 200);
  EXPECT_EQ(compass().requests().size(), 0u);
  EXPECT_FALSE(world().connection());
}

} // namespace
} // namespace runtime_agent::e2e
