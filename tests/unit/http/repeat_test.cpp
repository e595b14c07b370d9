// What is sent once more when a kept connection turns out to be dead, and what is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test::repeating {
namespace {

struct RepeatCase {
  const char* name;
  std::string_view method;
  bool repeatable;
  std::string before_the_end; ///< what a kept connection still says to its second request
  bool reset;                 ///< it ends by a reset
  bool sent_again;
};

class KeptConnectionThatDies : public testing::TestWithParam<RepeatCase> {};

TEST_P(KeptConnectionThatDies, SendsOnceMoreWhatMayBeRepeated) {
  const auto& one = GetParam();
  std::atomic<int> requests{0};
  RawServer server([&](Peer& peer, int number) {
    while (!peer.read_request().empty()) {
      if (++requests != 2) {
        peer.send(ok);
        continue;
      }
      EXPECT_EQ(number, 1);
      peer.send(one.before_the_end);
      return one.reset ? peer.reset() : void();
    }
  });
  Request request;
  request.method = one.method;
  request.path = "/";
  request.body = one.method == "GET" ? "" : "{}";
  request.repeatable = one.repeatable;
  const auto client = make_client({.origin = server.url(), .target = "director"});
  ASSERT_TRUE(client->send(request, within(ample)));
  const auto response = client->send(request, within(ample));
  EXPECT_EQ(response.has_value(), one.sent_again);
  EXPECT_EQ(requests, one.sent_again ? 3 : 2);
  EXPECT_EQ(server.connections(), one.sent_again ? 2 : 1);
  if (!response) {
    EXPECT_TRUE(response.error().maybe_processed);
  }
}

INSTANTIATE_TEST_SUITE_P(Http, KeptConnectionThatDies,
                         testing::Values(RepeatCase{"Get", "GET", false, "", false, true},
                                         RepeatCase{"GetReset", "GET", false, "", true, true},
                                         RepeatCase{"Query", "POST", true, "", false, true},
                                         RepeatCase{"QueryReset", "POST", true, "", true, true},
                                         RepeatCase{"Mutation", "POST", false, "", false, false},
                                         RepeatCase{"MutationReset", "POST", false, "", true, false},
                                         RepeatCase{"AnswerBegun", "POST", true, "HTTP/1.1 2", false, false},
                                         RepeatCase{"InterimAnswer", "GET", false, "HTTP/1.1 103 Early Hints\r\n\r\n",
                                                    false, false}),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(RepeatedRequest, IsRepeatedOnce) {
  std::atomic<int> requests{0};
  RawServer server([&](Peer& peer, int) {
    while (!peer.read_request().empty() && ++requests == 1)
      peer.send(ok);
  });
  Request query;
  query.method = "POST";
  query.path = "/";
  query.repeatable = true;
  const auto client = make_client({.origin = server.url(), .target = "director"});
  ASSERT_TRUE(client->send(query, within(ample)));
  EXPECT_FALSE(client->send(query, within(ample)));
  EXPECT_EQ(requests, 3);
}

TEST(RepeatedRequest, IsNotRepeatedOnAConnectionThatWasFresh) {
  RawServer server([](Peer& peer, int) { peer.read_request(); });
  Request query;
  query.method = "POST";
  query.path = "/";
  query.repeatable = true;
  EXPECT_FALSE(make_client({.origin = server.url(), .target = "director"})->send(query, within(ample)));
  EXPECT_EQ(server.connections(), 1);
}

} // namespace
} // namespace runtime_agent::http::test::repeating
