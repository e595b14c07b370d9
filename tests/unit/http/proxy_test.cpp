#include "transport/http/proxy.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Result<ProxySettings> settings(std::map<std::string, std::string> environment) {
  return ProxySettings::from_environment([environment](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  });
}

/// The proxy's text for an origin, "none" without one.
std::string proxy_for(const std::map<std::string, std::string>& environment, const std::string& origin) {
  const auto made = settings(environment);
  if (!made)
    return made.error().text();
  const auto proxy = made->proxy_for(*Url::parse(origin));
  return proxy ? proxy->text() : "none";
}

TEST(ProxySettings, AreNoneByDefault) {
  EXPECT_EQ(proxy_for({}, "https://a.example"), "none");
}

TEST(ProxySettings, ChooseByTheOriginsScheme) {
  const std::map<std::string, std::string> both{{"HTTPS_PROXY", "http://s:1"}, {"HTTP_PROXY", "http://p:2"}};
  EXPECT_EQ(proxy_for(both, "https://a.example"), "http://s:1");
  EXPECT_EQ(proxy_for(both, "http://a.example"), "http://p:2");
}

TEST(ProxySettings, ReadLowerCaseAfterUpperCase) {
  EXPECT_EQ(proxy_for({{"https_proxy", "l:1"}}, "https://a.example"), "http://l:1");
  EXPECT_EQ(proxy_for({{"https_proxy", "l:1"}, {"HTTPS_PROXY", "u:1"}}, "https://a.example"), "http://u:1");
}

TEST(ProxySettings, LeaveLoopbackAlone) {
  for (const char* origin : {"https://localhost", "https://127.1.2.3", "https://[::1]:8443"})
    EXPECT_EQ(proxy_for({{"HTTPS_PROXY", "p:1"}}, origin), "none") << origin;
}

struct ExclusionCase {
  const char* no_proxy;
  const char* origin;
  bool excluded;
};

class NoProxy : public testing::TestWithParam<ExclusionCase> {};

TEST_P(NoProxy, DecidesWhetherTheProxyIsUsed) {
  const auto& [no_proxy, origin, excluded] = GetParam();
  EXPECT_EQ(proxy_for({{"HTTPS_PROXY", "p:1"}, {"NO_PROXY", no_proxy}}, origin), excluded ? "none" : "http://p:1")
      << no_proxy << " for " << origin;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, NoProxy,
    testing::Values(
        ExclusionCase{"*", "https://a.example", true}, ExclusionCase{"example", "https://a.example", true},
        ExclusionCase{"a.example", "https://a.example", true}, ExclusionCase{"A.Example", "https://a.example", true},
        ExclusionCase{"a.example", "https://aa.example", false}, ExclusionCase{".example", "https://a.example", true},
        ExclusionCase{".a.example", "https://a.example", false}, ExclusionCase{"*.example", "https://a.example", true},
        ExclusionCase{"x, a.example ,y", "https://a.example", true},
        ExclusionCase{"a.example:443", "https://a.example", true},
        ExclusionCase{"a.example:8443", "https://a.example", false},
        ExclusionCase{"10.1.2.3", "https://10.1.2.3", true}, ExclusionCase{"10.1.2.3:443", "https://10.1.2.3", true},
        ExclusionCase{"10.1.2.3:444", "https://10.1.2.3", false}, ExclusionCase{"10.0.0.0/8", "https://10.1.2.3", true},
        ExclusionCase{"10.0.0.0/8", "https://11.1.2.3", false}, ExclusionCase{"10.1.2.2/31", "https://10.1.2.3", true},
        ExclusionCase{"10.0.0.0/99", "https://10.1.2.3", false},
        ExclusionCase{"10.0.0.0/8", "https://a.example", false}, ExclusionCase{"fd00::/8", "https://[fd00::1]", true},
        ExclusionCase{"fd00::/8", "https://[fe00::1]", false}, ExclusionCase{"fd00::1", "https://[fd00:0:0::1]", true},
        ExclusionCase{"[fd00::1]:443", "https://[fd00::1]", true},
        ExclusionCase{"[fd00::1]:444", "https://[fd00::1]", false}, ExclusionCase{",,", "https://a.example", false}));

