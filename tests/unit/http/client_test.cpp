#include "transport/http/make_client.hpp"

#include <condition_variable>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/unit/http/servers.hpp"
#include "transport/http/socket.hpp"

namespace runtime_agent::http::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::shared_ptr<Client> client_for(const Url& url) {
  return make_client({.origin = url, .target = "director"});
}

Request get(std::string path = "/") {
  Request request;
  request.path = std::move(path);
  request.operation = "read it";
  return request;
}

Request post(std::string body = "{}") {
  Request request;
  request.method = "POST";
  request.path = "/";
  request.body = std::move(body);
  return request;
}

/// A port that nobody listens on any more.
Url closed_port() {
  return RawServer([](Peer&, int) {}).url();
}

/// How long `work` took.
template <class Work>
Clock::duration time_of(Work work) {
  const auto begun = Clock::now();
  work();
  return Clock::now() - begun;
}

TEST(HttpClient, SendsNothingThatIsNotPermitted) {
  std::atomic<int> requests{0};
  HttpServer server;
  server.routes().Post("/", [&](const httplib::Request&, httplib::Response&) { ++requests; });
  server.start();
  bool may = true;
  const auto client = make_client({.origin = server.url(), .permit = [&]() -> Result<void> {
                                     if (may)
                                       return {};
                                     return failed({.kind = FailureKind::cancelled, .what = "no longer"});
                                   }});
  ASSERT_TRUE(client->send(post(), within(ample)));
  may = false; // the connection is kept and would be used
  const auto refused = client->send(post(), within(ample));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, FailureKind::cancelled);
  EXPECT_FALSE(refused.error().maybe_processed);
  EXPECT_EQ(requests, 1);
}

TEST(HttpClient, ReturnsStatusHeadersAndBody) {
  HttpServer server;
  server.routes().Get("/x", [](const httplib::Request&, httplib::Response& response) {
    response.status = 201;
    response.set_header("X-Test", "yes");
    response.set_content("content", "text/plain");
  });
  server.start();
  const auto response = client_for(server.url())->send(get("/x"), within(ample));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "content");
  EXPECT_EQ(header(response->headers, "x-test"), "yes");
}

TEST(HttpClient, SendsPathBodyAndHeadersAsGiven) {
  std::string seen;
  RawServer server([&](Peer& peer, int) {
    seen = peer.read_request();
    peer.send(ok);
  });
  auto request = post(R"({"a":1})");
  request.path = "/graphql?limit=5&continue=a%2Bb";
  request.headers = {{"Tenant", "t 1"}};
  ASSERT_TRUE(client_for(server.url())->send(request, within(ample)));
  EXPECT_THAT(seen, testing::StartsWith("POST /graphql?limit=5&continue=a%2Bb HTTP/1.1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Tenant: t 1\r\n"));
  EXPECT_THAT(seen, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(seen, HasSubstr("User-Agent: runtime-agent\r\n"));
  EXPECT_THAT(seen, HasSubstr(fmt::format("Host: 127.0.0.1:{}\r\n", server.port())));
  EXPECT_THAT(seen, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST(HttpClient, SendsRequestIdAndTraceparentOfTheContext) {
  std::string seen;
  RawServer server([&](Peer& peer, int) {
    seen = peer.read_request();
    peer.send(ok);
  });
  auto context = within(ample);
  context.request_id = "runtime_1ae04041-17e5-478f-91f8-3a2ddc7700de";
  context.trace = trace_from_uuid("1ae04041-17e5-478f-91f8-3a2ddc7700de");
  ASSERT_TRUE(client_for(server.url())->send(get(), context));
  EXPECT_THAT(seen, HasSubstr("x-request-id: runtime_1ae04041-17e5-478f-91f8-3a2ddc7700de\r\n"));
  EXPECT_THAT(seen, HasSubstr("traceparent: 00-1ae0404117e5478f91f83a2ddc7700de-"));
}

TEST(HttpClient, UsesOneConnectionForRequestsInARow) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send(ok);
  });
  const auto client = client_for(server.url());
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(client->send(get(), within(ample)));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, OpensAFreshConnectionWhereTheServerSaysClose) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok");
    peer.wait_for_close();
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(get(), within(ample)));
  ASSERT_TRUE(client->send(post(), within(ample)));
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, GivesConcurrentCallsConnectionsOfTheirOwn) {
  std::mutex mutex;
  std::condition_variable both;
  int arrived = 0;
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    std::unique_lock lock(mutex);
    ++arrived;
    both.notify_all();
    both.wait_for(lock, ample, [&] { return arrived == 2; });
    peer.send(ok);
  });
  const auto client = client_for(server.url());
  std::thread other([&] { EXPECT_TRUE(client->send(get(), within(ample))); });
  EXPECT_TRUE(client->send(get(), within(ample)));
  other.join();
  EXPECT_EQ(arrived, 2);
}

