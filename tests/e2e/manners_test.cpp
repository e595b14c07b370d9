#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/e2e/support/end_to_end.hpp"
#include "tests/unit/http/servers.hpp"

/// How the real binary treats Compass: back-off, jitter, Retry-After (contract §§4, 8 (15)); and how it gets there: an
/// HTTP proxy, a private certification authority (contract §1.3).
namespace runtime_agent::e2e {
namespace {

using testing::Each;
using testing::HasSubstr;

using Times = std::vector<std::chrono::system_clock::time_point>;

class MannersOnSandbox : public EndToEnd {
protected:
  void SetUp() override { make_world(ClusterKind::sandbox); }

  Times times_of(const std::string& service, const std::string& field) {
    Times times;
    for (const auto& request : compass().requests())
      if (request.service == service && request.field == field)
        times.push_back(request.time);
    return times;
  }
  static std::vector<double> gaps_in_seconds(const Times& times) {
    std::vector<double> gaps;
    for (std::size_t i = 1; i < times.size(); ++i)
      gaps.push_back(std::chrono::duration<double>(times[i] - times[i - 1]).count());
    return gaps;
  }
};

struct RetryAfter {
  const char* name;
  const char* service;
  const char* field;
  bool as_date;
};

class RetryAfterOnSandbox : public MannersOnSandbox, public testing::WithParamInterface<RetryAfter> {};

TEST_P(RetryAfterOnSandbox, IsWaitedFor) {
  constexpr int seconds = 4;
  std::string value = std::to_string(seconds);
  synchronise();
  std::optional<std::chrono::system_clock::time_point> date;
  if (GetParam().as_date) {
    const std::time_t until = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + seconds + 2;
    date = std::chrono::system_clock::from_time_t(until);
    char text[64];
    std::tm parts{};
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&until, &parts));
    value = text;
  }
  add_fault({{"service", GetParam().service},
             {"field", GetParam().field},
             {"action", "http-429"},
             {"when", "before"},
             {"retryAfter", value}});
  const auto limited = [this] {
    for (const auto& request : compass().requests())
      if (request.fault == "http-429")
        return request.time;
    return std::chrono::system_clock::time_point::max();
  };
  ASSERT_TRUE(comes_true([&] { return limited() != std::chrono::system_clock::time_point::max(); }));
  // A person's request passes the interval, never a Retry-After.
  world().patch_connection({{"spec", {{"resyncNow", true}, {"refreshCredentialsNow", true}}}});
  std::chrono::system_clock::time_point next;
  ASSERT_TRUE(comes_true([&] {
    for (const auto& request : compass().requests())
      if (request.service == GetParam().service && request.time > limited()) {
        next = request.time;
        return true;
      }
    return false;
  }));
  EXPECT_GE(next, date.value_or(limited() + std::chrono::seconds(seconds)) - 100ms);
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/resyncNow") == "false"; }));
}

