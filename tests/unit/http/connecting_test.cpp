// Which address of a name is connected to: RFC 8305, on addresses of this machine.
#include "transport/http/connecting.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/servers.hpp"

namespace runtime_agent::http::test::connecting {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Address v4_address(const char* text, int port = 443) {
  sockaddr_in native{};
  native.sin_family = AF_INET;
  native.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, text, &native.sin_addr);
  Address address{.bytes = {}, .length = sizeof native};
  std::memcpy(&address.bytes, &native, sizeof native);
  return address;
}

Address v6_address(const char* text) {
  sockaddr_in6 native{};
  native.sin6_family = AF_INET6;
  inet_pton(AF_INET6, text, &native.sin6_addr);
  Address address{.bytes = {}, .length = sizeof native};
  std::memcpy(&address.bytes, &native, sizeof native);
  return address;
}

Address at_port(const Url& url) {
  return v4_address("127.0.0.1", url.port);
}

TEST(AttemptOrder, TakesTheFamiliesInTurnsFromTheResolversFirst) {
  const auto a = v6_address("fd00::a");
  const auto b = v6_address("fd00::b");
  const auto c = v6_address("fd00::c");
  const auto x = v4_address("10.0.0.1");
  const auto y = v4_address("10.0.0.2");
  EXPECT_THAT(attempt_order({a, b, c, x, y}, {}), ElementsAre(a, x, b, y, c));
  EXPECT_THAT(attempt_order({x, y, a}, {}), ElementsAre(x, a, y));
  EXPECT_THAT(attempt_order({x, y}, {}), ElementsAre(x, y));
  EXPECT_THAT(attempt_order({}, {}), ElementsAre());
}

TEST(AttemptOrder, BeginsWithTheRememberedAddressWhereTheNameStillHasIt) {
  const auto a = v6_address("fd00::a");
  const auto b = v6_address("fd00::b");
  const auto x = v4_address("10.0.0.1");
  const auto y = v4_address("10.0.0.2");
  EXPECT_THAT(attempt_order({a, b, x, y}, y), ElementsAre(y, a, x, b));
  EXPECT_THAT(attempt_order({a, x}, y), ElementsAre(a, x));
}

TEST(AttemptOrder, IsBounded) {
  const std::vector<Address> many(100, v4_address("10.0.0.1"));
  EXPECT_EQ(attempt_order(many, {}).size(), most_addresses);
}

TEST(RememberedAddress, IsForgottenAfterTenMinutesHoweverOftenItAnswers) {
  const Clock::time_point begin{};
  RememberedAddress remembered;
  EXPECT_FALSE(remembered.at(begin + 1s));
  remembered.answered(v4_address("10.0.0.1"), begin + 1s);
  remembered.answered(v4_address("10.0.0.1"), begin + 9min);
  EXPECT_EQ(remembered.at(begin + 10min), v4_address("10.0.0.1"));
  EXPECT_FALSE(remembered.at(begin + 11min));
  remembered.answered(v4_address("10.0.0.2"), begin + 11min);
  EXPECT_EQ(remembered.at(begin + 20min), v4_address("10.0.0.2"));
}

/// Connects, and says how long that took.
Clock::duration time_to_connect(const std::vector<Address>& addresses, RememberedAddress& remembered) {
  const auto begun = Clock::now();
  const auto context = within(ample);
  const auto connected = connect_to_first(addresses, Waiter(context), Clock::time_point::max(), remembered);
  EXPECT_TRUE(connected) << connected.error().text();
  return Clock::now() - begun;
}

TEST(Connecting, GoesOnBesideAnAddressThatIsSilentAndRemembersTheOneThatAnswers) {
  SilentPort silent;
  RawServer server([](Peer& peer, int) { peer.wait_for_close(); });
  const std::vector addresses{at_port(silent.url()), at_port(server.url())};
  RememberedAddress remembered;
  const auto took = time_to_connect(addresses, remembered);
  EXPECT_GE(took, attempt_delay);
  EXPECT_LT(took, 2s); // and not its share of the time for connecting
  EXPECT_EQ(remembered.at(Clock::now()), addresses.back());
  EXPECT_LT(time_to_connect(attempt_order(addresses, remembered.at(Clock::now())), remembered), attempt_delay);
}

TEST(Connecting, TriesTheNextAtOnceWhereOneRefuses) {
  const auto refusing = RawServer([](Peer&, int) {}).url();
  RawServer server([](Peer& peer, int) { peer.wait_for_close(); });
  RememberedAddress remembered;
  EXPECT_LT(time_to_connect({at_port(refusing), at_port(refusing), at_port(server.url())}, remembered), attempt_delay);
}

TEST(Connecting, SaysWhyWhereAllRefuse) {
  const auto refusing = RawServer([](Peer&, int) {}).url();
  RememberedAddress remembered;
  const auto context = within(ample);
  const auto connected =
      connect_to_first({at_port(refusing), at_port(refusing)}, Waiter(context), Clock::time_point::max(), remembered);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, FailureKind::network);
  EXPECT_THAT(connected.error().what, HasSubstr("Connection refused"));
  EXPECT_FALSE(remembered.at(Clock::now()));
}

TEST(Connecting, EndsAtItsLimitAndAtTheDeadlineWhereAllAreSilent) {
  SilentPort silent;
  const std::vector addresses(3, at_port(silent.url()));
  RememberedAddress remembered;
  const auto begun = Clock::now();
  const auto with_limit = within(ample);
  const auto limited = connect_to_first(addresses, Waiter(with_limit), begun + 300ms, remembered);
  const auto with_deadline = within(300ms);
  const auto late = connect_to_first(addresses, Waiter(with_deadline), Clock::time_point::max(), remembered);
  for (const auto* connected : {&limited, &late}) {
    ASSERT_FALSE(*connected);
    EXPECT_EQ(connected->error().kind, FailureKind::timeout);
  }
  EXPECT_LT(Clock::now() - begun, 3s);
}

TEST(Connecting, IsCancelledAtOnce) {
  SilentPort silent;
  const std::vector addresses(3, at_port(silent.url()));
  const auto context = within(ample);
  Clock::time_point cancelled;
  std::thread canceller([&] {
    std::this_thread::sleep_for(300ms); // two attempts are under way
    cancelled = Clock::now();
    context.cancel.cancel();
  });
  RememberedAddress remembered;
  const auto connected = connect_to_first(addresses, Waiter(context), Clock::time_point::max(), remembered);
  const auto ended = Clock::now();
  canceller.join();
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().kind, FailureKind::cancelled);
  EXPECT_LT(ended - cancelled, 50ms);
}

} // namespace
} // namespace runtime_agent::http::test::connecting