TEST(HttpClient, WaitsForAConnectionBeyondTheBound) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send(ok);
  });
  const auto client = make_client({.origin = server.url(), .target = "director", .max_connections = 1});
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] { EXPECT_TRUE(client->send(get(), within(ample))); });
  for (auto& caller : callers)
    caller.join();
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, StopsWaitingForAConnectionWhenItsDeadlinePasses) {
  RawServer server([](Peer& peer, int) { peer.wait_for_close(); });
  const auto client = make_client({.origin = server.url(), .target = "director", .max_connections = 1});
  CallContext blocking = within(ample);
  std::thread holder([&] { EXPECT_FALSE(client->send(get(), blocking)); });
  while (server.connections() == 0)
    std::this_thread::yield();
  const auto second = client->send(get(), within(50ms));
  blocking.cancel.cancel();
  holder.join();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, FailureKind::timeout);
  EXPECT_FALSE(second.error().maybe_processed);
}

TEST(HttpClient, DropsIdleConnectionsOnDemand) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send(ok);
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(get(), within(ample)));
  client->drop_idle_connections();
  ASSERT_TRUE(client->send(get(), within(ample)));
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, DoesNotUseAConnectionThatHasBeenIdleTooLong) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send(ok);
  });
  const auto client = make_client({.origin = server.url(), .target = "director", .idle_timeout = 0ms});
  ASSERT_TRUE(client->send(get(), within(ample)));
  ASSERT_TRUE(client->send(get(), within(ample)));
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, DoesNotFollowRedirects) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, RefusesHeaderValuesWithALineBreak) {
  RawServer server([](Peer&, int) {});
  auto request = get();
  request.headers = {{"Tenant", "a\r\nX-Evil: 1"}};
  const auto response = client_for(server.url())->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::configuration);
  EXPECT_THAT(response.error().text(), testing::AllOf(HasSubstr("Tenant"), testing::Not(HasSubstr("Evil"))));
}

TEST(HttpClient, AnswersWithoutContentLeaveTheConnectionUsable) {
  RawServer server([](Peer& peer, int) {
    while (!peer.read_request().empty())
      peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  const auto client = client_for(server.url());
  for (int i = 0; i < 2; ++i) {
    const auto response = client->send(get(), within(ample));
    ASSERT_TRUE(response) << response.error().text();
    EXPECT_EQ(response->status, 204);
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, ReadsChunkedAnswers) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    peer.wait_for_close();
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->body, "abcde");
}

// --- time ---

TEST(HttpClient, EndsATricklingAnswerAtTheDeadlineOfTheWholeCall) {
  std::atomic<bool> stop{false};
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    while (!stop && peer.send("x"))
      std::this_thread::sleep_for(5ms); // the trickle is what is tested
  });
  Result<Response> response;
  const auto took = time_of([&] { response = client_for(server.url())->send(get(), within(100ms)); });
  stop = true;
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
  EXPECT_TRUE(response.error().maybe_processed);
  EXPECT_LT(took, 1s);
}

