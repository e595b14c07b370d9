#include <random>

#include "tests/unit/application_reconciler/reconciler_fixture.hpp"
#include "tests/unit/support/seeds.hpp"

// Whatever people, failures and restarts do in between: when they stop, the cluster is as the Director has it.
namespace runtime_agent::application_reconciler {
namespace {

using namespace std::chrono_literals;
using tests::ClusterRequest;

class Convergence : public ReconcilerTest {
protected:
  int number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random); }
  bool chance(int percent) { return number(100) < percent; }

  compass::RuntimeDataPtr data() {
    std::vector<compass::Application> applications;
    for (int i = 0; i < 6; ++i)
      if (chance(70)) {
        auto application = tests::application("a" + std::to_string(i));
        application.description = "version " + std::to_string(number(3));
        for (int b = 0; b < 2; ++b)
          if (chance(60))
            application.bundles.push_back(
                tests::with_password(tests::bundle("b" + std::to_string(b)), std::to_string(number(3))));
        applications.push_back(application);
      }
    return tests::director_data(applications);
  }

  void disturb() {
    const std::string name = "mp-a" + std::to_string(number(6));
    if (cluster->find(apps, name) && chance(50))
      cluster->patch(apps, name, {{"spec", {{"description", "edited"}}}});
    else if (cluster->find(apps, name))
      cluster->erase(apps, name);
    const std::string secret = name + "-b0";
    if (cluster->find(secrets, secret) && chance(50))
      cluster->erase(secrets, secret);
    else if (cluster->find(secrets, secret))
      cluster->patch(secrets, secret, {{"metadata", {{"ownerReferences", nullptr}}}});
  }

  void chaos() {
    cluster->before = [this](const ClusterRequest& request) -> std::optional<Failure> {
      if (chance(10))
        disturb(); // between what the agent read and what it writes
      if (chance(15))
        return Failure{FailureKind::unavailable, request.text(), "scripted", {}, {}, 0, false, {}};
      return std::nullopt;
    };
    for (int step = 0; step < 12; ++step) {
      if (chance(40))
        fetch_only(data(), static_cast<std::uint64_t>(step));
      if (chance(40))
        disturb();
      if (chance(15))
        start();
      if (chance(70))
        watch();
      system.advance(std::chrono::seconds(number(30)));
    }
    cluster->before = nullptr;
  }

  std::mt19937_64 random;
};

TEST_F(Convergence, TheClusterIsAsTheDirectorHasItOnceAllIsQuiet) {
  tests::for_each_seed(20, [this](std::uint64_t seed) {
    random.seed(seed);
    cluster = std::make_shared<tests::InMemoryCluster>();
    start();
    chaos();
    watch();
    const auto last = data();
    fetch(last, 100);
    system.advance(10min); // back-offs and the minute of a fight end
    watch();
    fetch(last, 101);
    system.advance(10min);
    watch();
    const auto end = std::pair(cluster->all(apps), cluster->all(secrets));
    const auto plan = plan_changes({desired_objects(last, settings.mapping), observed(), {}, {}, 10s});
    EXPECT_TRUE(plan.work.empty()) << plan.work[0].name << ' ' << static_cast<int>(plan.work[0].action);
    EXPECT_TRUE(plan.held.empty());
    cluster->take_log();
    system.advance(1h);
    fetch(last, 102);
    EXPECT_TRUE(cluster->take_writes().empty()) << "silence afterwards";
    EXPECT_EQ(std::pair(cluster->all(apps), cluster->all(secrets)), end);
  });
}

} // namespace
} // namespace runtime_agent::application_reconciler
