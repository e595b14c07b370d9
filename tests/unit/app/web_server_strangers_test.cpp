#include <future>
#include <vector>

#include <dirent.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/web_server.hpp"
#include "tests/unit/app/raw_client.hpp"

/// What any pod of the cluster may send to the health port, and that it hurts nobody.
namespace runtime_agent::app {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr std::size_t megabyte = 1 << 20;
const std::string page(20'000, 'p');

WebLimits quick() {
  WebLimits limits;
  limits.head_time = 200ms;
  limits.answer_time = 400ms;
  return limits;
}

class WebServerAndStrangers : public testing::Test {
protected:
  void serve(WebLimits limits = {}) {
    server_ = std::make_unique<WebServer>(limits);
    server_->probe("/healthz", [](const WebRequest&) { return WebResponse{200, "ok\n"}; });
    server_->get("/page", [](const WebRequest&) { return WebResponse{200, page}; });
    server_->get("/large", [](const WebRequest&) { return WebResponse{200, std::string(32 * megabyte, 'l')}; });
    server_->get("/bug", [](const WebRequest&) -> WebResponse { throw std::runtime_error("secret"); });
    server_->get("/slow", [this](const WebRequest&) {
      go_on_.get_future().wait();
      return WebResponse{200, "slow\n"};
    });
    server_->post("/order", [](const WebRequest& request) { return WebResponse{200, request.query.at("level")}; });
    const auto port = server_->start({"127.0.0.1"}, 0, "PORT");
    ASSERT_TRUE(port) << port.error().text();
    port_ = *port;
  }

  RawClient client(const char* address = "127.0.0.1") { return RawClient(port_, address); }
  std::vector<RawClient> idle(std::size_t count, const char* address = "127.0.0.1") {
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < count; ++i)
      clients.push_back(client(address));
    return clients;
  }

  std::string answer_to(const std::string& text) {
    RawClient asking = client();
    asking.send(text);
    return asking.receive();
  }
  std::string get(const std::string& path, const std::string& fields = "") {
    return answer_to("GET " + path + " HTTP/1.1\r\nHost: pod\r\n" + fields + "\r\n");
  }

  /// As the kubelet's: answered, and at once.
  void expect_probe_is_answered(const std::string& moment) {
    const auto begin = Clock::now();
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200 OK")) << moment;
    EXPECT_LT(Clock::now() - begin, 500ms) << moment;
  }

  std::promise<void> go_on_;
  std::unique_ptr<WebServer> server_;
  std::uint16_t port_ = 0;
};

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder))
    ++count;
  ::closedir(folder);
  return count;
}

/// For the time of a test: how many descriptors this process may have.
class DescriptorLimit {
public:
  explicit DescriptorLimit(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit wanted{std::min(count, before_.rlim_max), before_.rlim_max};
    there_ = ::setrlimit(RLIMIT_NOFILE, &wanted) == 0 && wanted.rlim_cur == count;
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  bool there() const { return there_; }

private:
  rlimit before_{};
  bool there_ = false;
};

TEST_F(WebServerAndStrangers, RangesAreIgnored) {
  serve();
  std::string ranges = "Range: bytes=0-";
  for (int i = 0; i < 2000; ++i)
    ranges += ",0-";
  for (const std::string& fields : {ranges + "\r\n", std::string("Range: bytes=5-7\r\n")}) {
    const std::string answer = get("/page", fields);
    EXPECT_THAT(answer.substr(0, 200), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 20000"),
                                             Not(HasSubstr("Content-Range"))));
    EXPECT_TRUE(answer.ends_with("\r\n\r\n" + page));
  }
}

TEST_F(WebServerAndStrangers, NoBodyIsReadWhateverTheMethodAndTheFraming) {
  serve();
  const std::string framings[] = {"Transfer-Encoding: chunked\r\n\r\n", "Content-Length: 1000000000000\r\n\r\n",
                                  "Transfer-Encoding: gzip, chunked\r\nExpect: 100-continue\r\n\r\n",
                                  "Content-Length: 1000\r\n\r\n", // and sends more
                                  "\r\n"};
  const std::string chunk = "1000\r\n" + std::string(4096, 'b') + "\r\n";
  for (const char* method : {"PUT", "POST", "PATCH", "GET", "DELETE", "QUERY"})
    for (const std::string& framing : framings) {
      RawClient sender = client();
      ASSERT_TRUE(sender.send(std::string(method) + " /healthz HTTP/1.1\r\nHost: pod\r\n" + framing));
      // The kernel's buffers take some of it.
      EXPECT_LT(sender.send_without_end(chunk, 64 * megabyte), 32 * megabyte) << method << " " << framing;
    }
  expect_probe_is_answered("afterwards");
}