TEST(ProxySettings, NameTheVariableThatIsWrong) {
  const auto made = settings({{"HTTPS_PROXY", "socks5://user:secret@p:1"}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, FailureKind::configuration);
  EXPECT_THAT(made.error().text(), testing::AllOf(HasSubstr("HTTPS_PROXY"), Not(HasSubstr("secret"))));
}

TEST(Proxy, TakesCredentialsFromTheUrlAndDoesNotShowThem) {
  const auto proxy = Proxy::parse("http://user:p%40ss@proxy.example:3128");
  ASSERT_TRUE(proxy) << proxy.error().text();
  EXPECT_EQ(proxy->authorization.reveal(), "Basic dXNlcjpwQHNz"); // user:p@ss
  EXPECT_EQ(proxy->text(), "http://proxy.example:3128");
}

TEST(Proxy, DoesNotShowThePasswordOfAnUrlThatIsWrong) {
  const auto proxy = Proxy::parse("http://user:secret@proxy:99999");
  ASSERT_FALSE(proxy);
  EXPECT_THAT(proxy.error().text(), Not(HasSubstr("secret")));
}

// --- through a proxy ---

Proxy proxy_at(const RawServer& server, const std::string& credentials = "") {
  return *Proxy::parse(fmt::format("http://{}127.0.0.1:{}", credentials, server.port()));
}

Result<Response> call_through(const Url& origin, const Proxy& proxy, Trust trust = {}) {
  CallContext context = within(ample);
  Request request;
  request.path = "/x";
  return make_client({.origin = origin, .target = "director", .trust = std::move(trust), .proxy = proxy})
      ->send(request, context);
}

TEST(HttpThroughProxy, TunnelsTlsToTheOrigin) {
  const auto certificate = make_certificate({.common_name = "server", .alternative_names = "IP:127.0.0.1"});
  const ServerTls tls{certificate};
  RawServer origin(
      [](Peer& peer, int) {
        while (!peer.read_request().empty())
          peer.send(ok);
      },
      &tls);
  std::string seen;
  RawServer proxy([&](Peer& peer, int) {
    seen = peer.read_request();
    peer.send("HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n");
    peer.relay_to(origin.port());
  });
  const auto response = call_through(origin.url(), proxy_at(proxy, "user:secret@"), Trust::exactly(certificate.pem()));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "ok");
  EXPECT_THAT(seen, testing::StartsWith(fmt::format("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", origin.port())));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
}

TEST(HttpThroughProxy, ReportsARefusalOfTheProxy) {
  RawServer proxy([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  });
  const auto response = call_through(*Url::parse("https://director.example"), proxy_at(proxy, "user:secret@"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_THAT(response.error().what, HasSubstr("407 Proxy Authentication Required"));
  EXPECT_THAT(response.error().text(), Not(HasSubstr("secret")));
}

TEST(HttpThroughProxy, ReportsAProxyThatSaysNothing) {
  RawServer proxy([](Peer& peer, int) { peer.wait_for_close(); });
  Request request;
  const auto client = make_client({.origin = *Url::parse("https://director.example"),
                                   .target = "director",
                                   .proxy = proxy_at(proxy),
                                   .connect_timeout = 50ms});
  request.path = "/";
  const auto response = client->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
}

TEST(HttpThroughProxy, SendsAbsoluteTargetsForPlainOrigins) {
  std::string seen;
  RawServer proxy([&](Peer& peer, int) {
    seen = peer.read_request();
    peer.send(ok);
  });
  const auto response = call_through(*Url::parse("http://director.example:8080"), proxy_at(proxy));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_THAT(seen, testing::StartsWith("GET http://director.example:8080/x HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Host: director.example:8080\r\n"));
}

} // namespace
} // namespace runtime_agent::http::test