INSTANTIATE_TEST_SUITE_P(Each, RetryAfterOnSandbox,
                         testing::Values(RetryAfter{"OfTheDirectorInSeconds", "director", "runtime", false},
                                         RetryAfter{"OfTheDirectorAsADate", "director", "runtime", true},
                                         RetryAfter{"OfTheConnectorInSeconds", "connector", "configuration", false},
                                         RetryAfter{"OfTheConnectorAsADate", "connector", "configuration", true}),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(MannersOnSandbox, AFailingServiceIsAskedLessAndLess) {
  Variables variables = world().quick_environment();
  variables["APP_CONTROLLER_SYNC_PERIOD"] = "100ms";
  variables["APP_MINIMAL_COMPASS_SYNC_TIME"] = "100ms";
  synchronise(variables);
  for (const char* service : {"connector", "director"})
    add_fault({{"service", service}, {"action", "http-503"}, {"when", "before"}, {"times", -1}});
  ASSERT_TRUE(reaches("ConnectionMaintenanceFailed"));
  compass().clear_requests();
  eventually(6s, [] { return false; });
  // Full jitter from 100 ms: on average 0.05 + 0.1 + 0.2 + … seconds between attempts; at the fixed pace it were 60.
  EXPECT_LE(times_of("connector", "configuration").size(), 20u);
  EXPECT_LE(times_of("director", "runtime").size(), 20u);
  compass().clear_faults();
  EXPECT_TRUE(reaches("Synchronized", 60s));
}

TEST_F(MannersOnSandbox, NoTwoCyclesAreEquallyLong) {
  Variables variables = world().quick_environment();
  variables["APP_CONTROLLER_SYNC_PERIOD"] = "500ms";
  variables["APP_MINIMAL_COMPASS_SYNC_TIME"] = "50ms";
  synchronise(variables);
  compass().clear_requests();
  ASSERT_TRUE(comes_true([this] { return times_of("connector", "configuration").size() > 8; }));
  const auto gaps = gaps_in_seconds(times_of("connector", "configuration"));
  const auto [least, most] = std::minmax_element(gaps.begin(), gaps.end());
  EXPECT_GT(*most - *least, 0.01);
  EXPECT_THAT(gaps, Each(testing::Gt(0.4)));
}

// -- ways to Compass

TEST_F(MannersOnSandbox, PairsAndRenewsThroughAnHttpProxy) {
  auto options = World::fast_options();
  options.host = "compass.example.com"; // known to the proxy alone; loopback is never behind one
  options.certificate_hosts = {options.host};
  make_world(ClusterKind::sandbox, options);
  std::atomic<int> tunnels{0};
  std::string heads;
  std::mutex mutex;
  http::test::RawServer proxy([&](http::test::Peer& peer, int) {
    const std::string head = peer.read_request();
    const std::string target = head.substr(head.find(' ') + 1, head.find(" HTTP/") - head.find(' ') - 1);
    {
      const std::lock_guard lock(mutex);
      heads += head;
    }
    ++tunnels;
    peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
    peer.relay_to(std::stoi(target.substr(target.rfind(':') + 1)));
  });
  Variables variables = world().quick_environment();
  variables["HTTPS_PROXY"] = "http://127.0.0.1:" + std::to_string(proxy.port());
  give_applications(1);
  synchronise(variables);
  EXPECT_GE(tunnels, 3); // both Connectors and the Director
  const int before = tunnels;
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  ASSERT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_TRUE(comes_true([&] { return tunnels > before; })); // with the new certificate
  const std::lock_guard lock(mutex);
  EXPECT_THAT(heads, HasSubstr("CONNECT compass.example.com:"));
  EXPECT_EQ(heads.find(std::to_string(world().sandbox_server()->port())), std::string::npos)
      << "the cluster's own server is never behind a proxy";
}

TEST_F(MannersOnSandbox, PairsAndRenewsWithAPrivateAuthorityFromAFile) {
  Variables variables = world().quick_environment();
  const std::string file = variables.at("SSL_CERT_FILE");
  ASSERT_FALSE(file.empty());
  give_applications(1);
  synchronise(variables);
  world().patch_connection({{"spec", {{"refreshCredentialsNow", true}}}});
  EXPECT_TRUE(comes_true([this] { return world().field("/spec/refreshCredentialsNow") == "false"; }));
  EXPECT_EQ(compass().certificates().size(), 2u);
}

TEST_F(MannersOnSandbox, ChangedUrlsAreAdoptedWrittenDownAndSurviveARestart) {
  synchronise();
  // The same places under other names.
  auto renamed = [](std::string url) { return url.replace(url.find("127.0.0.1"), 9, "localhost"); };
  const std::string connector = renamed(compass().connector_url()), director = renamed(compass().director_url());
  compass().configure_connector([&](auto& settings) {
    settings.certificate_secured_connector_url = connector;
    settings.director_url = director;
  });
  EXPECT_TRUE(comes_true([&] { return world().field("/spec/managementInfo/connectorUrl") == connector; }));
  EXPECT_EQ(world().field("/spec/managementInfo/directorUrl"), director);
  EXPECT_TRUE(comes_true([&] {
    return (*world().get(kubernetes::secrets("kyma-system"), "cluster-client-certificates")).dump().find(director) !=
           std::string::npos;
  }));
  end_agent();
  world().start(world().quick_environment());
  ASSERT_TRUE(another_cycle());
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(world().field("/spec/managementInfo/directorUrl"), director);
  EXPECT_EQ(world().tokens_spent(), 1u);
}

TEST_F(MannersOnSandbox, TheConfigurationIsIgnoredWhileConnected) {
  synchronise();
  compass().clear_requests();
  world().configure({{"CONNECTOR_URL", "https://127.0.0.1:1/"}, {"RUNTIME_ID", "another"}, {"TENANT", "another"}});
  ASSERT_TRUE(another_cycle());
  EXPECT_TRUE(reaches("Synchronized"));
  EXPECT_EQ(compass().request_count("connector-token"), 0u);
  for (const auto& request : compass().requests())
    if (request.service == "director") {
      EXPECT_EQ(request.tenant, compass().tenant());
      EXPECT_THAT(request.request_id, HasSubstr(compass().runtime_id()));
    }
}

} // namespace
} // namespace runtime_agent::e2e
