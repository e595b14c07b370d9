// What a server may send where HTTP has lines: each has an end, or the answer is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::size_t endless = 4u << 20; // more than any bound, and an end for the test

struct Answer {
  const char* name;
  std::string begin;
  char more;
};

std::vector<Answer> endless_answers() {
  const std::string head = "HTTP/1.1 200 OK\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  return {{"ReasonPhrase", "HTTP/1.1 200 ", 'x'},
          {"Version", "HTTP/1.", '1'},
          {"FieldName", head, 'x'},
          {"FieldValue", head + "X-Long: ", 'x'},
          {"ChunkSize", chunked, '0'},
          {"ChunkExtension", chunked + "5;", 'x'},
          {"LaterChunkSize", chunked + "2\r\nok\r\n", '0'},
          {"EndOfAChunk", chunked + "2\r\nok", ' '},
          {"Trailer", chunked + "2\r\nok\r\n0\r\nX-Sum: ", 'x'}};
}

class EndlessLine : public testing::TestWithParam<Answer> {};

TEST_P(EndlessLine, IsRefusedWithinAFewKilobytes) {
  std::size_t sent = 0;
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(GetParam().begin);
    while (sent < endless && peer.send(std::string(4096, GetParam().more)))
      sent += 4096;
  });
  Request request;
  request.path = "/";
  const auto response = make_client({.origin = server.url(), .target = "director"})->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::malformed) << response.error().text();
}

INSTANTIATE_TEST_SUITE_P(Http, EndlessLine, testing::ValuesIn(endless_answers()),
                         [](const auto& each) { return std::string(each.param.name); });

Result<Response> answered_with(const std::string& answer) {
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(answer);
    peer.wait_for_close();
  });
  Request request;
  request.path = "/";
  return make_client({.origin = server.url(), .target = "director"})->send(request, within(ample));
}

TEST(StatusLine, MayHaveALongReason) {
  const auto response = answered_with("HTTP/1.1 200 " + std::string(900, 'x') + "\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "ok");
}

TEST(StatusLine, OfFortyThousandBytesIsAFailure) {
  const auto response = answered_with("HTTP/1.1 200 " + std::string(40'000, 'x') + "\r\nContent-Length: 2\r\n\r\nok");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::malformed);
  EXPECT_THAT(response.error().what, HasSubstr("too long"));
}

TEST(Chunks, OfOneByteEachMayBeMany) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i)
    answer += "1\r\nx\r\n";
  const auto response = answered_with(answer + "0\r\n\r\n");
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body.size(), 20'000u);
}

} // namespace
} // namespace runtime_agent::http::test