TEST(HttpClient, EndsASlowConnectAtTheConnectTimeout) {
  SilentPort silent;
  const auto client = make_client({.origin = silent.url(), .target = "director", .connect_timeout = 50ms});
  Result<Response> response;
  const auto took = time_of([&] { response = client->send(get(), within(ample)); });
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
  EXPECT_FALSE(response.error().maybe_processed);
  EXPECT_LT(took, 1s);
}

TEST(HttpClient, EndsASlowTlsHandshakeAtTheDeadline) {
  RawServer server([](Peer& peer, int) { peer.wait_for_close(); }); // accepts, and never says hello
  auto url = server.url();
  url.scheme = "https";
  const auto client = make_client({.origin = url, .target = "director", .trust = Trust::unchecked()});
  Result<Response> response;
  const auto took = time_of([&] { response = client->send(get(), within(50ms)); });
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
  EXPECT_THAT(response.error().what, HasSubstr("handshake"));
  EXPECT_LT(took, 1s);
}

/// Cancels once `begun` says so, and returns how long the call went on after that.
template <class Begun>
Clock::duration time_to_cancel(Client& client, Begun begun, FailureKind& kind) {
  auto context = within(ample);
  Clock::time_point cancelled;
  std::thread canceller([&] {
    while (!begun())
      std::this_thread::yield();
    cancelled = Clock::now();
    context.cancel.cancel();
  });
  const auto response = client.send(get(), context);
  const auto ended = Clock::now();
  canceller.join();
  kind = response ? FailureKind::internal : response.error().kind;
  return ended - cancelled;
}

TEST(HttpClient, CancelEndsACallThatWaitsForItsAnswerWithin50Milliseconds) {
  std::atomic<bool> asked{false};
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    asked = true;
    peer.wait_for_close();
  });
  FailureKind kind{};
  EXPECT_LT(time_to_cancel(
                *client_for(server.url()), [&] { return asked.load(); }, kind),
            50ms);
  EXPECT_EQ(kind, FailureKind::cancelled);
}

TEST(HttpClient, CancelEndsACallThatConnectsWithin50Milliseconds) {
  SilentPort silent;
  const auto begun = Clock::now();
  FailureKind kind{};
  const auto took = time_to_cancel(
      *client_for(silent.url()), [&] { return Clock::now() - begun > 20ms; }, kind);
  EXPECT_LT(took, 50ms);
  EXPECT_EQ(kind, FailureKind::cancelled);
}

TEST(HttpClient, CancelEndsACallThatShakesHandsWithin50Milliseconds) {
  std::atomic<bool> asked{false};
  RawServer server([&](Peer& peer, int) {
    asked = true;
    peer.wait_for_close();
  });
  auto url = server.url();
  url.scheme = "https";
  const auto client = make_client({.origin = url, .target = "director", .trust = Trust::unchecked()});
  FailureKind kind{};
  EXPECT_LT(time_to_cancel(
                *client, [&] { return asked.load(); }, kind),
            50ms);
  EXPECT_EQ(kind, FailureKind::cancelled);
}

TEST(HttpClient, DoesNotBeginACallThatIsCancelledAlready) {
  RawServer server([](Peer& peer, int) { peer.wait_for_close(); });
  const auto context = within(ample);
  context.cancel.cancel();
  const auto response = client_for(server.url())->send(get(), context);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::cancelled);
  EXPECT_EQ(server.connections(), 0);
}

// --- sizes ---

TEST(HttpClient, RefusesAnAnswerWhoseLengthIsOverTheLimit) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n");
    peer.wait_for_close();
  });
  auto request = get();
  request.max_response_bytes = 100;
  const auto response = client_for(server.url())->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::too_large);
  EXPECT_EQ(response.error().http_status, 200);
}

TEST(HttpClient, RefusesAChunkedAnswerOverTheLimit) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + std::string(101, 'x') + "\r\n");
    peer.wait_for_close();
  });
  auto request = get();
  request.max_response_bytes = 100;
  const auto response = client_for(server.url())->send(request, within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::too_large);
}

