#include <string>

#include <gmock/gmock.h>

#include "tests/e2e/support/credentials.hpp"
#include "tests/e2e/support/end_to_end.hpp"

/// The node's clock is wrong, by hours or by a year, either way: said plainly, and neither a storm of renewals nor a
/// busy loop. The agent's clock alone is moved (RUNTIME_AGENT_TEST_CLOCK_OFFSET); OpenSSL's, by which servers are
/// judged, is not.
namespace runtime_agent::e2e {
namespace {

struct Clock {
  const char* name;
  long seconds;
  const char* when_pairing; ///< the state that pairing ends in
  const char* when_paired;  ///< the state that an agent comes to that is connected already
  const char* said;         ///< in both cases; empty: nothing
};

constexpr long hour = 3600;
constexpr long year = 365 * 24 * hour;

class WrongClock : public EndToEnd, public testing::WithParamInterface<Clock> {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  Variables variables() {
    Variables variables = world().quick_environment();
    variables["RUNTIME_AGENT_TEST_CLOCK_OFFSET"] = std::to_string(GetParam().seconds);
    return variables;
  }
  /// Some cycles long, nothing is asked more often than the periods of a second want it.
  void no_storm(std::size_t certificates) {
    const auto asked = compass().request_count();
    const auto written =
        world().sandbox_server()->requests().count([](const auto& record) { return is_write(record); });
    const auto from = std::chrono::steady_clock::now();
    eventually(4s, [] { return false; });
    const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    // A cycle of a second has four requests to Compass and one write of the status.
    EXPECT_LT(static_cast<double>(compass().request_count() - asked), 12 * seconds);
    EXPECT_LT(static_cast<double>(
                  world().sandbox_server()->requests().count([](const auto& record) { return is_write(record); })) -
                  static_cast<double>(written),
              6 * seconds);
    EXPECT_LE(compass().certificates().size(), certificates);
  }
  static bool is_write(const sandbox::kube::RequestRecord& record) {
    return record.verb == "create" || record.verb == "update" || record.verb == "delete";
  }
  void is_said() {
    const std::string said = GetParam().said;
    EXPECT_TRUE(comes_true([&] { return world().errors().find(said) != std::string::npos; })) << said;
  }
};

TEST_P(WrongClock, IsSaidPlainlyWhenPairing) {
  world().configure();
  world().start(variables());
  ASSERT_TRUE(reaches(GetParam().when_pairing));
  is_said();
  no_storm(1);
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_P(WrongClock, IsSaidPlainlyWhenConnected) {
  synchronise();
  end_agent();
  world().start(variables());
  ASSERT_TRUE(reaches(GetParam().when_paired));
  is_said();
  no_storm(2);
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(wrong_with_credentials(world()), "");
  // Set right, everything goes on as before.
  end_agent();
  world().start(world().quick_environment());
  EXPECT_TRUE(reaches("Synchronized"));
}

INSTANTIATE_TEST_SUITE_P(
    Each, WrongClock,
    testing::Values(Clock{"HoursAhead", 5 * hour, "Synchronized", "Synchronized", ""},
                    Clock{"HoursBehind", -5 * hour, "ConnectionFailed", "ConnectionMaintenanceFailed", "not yet valid"},
                    Clock{"AYearAhead", year, "ConnectionFailed", "ConnectionMaintenanceFailed", "expired"},
                    Clock{"AYearBehind", -year, "ConnectionFailed", "ConnectionMaintenanceFailed", "not yet valid"}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

} // namespace
} // namespace runtime_agent::e2e
