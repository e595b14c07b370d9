#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"

/// Each row of contract 2.2, by either service or both, and what ends it: state, words, tokens spent, and which
/// identity is stored at the end.
namespace runtime_agent::e2e::refusals {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Row {
  const char* name;
  const char* connector; ///< the sandbox's fault
  const char* connector_says;
  const char* director;
  const char* director_says;
};

constexpr Row rows[] = {
    {"Revoked", "invalid-subject", "Invalid subject", "no-scopes", "insufficient scopes provided [actual=;"},
    {"RevokedWithoutATenant", "empty-400", "400", "no-scopes", "is TENANT"},
    {"Unregistered", "consumer-type-not-found", "consumer type not found", "no-scopes", "insufficient scopes"},
    {"UnregisteredAndNotFound", "consumer-type-not-found", "consumer type not found", "runtime-not-found",
     "is RUNTIME_ID"},
    {"TenantUnknown", "invalid-subject", "Invalid subject", "tenant-not-found", "is TENANT"},
};

enum class By { connector, director, both };
enum class End { old_token, fresh_token, fresh_token_of_another_runtime, by_itself };

class Refused : public EndToEnd, public testing::WithParamInterface<std::tuple<Row, By, End>> {
protected:
  void SetUp() override {
    make_world(ClusterKind::sandbox);
    give_applications(1);
    synchronise();
    before = world().latest_serial();
    spent = world().tokens_spent();
    applications = world().versions();
    const auto& [row, by, end] = GetParam();
    if (by != By::director)
      refuse("connector", row.connector);
    if (by != By::connector)
      refuse("director", row.director);
    ASSERT_TRUE(reaches("ConnectionFailed"));
    says("Compass refuses this certificate (revoked, or the Runtime was unregistered)");
    says(by == By::director ? row.director_says : row.connector_says);
    says("x-request-id");
    says("give a new one");
  }
  void refuse(const char* service, const char* action) {
    add_fault({{"service", service}, {"action", action}, {"serial", before}, {"times", -1}});
  }
  void says(const std::string& text) {
    EXPECT_TRUE(comes_true([&] { return world().errors().find(text) != std::string::npos; }))
        << text << " in " << world().errors();
  }
  /// The Secret as it is stored; it is written once the new identity has been used.
  std::string stored() {
    const auto secret = world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates");
    return secret ? (*secret)["data"]["crt"].get<std::string>() : std::string();
  }

  std::string before;
  std::size_t spent = 0;
  std::map<std::string, std::string> applications;
};

TEST_P(Refused, IsNamedAndEndsWithAFreshTokenOrByItself) {
  const End end = std::get<2>(GetParam());
  const std::string certificate = stored();
  EXPECT_EQ(world().versions(), applications) << "nothing is touched for it";
  switch (end) {
  case End::old_token:
    ASSERT_TRUE(another_cycle());
    break;
  case End::fresh_token:
    world().configure();
    ASSERT_TRUE(converges());
    break;
  case End::fresh_token_of_another_runtime:
    compass().register_runtime("another-runtime", "another-tenant");
    world().configure({{"RUNTIME_ID", "another-runtime"},
                       {"TENANT", "another-tenant"},
                       {"TOKEN", compass().issue_token("another-runtime")}});
    ASSERT_TRUE(comes_true([&] { return world().latest_serial() != before && stored() != certificate; }));
    break;
  case End::by_itself:
    compass().clear_faults();
    ASSERT_TRUE(converges());
    EXPECT_EQ(world().errors(), "\n\n");
    break;
  }
  const bool anew = end == End::fresh_token || end == End::fresh_token_of_another_runtime;
  EXPECT_EQ(world().tokens_spent(), spent + (anew ? 1 : 0));
  EXPECT_EQ(world().latest_serial() != before, anew);
  EXPECT_TRUE(comes_true([&] { return (stored() != certificate) == anew; }));
}

std::string name_of_case(const testing::TestParamInfo<std::tuple<Row, By, End>>& parameter) {
  constexpr const char* services[] = {"ByTheConnector", "ByTheDirector", "ByBoth"};
  constexpr const char* ends[] = {"OldToken", "FreshToken", "AnotherRuntime", "ByItself"};
  const auto& [row, by, end] = parameter.param;
  return std::string(row.name) + services[static_cast<int>(by)] + ends[static_cast<int>(end)];
}

INSTANTIATE_TEST_SUITE_P(Each, Refused,
                         testing::Combine(testing::ValuesIn(rows),
                                          testing::Values(By::connector, By::director, By::both),
                                          testing::Values(End::old_token, End::fresh_token,
                                                          End::fresh_token_of_another_runtime, End::by_itself)),
                         name_of_case);

// -- what does not come from the Connector

class AnotherAnswers : public EndToEnd, public testing::WithParamInterface<const char*> {};

TEST_P(AnotherAnswers, TheTokenMayBeSpentAndACorrectedUrlAloneConnects) {
  make_world(ClusterKind::sandbox);
  const std::string token = compass().issue_token();
  add_fault({{"service", "connector-token"}, {"action", GetParam()}, {"times", -1}, {"when", "before"}});
  world().configure({{"TOKEN", token}, {"CONNECTOR_URL", compass().token_connector_url() + "?wrong"}});
  world().start(world().quick_environment());
  ASSERT_TRUE(comes_true([&] { return world().errors().find("may be spent") != std::string::npos; }))
      << world().errors();
  EXPECT_EQ(world().errors().find("the token is spent"), std::string::npos);
  EXPECT_EQ(world().tokens_spent(), 0u);
  compass().clear_faults();
  world().configure({{"TOKEN", token}});
  EXPECT_TRUE(reaches("Synchronized", 10s));
  EXPECT_EQ(world().tokens_spent(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Each, AnotherAnswers, testing::Values("http-404", "http-405", "http-302", "html", "http-500"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
                           return name;
                         });

} // namespace
} // namespace runtime_agent::e2e::refusals