TEST(HttpClient, RefusesHeadersWithoutEnd) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n");
    while (peer.send("X-Header: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::malformed);
}

TEST(HttpClient, RefusesALengthThatIsNoNumber) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nok");
    peer.wait_for_close();
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::malformed);
}

// --- broken connections ---

TEST(HttpClient, SendsAnIdempotentRequestAgainThatAKeptConnectionSwallowed) {
  RawServer server([](Peer& peer, int number) {
    peer.read_request();
    peer.send(ok);
    peer.read_request();
    if (number > 1)
      peer.send(ok);
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(get(), within(ample)));
  const auto response = client->send(get(), within(ample));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, LeavesAPostThatAKeptConnectionSwallowedToItsCaller) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send(ok);
    peer.read_request();
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(post(), within(ample)));
  const auto response = client->send(post(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_TRUE(response.error().maybe_processed);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpClient, SendsAPostOnAFreshConnectionWhereTheKeptOneHadBeenClosedWhileIdle) {
  std::atomic<int> closed{0};
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send(ok);
    ++closed; // the server thread closes right after this
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(post(), within(ample)));
  while (closed == 0)
    std::this_thread::yield();
  std::this_thread::sleep_for(20ms); // the close itself comes just after the script's end
  const auto response = client->send(post(), within(ample));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, TriesOnlyOnceMore) {
  RawServer server([](Peer& peer, int number) {
    peer.read_request();
    if (number == 1) {
      peer.send(ok);
      peer.read_request();
    }
  });
  const auto client = client_for(server.url());
  ASSERT_TRUE(client->send(get(), within(ample)));
  const auto response = client->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_EQ(server.connections(), 2);
}

TEST(HttpClient, ReportsATruncatedAnswerAsMaybeProcessed) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
  });
  const auto response = client_for(server.url())->send(post(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_TRUE(response.error().maybe_processed);
}

TEST(HttpClient, ReportsATruncatedChunkedAnswer) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
}

TEST(HttpClient, ReportsAnAnswerThatIsNotHttp) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("220 mail.example.com ESMTP\r\n");
    peer.wait_for_close();
  });
  const auto response = client_for(server.url())->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::malformed);
}

TEST(HttpClient, ReportsARefusedConnectionWithOperationAndOrigin) {
  const auto url = closed_port();
  auto context = within(ample);
  context.request_id = "runtime_1";
  const auto response = client_for(url)->send(get(), context);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_FALSE(response.error().maybe_processed);
  EXPECT_EQ(response.error().where, "read it, " + url.origin());
  EXPECT_EQ(response.error().request_id, "runtime_1");
  EXPECT_THAT(response.error().what, HasSubstr("Connection refused"));
}

TEST(HttpClient, ReportsANameWithoutAddress) {
  const auto response =
      client_for({.scheme = "http", .host = "no-such-name.invalid", .port = 80})->send(get(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_THAT(response.error().what, HasSubstr("no-such-name.invalid"));
}

TEST(HttpClient, ReportsAResetConnection) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.reset();
  });
  const auto response = client_for(server.url())->send(post(), within(ample));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::network);
  EXPECT_TRUE(response.error().maybe_processed);
}