TEST_F(WebServerAndStrangers, TheAnswerDoesNotWaitForABody) {
  serve();
  for (const char* framing : {"Transfer-Encoding: chunked\r\n", "Content-Length: 100\r\n", ""}) {
    const auto begin = Clock::now();
    EXPECT_THAT(answer_to("POST /order?level=debug HTTP/1.1\r\nHost: pod\r\n" + std::string(framing) + "\r\n"),
                AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("\r\n\r\ndebug")));
    EXPECT_THAT(answer_to("PUT /healthz HTTP/1.1\r\nHost: pod\r\n" + std::string(framing) + "\r\n"),
                AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD\r\n")));
    EXPECT_LT(Clock::now() - begin, 2s);
  }
}

TEST_F(WebServerAndStrangers, AHeadWithoutAnEndIsRefused) {
  serve();
  for (const char* begin : {"GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nX: ", "GET /"}) {
    RawClient sender = client();
    sender.send(begin);
    EXPECT_LT(sender.send_without_end("name: value\r\n", 64 * megabyte), 32 * megabyte) << begin;
  }
  RawClient sender = client();
  sender.send("GET /healthz HTTP/1.1\r\n" + std::string("X: ") + std::string(8200, 'x'));
  EXPECT_THAT(sender.receive(), StartsWith("HTTP/1.1 431"));
  expect_probe_is_answered("afterwards");
}

TEST_F(WebServerAndStrangers, AHeadOfEightKilobytesIsTaken) {
  serve();
  const std::string begin = "GET /healthz HTTP/1.1\r\nX: ";
  const auto head = [&](std::size_t size) { return begin + std::string(size - begin.size() - 4, 'x') + "\r\n\r\n"; };
  EXPECT_THAT(answer_to(head(8192)), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer_to(head(8193)), StartsWith("HTTP/1.1 431"));
}

TEST_F(WebServerAndStrangers, AByteNowAndThenDoesNotKeepAConnection) {
  serve(quick());
  std::vector<RawClient> slow = idle(40);
  const std::string head = "GET /healthz HTTP/1.1\r\nX: " + std::string(1000, 'x');
  const auto begin = Clock::now();
  bool all_ended = false;
  for (std::size_t i = 0; !all_ended && Clock::now() - begin < 5s; ++i) {
    all_ended = true;
    for (RawClient& sender : slow) {
      sender.send(head.substr(i % head.size(), 1));
      all_ended = sender.ends(1ms) && all_ended;
    }
    expect_probe_is_answered("byte " + std::to_string(i));
  }
  EXPECT_TRUE(all_ended);
}

TEST_F(WebServerAndStrangers, SilenceEndsAConnection) {
  WebLimits limits;
  limits.silence = 100ms;
  serve(limits);
  RawClient silent = client();
  EXPECT_TRUE(silent.ends(3s));
}

TEST_F(WebServerAndStrangers, IdleOnesByTheThousandKeepNoProbeWaiting) {
  const DescriptorLimit enough(4096);
  if (!enough.there())
    GTEST_SKIP() << "this process may not have 4096 descriptors";
  serve();
  const std::size_t before = open_descriptors();
  std::vector<RawClient> strangers;
  for (int hundred = 0; hundred < 15; ++hundred) {
    for (RawClient& stranger : idle(100))
      strangers.push_back(std::move(stranger));
    expect_probe_is_answered(std::to_string(strangers.size()) + " idle connections");
  }
  EXPECT_TRUE(strangers.front().ends(3s)); // the oldest go first
  EXPECT_FALSE(strangers.back().ends(1ms));
  EXPECT_LE(open_descriptors() - before - strangers.size(), WebLimits().connections);
}

TEST_F(WebServerAndStrangers, ThreeQuartersOfTheDescriptorsAreLeftToTheAgent) {
  const DescriptorLimit few(256);
  ASSERT_TRUE(few.there());
  serve();
  const std::size_t before = open_descriptors();
  const std::vector<RawClient> strangers = idle(150);
  expect_probe_is_answered("150 idle connections");
  EXPECT_LE(open_descriptors() - before - strangers.size(), 256u / 4);
}

TEST_F(WebServerAndStrangers, WhereNoDescriptorIsLeftTheOldestGivesItsBack) {
  const DescriptorLimit few(256);
  ASSERT_TRUE(few.there());
  serve();
  std::vector<RawClient> strangers = idle(20);
  expect_probe_is_answered("before");
  std::vector<int> taken;
  for (int one = ::dup(0); one >= 0; one = ::dup(0))
    taken.push_back(one);
  ::close(taken.back()); // the client's
  taken.pop_back();
  expect_probe_is_answered("no descriptor is left");
  EXPECT_TRUE(strangers.front().ends(3s));
  EXPECT_FALSE(strangers.back().ends(1ms));
  for (const int one : taken)
    ::close(one);
}

