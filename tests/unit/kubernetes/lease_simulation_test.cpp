#include <array>
#include <condition_variable>
#include <cstdlib>
#include <random>
#include <thread>

#include <gmock/gmock.h>

#include "tests/unit/kubernetes/fakes.hpp"
#include "tests/unit/support/fake_api.hpp"
#include "transport/kubernetes/lease.hpp"
#include "transport/kubernetes/status.hpp"

/// Two processes in one election on simulated time, and an API server that says whatever one can say, but for a
/// missing right: that one is certain, and makes both act by decision (architecture §8).
namespace runtime_agent::kubernetes {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;
using Span = std::chrono::steady_clock::duration;

constexpr std::size_t agents = 2;
const auto faults_end_after = 90s;
const LeaseTimes times;

/// One of the two runs at a time: whoever's pause ends first. Time passes in pauses only.
class Turns {
public:
  std::function<void()> look; ///< at each change of turn

  Time now() const { return now_; }
  void pause(std::size_t agent, Span duration) {
    std::unique_lock lock(mutex_);
    wakes_.at(agent) = now_ + std::max<Span>(duration, 1ms);
    hand_over();
    changed_.wait(lock, [&] { return turn_ == agent; });
  }
  void begin(std::size_t agent) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == agent; });
  }
  void end(std::size_t agent) {
    std::lock_guard lock(mutex_);
    wakes_.at(agent) = Time::max();
    hand_over();
  }
  /// Carried out when that time comes, between two turns.
  void later(Time at, std::function<void()> what) { late_.emplace_back(at, std::move(what)); }

private:
  void hand_over() {
    look();
    turn_ = wakes_[0] <= wakes_[1] ? 0 : 1;
    if (wakes_.at(turn_) == Time::max())
      return;
    now_ = std::max(now_, wakes_.at(turn_));
    std::erase_if(late_, [this](const auto& late) {
      if (late.first > now_)
        return false;
      late.second();
      return true;
    });
    look();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Time now_ = Time() + std::chrono::hours(1);
  std::array<Time, agents> wakes_{now_, now_};
  std::size_t turn_ = 0;
  std::vector<std::pair<Time, std::function<void()>>> late_;
};

struct Answer {
  int code;
  const char* reason;
  const char* message;
};
constexpr std::array refusals = {
    Answer{403, "Forbidden", "leases \"runtime-agent\" is forbidden: exceeded quota: few, requested: count/leases=1"},
    Answer{403, "Forbidden", "admission webhook \"w\" denied the request: User \"a\" cannot get resource \"leases\""},
    Answer{403, "Forbidden",
           "leases \"runtime-agent\" is forbidden: unable to create new content in namespace "
           "compass-system because it is being terminated"},
    Answer{403, "", ""},
    Answer{400, "BadRequest", "no"},
    Answer{401, "Unauthorized", "Unauthorized"},
    Answer{404, "NotFound", "the server could not find the requested resource"},
    Answer{405, "MethodNotAllowed", "no"},
    Answer{409, "Conflict", "the object has been modified"},
    Answer{409, "AlreadyExists", "leases \"runtime-agent\" already exists"},
    Answer{410, "Expired", "too old"},
    Answer{413, "RequestEntityTooLarge", "limit is 3145728"},
    Answer{415, "UnsupportedMediaType", "no"},
    Answer{422, "Invalid", "Lease is invalid"},
    Answer{429, "TooManyRequests", "slow down"},
    Answer{500, "InternalError", "failed calling webhook \"w\""},
    Answer{502, "", ""},
    Answer{503, "ServiceUnavailable", "etcd leader changed"},
    Answer{504, "Timeout", "request did not complete within requested timeout"},
};

Failure refusal(const Answer& answer, const Resource& resource, const char* verb) {
  const std::string body =
      answer.reason[0] ? test::status_body(answer.code, answer.reason, answer.message, "{}") : "<html>no</html>";
  return failure_of({answer.code, {}, body}, {verb, resource, "runtime-agent"}, {});
}

/// What lies between one process and the API server.
class Wire : public Api {
public:
  Wire(tests::FakeApi& server, Turns& turns, std::size_t agent, std::mt19937_64& random, Time calm)
      : server_(server), turns_(turns), agent_(agent), random_(random), calm_(calm) {}

