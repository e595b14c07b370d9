#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/campaigns/campaign.hpp"
#include "tests/e2e/support/credentials.hpp"
#include "tests/e2e/support/end_to_end.hpp"

/// Renewal after renewal while the Director is fetched all the time.
namespace runtime_agent::campaigns {
namespace {

using namespace e2e;

/// What a process holds, from /proc.
struct Holdings {
  long descriptors = 0;
  long threads = 0;
  long resident_kib = 0;
};

Holdings holdings_of(pid_t process) {
  const std::filesystem::path folder = "/proc/" + std::to_string(process);
  Holdings holdings;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "fd"))
    ++holdings.descriptors;
  std::ifstream status(folder / "status");
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    long value = 0;
    words >> name >> value;
    if (name == "Threads:")
      holdings.threads = value;
    if (name == "VmRSS:")
      holdings.resident_kib = value;
  }
  return holdings;
}

std::ostream& operator<<(std::ostream& out, const Holdings& holdings) {
  return out << holdings.descriptors << " descriptors, " << holdings.threads << " threads, " << holdings.resident_kib
             << " KiB";
}

class Soak : public EndToEnd {};

TEST_F(Soak, RenewsAgainAndAgainWithoutAFailedRequestAMismatchedPairOrALeak) {
  const Plan plan = make_plan(0, 0s);
  const std::size_t renewals = plan.whole ? 300 : 20;
  make_world(ClusterKind::sandbox);
  give_applications(3);
  // A certificate is renewed when a tenth of its validity is over; that is also the least time between two renewals.
  compass().set_certificate_validity(4s);
  Variables variables = world().quick_environment();
  variables["APP_CERT_VALIDITY_RENEWAL_THRESHOLD"] = "0.95";
  variables["APP_CONTROLLER_SYNC_PERIOD"] = "50ms";
  variables["APP_MINIMAL_COMPASS_SYNC_TIME"] = "10ms";
  synchronise(variables);

  const auto certificates = [this] { return compass().certificates().size(); };
  std::optional<Holdings> early;
  std::size_t observations = 0;
  std::string mismatch;
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(comes_true(
      [&] {
        for (int i = 0; i < 10; ++i, ++observations)
          if (const auto wrong = wrong_with_pair(world(), secret(world(), certificates_secret)); !wrong.empty())
            mismatch = wrong;
        if (!early && certificates() > renewals / 4)
          early = holdings_of(world().agent().id());
        return certificates() > renewals;
      },
      std::chrono::seconds(30) + renewals * 4s));
  const Holdings late = holdings_of(world().agent().id());
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

  EXPECT_EQ(mismatch, "");
  std::size_t director = 0;
  for (const auto& request : compass().requests()) {
    EXPECT_TRUE(request.status == 200 && !request.errors) << to_json(request);
    director += request.service == "director" ? 1 : 0;
  }
  EXPECT_GT(director, renewals);
  EXPECT_EQ(world().tokens_spent(), 1u);
  EXPECT_EQ(world().state(), "Synchronized") << world().errors();
  EXPECT_LE(late.descriptors, early->descriptors + 4);
  EXPECT_LE(late.threads, early->threads + 2);
#if !defined(__SANITIZE_ADDRESS__) // which keeps freed memory for a while
  EXPECT_LE(late.resident_kib, early->resident_kib + 4096);
#endif
  std::cout << fmt::format("{} renewals in {:.0f} s, {} requests to the Director, {} observations of the pair\n",
                           certificates() - 1, seconds, director, observations)
            << "after a quarter: " << *early << "\nat the end: " << late << '\n';
}

} // namespace
} // namespace runtime_agent::campaigns
