#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/support/world.hpp"

namespace runtime_agent::e2e {

using namespace std::chrono_literals;

/// What the tests of the agent's job stand on: a world of their own, and the end of the agent's log where one fails.
class EndToEnd : public testing::Test {
protected:
  /// Ends the agent and looks through its trace (trace_check.hpp).
  void TearDown() override;

  World& make_world(ClusterKind kind, sandbox::CompassOptions options = World::fast_options());
  World& world() { return *world_; }
  sandbox::CompassServer& compass() { return world_->compass(); }

  /// Compass holds so many generated Applications (`mp-app-0001`, …), each with one bundle, its credentials an API and
  /// an event definition; `description` is every Application's.
  void give_applications(std::size_t count, const std::string& description = "generated");
  /// As tests/vectors/*/dataset.json.
  void give(const nlohmann::json& dataset);
  void add_fault(const nlohmann::json& fault);

  /// An Application as the cluster holds it; null where it does not.
  Json live(const std::string& name) { return world().get(kubernetes::applications(), name).value_or(Json()); }

  /// An environment for the agent in which nothing comes from the next cycle.
  Variables with_long_period() {
    Variables variables = world().quick_environment();
    variables["APP_CONTROLLER_SYNC_PERIOD"] = "180s";
    return variables;
  }

  /// Configures, starts the agent and waits until all is done.
  void synchronise() { synchronise(world().quick_environment()); }
  void synchronise(Variables variables);
  /// Sends SIGTERM; the agent has to end with 0 within the five seconds that operators are promised.
  void end_agent();

  /// With what stands in the CompassConnection where it does not.
  testing::AssertionResult reaches(const std::string& state, std::chrono::milliseconds limit = 30s);
  testing::AssertionResult comes_true(const std::function<bool()>& condition, std::chrono::milliseconds limit = 30s);
  /// Everything is done, and the Applications are those that Compass holds now, with its descriptions.
  testing::AssertionResult converges(std::chrono::milliseconds limit = 30s);
  /// All requests to the Director of a cycle that began after now have been sent.
  testing::AssertionResult another_cycle();

private:
  /// Each centralGatewayUrl works, or the agent has warned of it (contract §9).
  void check_gateway_urls();
  bool cluster_equals_compass();

  std::optional<World> world_;
};

/// Those on each cluster.
class OnEachCluster : public EndToEnd, public testing::WithParamInterface<ClusterKind> {
protected:
  void SetUp() override { make_world(GetParam()); }
};

/// "Sandbox", "Real".
inline std::string cluster_name(const testing::TestParamInfo<ClusterKind>& parameter) {
  return name_of(parameter.param);
}

} // namespace runtime_agent::e2e
