// How a test of one actor looks: see tests/unit/support/test_system.hpp.
#include <gtest/gtest.h>

#include "tests/unit/support/test_system.hpp"

namespace runtime_agent {
namespace {

using namespace std::chrono_literals;
using supervision::Traced;
using tests::FakePeer;
using tests::TestSystem;

/// A small ApplicationReconciler's client: asks a service each minute and tells a peer when there was an answer.
class Asker : public supervision::TracedActor<ConfigWatcherActor> {
public:
  Asker(caf::actor_config& config, supervision::Environment& environment, ApplicationReconcilerActor peer)
      : TracedActor(config, environment), peer_(std::move(peer)) {}
  const char* name() const override { return "Asker"; }
  void on_exit() override { peer_ = nullptr; }

  behavior_type make_behavior() override {
    watch<std::string>(
        "words", [](const CancelToken&, const std::function<void(std::string)>&) {},
        [this](const std::string&) { ask(); });
    after(1min, "ask", Traced::begins, [this] { ask(); });
    return {[this](const FactsRequested&) { ask(); }};
  }

private:
  void ask() {
    call<int>(
        {"ask the service", 5s}, [](const CallContext&) -> Result<int> { return 42; },
        [this](Result<int> answer) {
          if (answer)
            tell(peer_, FactsRequested{});
        });
  }
  ApplicationReconcilerActor peer_;
};

TEST(Example, AMessageLeadsToACallAndItsAnswerToAMessage) {
  TestSystem system;
  FakePeer<ApplicationReconcilerActor> peer(system);
  auto asker = system.spawn<Asker>(peer.handle());
  system.tell(asker, FactsRequested{});
  EXPECT_EQ(peer.received<FactsRequested>().size(), 1u);
}

TEST(Example, TimersRunOnSimulatedTime) {
  TestSystem system;
  FakePeer<ApplicationReconcilerActor> peer(system);
  auto asker = system.spawn<Asker>(peer.handle());
  system.advance(59s);
  EXPECT_EQ(peer.count(), 0u);
  system.advance(1s);
  EXPECT_EQ(peer.count(), 1u);
}

TEST(Example, TheTestSaysWhatAWatchSees) {
  TestSystem system;
  FakePeer<ApplicationReconcilerActor> peer(system);
  auto asker = system.spawn<Asker>(peer.handle());
  system.run();
  system.io().emit("words", std::string("hello"));
  system.run();
  EXPECT_EQ(peer.count(), 1u);
}

TEST(Example, AnArmedCrashSwitchKillsTheActorWithItsText) {
  TestSystem system;
  FakePeer<ApplicationReconcilerActor> peer(system);
  auto asker = system.spawn<Asker>(peer.handle());
  system.crash_switch().arm("Asker", "FactsRequested");
  system.tell(asker, FactsRequested{});
  EXPECT_EQ(system.death(asker), "crash switch: Asker at FactsRequested");
}

} // namespace
} // namespace runtime_agent