  Result<Json> get(const Resource& resource, const std::string& name, const CallContext& context) override {
    return through(resource, "get", context, [=, this] { return server_.get(resource, name, {}); });
  }
  Result<Json> create(const Resource& resource, const Json& object, const CallContext& context) override {
    return through(resource, "create", context, [=, this] { return server_.create(resource, object, {}); });
  }
  Result<Json> update(const Resource& resource, const Json& object, const CallContext& context) override {
    return through(resource, "update", context, [=, this] { return server_.update(resource, object, {}); });
  }
  Result<void> remove(const Resource&, const std::string&, const DeleteOptions&, const CallContext&) override {
    return failed(lost(FailureKind::internal));
  }
  Result<std::string> list(const Resource&, const ListOptions&, const ObjectReceiver&, const CallContext&) override {
    return failed(lost(FailureKind::internal));
  }
  Result<std::string> watch(const Resource&, const WatchOptions&, const EventReceiver&, const CallContext&) override {
    turns_.pause(agent_, milliseconds(draw(3'000)));
    return failed(lost(FailureKind::network));
  }

private:
  using milliseconds = std::chrono::milliseconds;

  std::int64_t draw(std::int64_t below) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(below));
  }
  static Failure lost(FailureKind kind) { return {.kind = kind, .where = "the wire", .what = "cut"}; }

  Result<Json> through(const Resource& resource, const char* verb, const CallContext& context,
                       std::function<Result<Json>()> call) {
    // With the last fault ends what is stopped or under way by one.
    const Time end = std::min(context.deadline, std::max(calm_, turns_.now()));
    const auto at_most = [&](std::int64_t limit) {
      return std::min<Span>(milliseconds(draw(limit)), calm_ - turns_.now());
    };
    turns_.pause(agent_, milliseconds(1 + draw(40)));
    if (turns_.now() >= calm_ || draw(100) < 45) {
      auto result = call();
      turns_.pause(agent_, milliseconds(1 + draw(40)));
      return result;
    }
    switch (draw(6)) {
    case 0: // never arrived
      turns_.pause(agent_, end - turns_.now());
      return failed(lost(FailureKind::timeout));
    case 1: // carried out, and the answer lost
      (void)call();
      turns_.pause(agent_, draw(2) ? Span(5ms) : end - turns_.now());
      return failed(lost(FailureKind::network));
    case 2: // carried out after it was given up
      turns_.later(turns_.now() + at_most(20'000), [call] { (void)call(); });
      turns_.pause(agent_, milliseconds(draw(500)));
      return failed(lost(FailureKind::timeout));
    case 3: { // the process is stopped for a while, with the answer under way
      auto result = call();
      turns_.pause(agent_, at_most(40'000));
      return result;
    }
    default:
      return failed(refusal(refusals.at(static_cast<std::size_t>(draw(refusals.size()))), resource, verb));
    }
  }

  tests::FakeApi& server_;
  Turns& turns_;
  std::size_t agent_;
  std::mt19937_64& random_;
  Time calm_;
};

class AgentClock : public Clock {
public:
  AgentClock(Turns& turns, std::size_t agent, Time end) : turns_(turns), agent_(agent), end_(end) {}
  Time now() const override { return turns_.now(); }
  std::chrono::system_clock::time_point wall() const override {
    return std::chrono::system_clock::time_point() + std::chrono::hours(500'000) + turns_.now().time_since_epoch();
  }
  bool wait(const CancelToken& cancel, Span duration) override {
    turns_.pause(agent_, duration);
    if (turns_.now() >= end_)
      cancel.cancel();
    return cancel.cancelled();
  }

private:
  Turns& turns_;
  std::size_t agent_;
  Time end_;
};

class Unheard : public ElectionHandler {
public:
  bool alone = false;
  void leads() override {}
  void leads_alone(const Failure&) override { alone = true; }
  void lost(const std::string&) override {}
  void stands_by(const std::string&) override {}
  void cannot_ask(const Failure&) override {}
};

struct Seen {
  bool both = false;
  bool alone = false;
  std::optional<Span> leads_after; ///< the last fault
};

Seen run(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  tests::FakeApi server;
  Turns turns;
  const Time calm = turns.now() + faults_end_after;
  const Time end = calm + times.duration + 25s;
  std::array<LeaderGate, agents> gates;
  std::array<Unheard, agents> handlers;
  Seen seen;
  turns.look = [&] {
    const bool first = gates[0].open(turns.now()), second = gates[1].open(turns.now());
    seen.both |= first && second;
    if (turns.now() >= calm && (first || second) && !seen.leads_after)
      seen.leads_after = turns.now() - calm;
  };
  std::vector<std::thread> threads;
  for (std::size_t agent = 0; agent < agents; ++agent)
    threads.emplace_back([&, agent] {
      turns.begin(agent);
      Wire wire(server, turns, agent, random, calm);
      AgentClock clock(turns, agent, end);
      ElectionSettings settings{"compass-system", "runtime-agent", "agent-" + std::to_string(agent), times};
      const auto jitter = [&] { return static_cast<double>(random() % 1'000) / 1'000.0; };
      Election(wire, settings, gates.at(agent), handlers.at(agent), jitter, clock).run(CancelToken());
      turns.end(agent);
    });
  for (std::thread& thread : threads)
    thread.join();
  seen.alone = handlers[0].alone || handlers[1].alone;
  return seen;
}

TEST(TwoAgents, NeverBothActWhateverTheApiServerSays) {
  const char* given = std::getenv("RUNTIME_AGENT_RUN");
  const std::uint64_t first = given ? std::stoull(given) : 1;
  const std::uint64_t count = given ? 1 : std::getenv("RUNTIME_AGENT_LONG") ? 10'000 : 2'000;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    const Seen seen = run(seed);
    const std::string again = "RUNTIME_AGENT_RUN=" + std::to_string(seed);
    ASSERT_FALSE(seen.both) << "both act; " << again;
    ASSERT_FALSE(seen.alone) << "no right was missing; " << again;
    ASSERT_TRUE(seen.leads_after) << "nobody leads; " << again;
    ASSERT_LE(*seen.leads_after, times.duration) << again;
  }
}

} // namespace
} // namespace runtime_agent::kubernetes
