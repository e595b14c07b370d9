#include <atomic>
#include <condition_variable>
#include <thread>

#include <gtest/gtest.h>
#include <httplib.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "transport/kubernetes/reflector.hpp"

namespace runtime_agent::kubernetes {
namespace {

using namespace test;
using Clock = std::chrono::steady_clock;

/// What a server's watch does: events that tests push, until the client goes or the server ends.
class Feed {
public:
  void push(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_ += line;
    changed_.notify_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  /// For httplib's chunked answer: what is there, or nothing for a moment.
  bool give(httplib::DataSink& sink) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, milliseconds(20), [&] { return ended_ || !lines_.empty(); });
    const std::string now = std::exchange(lines_, {});
    const bool over = ended_;
    lock.unlock();
    if (!now.empty() && !sink.write(now.data(), now.size()))
      return false;
    if (over)
      sink.done();
    return sink.is_writable();
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string lines_;
  bool ended_ = false;
};

std::string event(const std::string& type, const std::string& version) {
  return Json{{"type", type}, {"object", {{"metadata", {{"resourceVersion", version}}}}}}.dump() + "\n";
}

class Spans : public RequestObserver {
public:
  void finished(const RequestSpan& span) override {
    const std::lock_guard lock(mutex_);
    spans_.push_back(span);
  }
  std::vector<RequestSpan> all() const {
    const std::lock_guard lock(mutex_);
    return spans_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<RequestSpan> spans_;
};

/// A real server on a free port of the loopback, and an Api over real connections.
class KubernetesOverHttp : public testing::Test {
protected:
  httplib::Server server;
  Feed feed;
  Spans spans;
  std::unique_ptr<Api> api;

  void SetUp() override {
    server.new_task_queue = [] { return new httplib::ThreadPool(16); };
    server.set_keep_alive_max_count(1000);
    server.set_tcp_nodelay(true);
    server.Get("/api/v1/namespaces/ns/secrets", [this](const httplib::Request& request, httplib::Response& response) {
      if (request.has_param("watch"))
        response.set_chunked_content_provider("application/json",
                                              [this](std::size_t, httplib::DataSink& sink) { return feed.give(sink); });
      else
        response.set_content(R"({"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"}}]})",
                             "application/json");
    });
    const int port = server.bind_to_any_port("127.0.0.1");
    serving_ = std::thread([this] { server.listen_after_bind(); });
    auto config = plain_config();
    config.server = "http://127.0.0.1:" + std::to_string(port);
    ApiOptions options;
    options.user_agent = "runtime-agent/1.2.3";
    options.observer = &spans;
    api = make_api(config, options);
  }
  void TearDown() override {
    api.reset();
    feed.end();
    while (!server.is_running())
      std::this_thread::yield();
    server.stop();
    serving_.join();
  }
  static CallContext within(std::chrono::milliseconds time) {
    CallContext context;
    context.deadline = Clock::now() + time;
    return context;
  }

private:
  std::thread serving_;
};

TEST_F(KubernetesOverHttp, ARequestSaysWhoAsksAndLeavesASpan) {
  httplib::Headers seen;
  server.Get("/api/v1/namespaces/ns/secrets/x", [&](const httplib::Request& request, httplib::Response& response) {
    seen = request.headers;
    response.set_content("{}", "application/json");
  });
  auto context = within(seconds(10));
  context.request_id = "runtime_1";
  ASSERT_TRUE(api->get(secrets("ns"), "x", context));
  EXPECT_EQ(seen.count("User-Agent"), 1u);
  EXPECT_EQ(seen.find("User-Agent")->second, "runtime-agent/1.2.3");
  EXPECT_EQ(seen.find("Authorization")->second, "Bearer original");
  EXPECT_EQ(seen.find("x-request-id")->second, "runtime_1");
  ASSERT_EQ(spans.all().size(), 1u);
  EXPECT_EQ(spans.all()[0].target, "kubernetes");
  EXPECT_EQ(spans.all()[0].operation, "get secrets");
}

TEST_F(KubernetesOverHttp, ADeleteSendsItsPreconditions) {
  std::string body;
  server.Delete("/api/v1/namespaces/ns/secrets/x", [&](const httplib::Request& request, httplib::Response& response) {
    body = request.body;
    response.set_content("{}", "application/json");
  });
  ASSERT_TRUE(api->remove(secrets("ns"), "x", {"uid-1", ""}, within(seconds(10))));
  EXPECT_EQ(Json::parse(body)["preconditions"]["uid"], "uid-1");
}

TEST_F(KubernetesOverHttp, EventsArriveWhileTheWatchGoesOn) {
  auto context = within(seconds(30));
  std::vector<EventType> types;
  feed.push(event("ADDED", "6"));
  const auto ended = api->watch(
      secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
      [&](EventType type, Json&&) {
        types.push_back(type);
        if (types.size() == 1)
          feed.push(event("DELETED", "7"));
        else
          feed.end();
      },
      context);
  ASSERT_TRUE(ended) << ended.error().text();
  EXPECT_EQ(*ended, "7");
  EXPECT_EQ(types, (std::vector<EventType>{EventType::added, EventType::deleted}));
}

TEST_F(KubernetesOverHttp, ACancelEndsASilentWatchPromptly) {
  auto context = within(seconds(60));
  std::atomic<bool> begun = false;
  Clock::time_point cancelled_at;
  feed.push(event("ADDED", "6"));
  std::thread cancels([&] {
    while (!begun)
      std::this_thread::yield();
    cancelled_at = Clock::now();
    context.cancel.cancel();
  });
  const auto ended = api->watch(
      secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
      [&](EventType, Json&&) { begun = true; }, context);
  const auto ended_at = Clock::now();
  cancels.join();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::cancelled);
  EXPECT_LT(ended_at - cancelled_at, milliseconds(500));
}

TEST_F(KubernetesOverHttp, ASilentConnectionIsTakenForDeadAtTheIdleLimit) {
  const auto begun = Clock::now();
  // In whole seconds, as watches have it: the only test here that waits for real time.
  const auto ended = api->watch(
      secrets("ns"),
      {.resource_version = "5",
       .timeout = seconds(60),
       .idle_limit = seconds(1),
       .label_selector = {},
       .field_selector = {}},
      [](EventType, Json&&) {}, within(seconds(30)));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::timeout);
  EXPECT_LT(Clock::now() - begun, seconds(10));
}

TEST_F(KubernetesOverHttp, AnEventBeyondItsBoundEndsTheWatch) {
  feed.push("{\"type\":\"" + std::string(9u << 20, 'x'));
  const auto ended = api->watch(
      secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}}, [](EventType, Json&&) {},
      within(seconds(30)));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, FailureKind::too_large);
}

