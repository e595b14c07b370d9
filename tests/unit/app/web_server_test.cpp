#include <gtest/gtest.h>
#include <httplib.h>

#include "app/web_server.hpp"

namespace runtime_agent::app {
namespace {

const std::vector<std::string> everywhere{"::", "0.0.0.0"};

void give_page(WebServer& server) {
  server.get("/page", [](const WebRequest&) { return WebResponse{200, "page\n"}; });
}

/// Of a GET /page there; 0 where nobody answers.
int status_of(const std::string& address, std::uint16_t port) {
  httplib::Client client(address, port);
  const auto response = client.Get("/page");
  return response ? response->status : 0;
}

bool ipv6_is_here() {
  return httplib::Server().bind_to_any_port("::1") > 0;
}

TEST(WebServer, AnswersOnIpv4AndIpv6) {
  WebServer server;
  give_page(server);
  const auto port = server.start(everywhere, 0, "PORT");
  ASSERT_TRUE(port);
  EXPECT_EQ(status_of("127.0.0.1", *port), 200);
  if (ipv6_is_here()) {
    EXPECT_EQ(status_of("::1", *port), 200);
  }
}

TEST(WebServer, TakesTheNextAddressWhereTheFirstIsNotThere) {
  WebServer server;
  give_page(server);
  const auto port = server.start({"2001:db8::1", "127.0.0.1"}, 0, "PORT"); // the first is nobody's (RFC 3849)
  ASSERT_TRUE(port);
  EXPECT_EQ(status_of("127.0.0.1", *port), 200);
}

TEST(WebServer, SharesItsPortWithNobody) {
  WebServer first;
  const auto port = first.start(everywhere, 0, "PORT");
  ASSERT_TRUE(port);
  WebServer second;
  const auto refused = second.start(everywhere, *port, "PORT");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::configuration);
  EXPECT_EQ(refused.error().what, "cannot listen on port " + std::to_string(*port) + " of :: or 0.0.0.0");
}

TEST(WebServer, ListensOnThePortOfOneThatHasEnded) {
  std::uint16_t port = 0;
  for (int round = 0; round < 3; ++round) {
    WebServer server;
    give_page(server);
    const auto started = server.start(everywhere, port, "PORT");
    ASSERT_TRUE(started) << started.error().text();
    port = *started;
    EXPECT_EQ(status_of("127.0.0.1", port), 200);
  }
}

} // namespace
} // namespace runtime_agent::app
