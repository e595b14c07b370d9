#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/support/point.hpp"
#include "tests/sandbox/request_gate.hpp"

namespace runtime_agent::e2e {

/// A request at which the agent is held up, to be killed there: `arrived`, and it is never carried out; `carried_out`,
/// and its answer never comes. Only where the cluster is the sandbox.
class StopPoint {
public:
  /// From now on. `occurrence` counts from here, and only requests that come while `where` holds, if it is given.
  StopPoint(World& world, const std::string& service, const std::string& request, sandbox::Stage stage,
            int occurrence = 1, std::function<bool()> where = {});
  StopPoint(const StopPoint&) = delete;
  StopPoint& operator=(const StopPoint&) = delete;
  ~StopPoint();

  /// Waits until the agent has come there, and kills it.
  testing::AssertionResult kills_the_agent(std::chrono::milliseconds limit = std::chrono::seconds(30));

private:
  struct Shared;
  World& world_;
  std::shared_ptr<Shared> shared_;
};

} // namespace runtime_agent::e2e