TEST_F(KubernetesOverHttp, RequestsGoOnWhileWatchesAreOpen) {
  auto context = within(seconds(30));
  std::atomic<int> begun = 0;
  for (int i = 0; i < 8; ++i)
    feed.push(event("BOOKMARK", "6"));
  std::vector<std::thread> watches;
  for (int i = 0; i < 8; ++i)
    watches.emplace_back([&] {
      (void)api->watch(
          secrets("ns"), {.resource_version = "5", .label_selector = {}, .field_selector = {}},
          [&](EventType, Json&&) { ++begun; }, context);
    });
  while (begun == 0)
    std::this_thread::yield();
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(api->list(
        secrets("ns"), {}, [](Json&&) {}, within(seconds(10))));
  context.cancel.cancel();
  for (auto& thread : watches)
    thread.join();
}

TEST_F(KubernetesOverHttp, AReflectorFollowsARealServerAndEndsWithItsToken) {
  struct Handler : ReflectorHandler {
    CancelToken end;
    std::vector<std::string> told;
    void list_started() override {}
    void listed(Json&& item) override { told.push_back("listed " + item["metadata"]["name"].get<std::string>()); }
    void list_finished(const std::string& version) override { told.push_back("finished " + version); }
    void event(EventType, Json&& item) override {
      told.push_back("event " + item["metadata"]["resourceVersion"].get<std::string>());
      end.cancel();
    }
    void failed(const Failure& failure, std::chrono::milliseconds) override { told.push_back(failure.text()); }
    void polling_instead(const Failure&) override {}
  } handler;
  feed.push(event("MODIFIED", "6"));
  Reflector(*api, secrets("ns"), {}, handler).run(handler.end);
  EXPECT_EQ(handler.told, (std::vector<std::string>{"listed a", "finished 5", "event 6"}));
}

} // namespace
} // namespace runtime_agent::kubernetes