TEST(HttpClient, ConfiguresSocketsForSmallRequestsAndHalfOpenConnections) {
  const Descriptor fd(::socket(AF_INET, SOCK_STREAM, 0));
  configure_socket(fd.get());
  const auto value = [&](int level, int option) {
    int result = 0;
    socklen_t size = sizeof result;
    ::getsockopt(fd.get(), level, option, &result, &size);
    return result;
  };
  EXPECT_NE(value(IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_NE(value(SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(value(IPPROTO_TCP, TCP_USER_TIMEOUT), 60'000);
}

// --- spans ---

TEST(HttpClient, ReportsASpanForAnAnswer) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
  });
  Spans spans;
  const auto client = make_client({.origin = server.url(), .target = "kubernetes", .observer = &spans});
  auto context = within(ample);
  context.trace = trace_from_uuid("1ae04041-17e5-478f-91f8-3a2ddc7700de");
  ASSERT_TRUE(client->send(get(), context));
  ASSERT_EQ(spans.all().size(), 1u);
  const auto span = spans.all().front();
  EXPECT_EQ(span.trace, context.trace);
  EXPECT_EQ(span.target, "kubernetes");
  EXPECT_EQ(span.method, "GET");
  EXPECT_EQ(span.operation, "read it");
  EXPECT_EQ(span.status, 404);
  EXPECT_EQ(span.outcome, "ok");
  EXPECT_GT(span.bytes_sent, 20u);
  EXPECT_EQ(span.bytes_received, 47u);
  EXPECT_GT(span.duration.count(), 0);
}

TEST(HttpClient, ReportsASpanForAFailure) {
  Spans spans;
  const auto client = make_client({.origin = closed_port(), .target = "director", .observer = &spans});
  ASSERT_FALSE(client->send(get(), within(ample)));
  ASSERT_EQ(spans.all().size(), 1u);
  EXPECT_EQ(spans.all().front().status, 0);
  EXPECT_EQ(spans.all().front().outcome, "network");
}

// --- streams ---

TEST(HttpStream, HandsOverPiecesAsTheyCome) {
  std::mutex mutex;
  std::condition_variable changed;
  std::string got;
  RawServer server([&](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    std::unique_lock lock(mutex);
    changed.wait_for(lock, ample, [&] { return got == "one"; }); // only then the second piece
    peer.send("3\r\ntwo\r\n0\r\n\r\n");
  });
  const auto response = client_for(server.url())->stream(get(), within(ample), ample, [&](std::string_view piece) {
    std::lock_guard lock(mutex);
    got += piece;
    changed.notify_all();
    return true;
  });
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(got, "onetwo");
  EXPECT_TRUE(response->body.empty());
}

TEST(HttpStream, EndsWhereNothingComesForTheIdleLimit) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    peer.wait_for_close();
  });
  const auto response =
      client_for(server.url())->stream(get(), within(ample), 50ms, [](std::string_view) { return true; });
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
}

TEST(HttpStream, EndsWhereItsHeadDoesNotComeHoweverLongItMayBeSilent) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.wait_for_close();
  });
  const auto client = make_client({.origin = server.url(), .target = "kubernetes", .stream_head_timeout = 50ms});
  const auto response = client->stream(get(), within(ample), ample, [](std::string_view) { return true; });
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::timeout);
}

TEST(HttpStream, EndsWhereTheReceiverHasEnough) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    peer.wait_for_close();
  });
  const auto response =
      client_for(server.url())->stream(get(), within(ample), ample, [](std::string_view) { return false; });
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
}

TEST(HttpStream, PutsTheBodyOfARefusalIntoTheResponse) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 410 Gone\r\nContent-Length: 7\r\n\r\ntoo old");
  });
  bool received = false;
  const auto response =
      client_for(server.url())->stream(get(), within(ample), ample, [&](std::string_view) { return received = true; });
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 410);
  EXPECT_EQ(response->body, "too old");
  EXPECT_FALSE(received);
}

TEST(HttpStream, CancelEndsItWithin50Milliseconds) {
  RawServer server([](Peer& peer, int) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    peer.wait_for_close();
  });
  const auto context = within(ample);
  Clock::time_point cancelled;
  std::thread canceller;
  const auto response = client_for(server.url())->stream(get(), context, ample, [&](std::string_view) {
    canceller = std::thread([&] {
      cancelled = Clock::now();
      context.cancel.cancel();
    });
    return true;
  });
  const auto ended = Clock::now();
  canceller.join();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, FailureKind::cancelled);
  EXPECT_LT(ended - cancelled, 50ms);
}

} // namespace
} // namespace runtime_agent::http::test