TEST_F(WebServerAndStrangers, OneAddressTakesNoRoomOfAnother) {
  WebLimits limits;
  limits.connections = 8;
  serve(limits);
  RawClient prober = client("127.0.0.1");
  std::vector<RawClient> strangers = idle(40, "127.0.0.2");
  EXPECT_TRUE(strangers.front().ends(3s));
  EXPECT_FALSE(strangers.back().ends(1ms));
  ASSERT_TRUE(prober.send("GET /healthz HTTP/1.1\r\nHost: pod\r\n\r\n"));
  EXPECT_THAT(prober.receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServerAndStrangers, OneThatIsBeingAnsweredOutlivesIdleOnes) {
  WebLimits limits;
  limits.connections = 8;
  serve(limits);
  RawClient asking = client();
  asking.send("GET /slow HTTP/1.1\r\nHost: pod\r\n\r\n");
  expect_probe_is_answered("while a page is made"); // and so the request has been read
  const std::vector<RawClient> strangers = idle(40);
  expect_probe_is_answered("40 idle connections");
  go_on_.set_value();
  EXPECT_THAT(asking.receive(), HasSubstr("slow"));
}

TEST_F(WebServerAndStrangers, AProbeIsNeverBehindAPage) {
  serve();
  std::vector<RawClient> strangers = idle(100);
  for (RawClient& stranger : strangers)
    stranger.send(&stranger == &strangers.front() ? "GET /slow HTTP/1.1\r\n\r\n" : "GET /page HTTP/1.1\r\n\r\n");
  for (int i = 0; i < 10; ++i)
    expect_probe_is_answered("while a page is made");
  go_on_.set_value();
  for (RawClient& stranger : strangers)
    EXPECT_THAT(stranger.receive(), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServerAndStrangers, WhoDoesNotReadItsAnswerIsLeft) {
  serve(quick());
  RawClient reader = client();
  reader.send("GET /large HTTP/1.1\r\nHost: pod\r\n\r\n");
  const auto begin = Clock::now();
  while (Clock::now() - begin < 700ms)
    expect_probe_is_answered("while an answer is not read");
  EXPECT_LT(reader.receive().size(), 32 * megabyte);
}

TEST_F(WebServerAndStrangers, APageThatTakesTooLongIsGivenUp) {
  serve(quick());
  EXPECT_THAT(get("/slow"), IsEmpty());
  go_on_.set_value();
  expect_probe_is_answered("afterwards");
}

TEST_F(WebServerAndStrangers, AConnectionIsGoodForOneRequest) {
  serve();
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: pod\r\nConnection: keep-alive\r\n\r\n";
  const std::string answer = answer_to(request + request + request);
  EXPECT_THAT(answer, AllOf(HasSubstr("\r\nConnection: close\r\n"), HasSubstr("\r\n\r\nok\n")));
  EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos);
}

TEST_F(WebServerAndStrangers, WhatIsNoHttpIsRefused) {
  serve();
  const std::string nonsense[] = {"\r\n\r\n\r\n",
                                  "hello\r\n\r\n",
                                  "GET / HTTP/1.1\r\nno colon\r\n\r\n",
                                  "GET / HTTP/1.1\nHost: x\n\n",
                                  "GET / HTTP/9.9\r\n\r\n",
                                  "GET /\x01 HTTP/1.1\r\n\r\n",
                                  "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                  "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                  std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
                                  std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)};
  for (const std::string& text : nonsense) {
    RawClient sender = client();
    sender.send(text + "\r\n\r\n");
    EXPECT_THAT(sender.receive(), StartsWith("HTTP/1.1 4")) << testing::PrintToString(text);
  }
  expect_probe_is_answered("afterwards");
}

TEST_F(WebServerAndStrangers, ABugInAPageEndsNothing) {
  serve();
  EXPECT_THAT(get("/bug"), AllOf(StartsWith("HTTP/1.1 500"), Not(HasSubstr("secret"))));
  EXPECT_THAT(get("/page"), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServerAndStrangers, HeadIsAnsweredWithoutABody) {
  serve();
  const std::string answer = answer_to("HEAD /page HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 20000\r\n")));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(WebServerAndStrangers, EndsWithAllOfThemConnected) {
  serve();
  std::vector<RawClient> strangers = idle(50);
  for (std::size_t i = 0; i < strangers.size(); i += 2)
    strangers[i].send("GET /page HTTP/1.1\r\n\r\n");
  const auto begin = Clock::now();
  server_->stop();
  EXPECT_LT(Clock::now() - begin, 2s);
  for (RawClient& stranger : strangers)
    EXPECT_TRUE(stranger.ends(3s));
}

TEST_F(WebServerAndStrangers, EndsWithThoseAlsoWhoHaveJustCome) {
  for (int round = 0; round < 100; ++round) {
    serve();
    std::vector<RawClient> strangers = idle(3);
    server_->stop();
    for (RawClient& stranger : strangers)
      ASSERT_TRUE(stranger.ends(3s)) << "round " << round;
  }
}

} // namespace
} // namespace runtime_agent::app
