#include <gmock/gmock.h>

#include "app/published_status.hpp"

/// What /readyz says.
namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const WallTime now = WallTime(std::chrono::hours(24 * 365 * 50));

status_writer::Facts ready_facts() {
  status_writer::Facts facts;
  ConnectionReport connection;
  connection.connected = true;
  connection.validity = x509::Validity{now - 1h, now + 1h};
  facts.connection = connection;
  SynchronizationReport synchronization;
  synchronization.last_attempt = synchronization.last_successful_fetch = now - 10s;
  facts.synchronization = synchronization;
  return facts;
}

TEST(Readiness, IsThereWithACertificateAndARecentFetch) {
  EXPECT_TRUE(readiness(ready_facts(), now, 20s, 0s).ready);
}

TEST(Readiness, NamesTheConnectionBeforeThereIsOne) {
  const auto result = readiness({}, now, 20s, 0s);
  EXPECT_FALSE(result.ready);
  EXPECT_THAT(result.text, HasSubstr("connection"));
}

TEST(Readiness, EndsWithTheCertificate) {
  auto facts = ready_facts();
  facts.connection->validity->not_after = now;
  EXPECT_FALSE(readiness(facts, now, 20s, 0s).ready);
  EXPECT_THAT(readiness(facts, now, 20s, 0s).text, HasSubstr("expired"));
}

struct Age {
  std::chrono::seconds age;
  std::chrono::seconds backoff;
  bool ready;
};
class StaleSynchronisation : public testing::TestWithParam<Age> {};

TEST_P(StaleSynchronisation, IsOlderThanThreePeriodsAndThePresentBackOff) {
  auto facts = ready_facts();
  facts.synchronization->last_successful_fetch = now - GetParam().age;
  const auto result = readiness(facts, now, 20s, GetParam().backoff);
  EXPECT_EQ(result.ready, GetParam().ready);
  EXPECT_EQ(result.text.find("synchronization") != std::string::npos, !GetParam().ready);
}

INSTANTIATE_TEST_SUITE_P(Ages, StaleSynchronisation,
                         testing::Values(Age{60s, 0s, true}, Age{61s, 0s, false}, Age{100s, 40s, true},
                                         Age{101s, 40s, false}, Age{360s, 300s, true}, Age{361s, 300s, false}));

} // namespace
} // namespace runtime_agent::app
