// The same with CAF's own scheduler, real threads and real time: what simulated time cannot show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <iterator>
#include <latch>
#include <mutex>
#include <thread>

#include "actors/supervision/crash_switch.hpp"
#include "actors/supervision/io_pool.hpp"
#include "actors/supervision/log.hpp"
#include "actors/supervision/supervisor.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "tests/unit/supervision/toys.hpp"

namespace runtime_agent::supervision {
namespace {

using namespace std::chrono_literals;
using namespace toys;

TEST(IoPool, RunsEachJobOnce) {
  std::atomic<int> count = 0;
  IoPool pool(3, 1000);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(pool.submit([&] { ++count; }));
  while (pool.queued() > 0)
    std::this_thread::yield();
  EXPECT_TRUE(pool.stop(10s));
  EXPECT_EQ(count, 100);
}

std::ptrdiff_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(IoPool, HasThreadsOnlyOnceThereIsWorkForThem) {
  const auto before = threads_of_this_process();
  IoPool pool(5, 10);
  EXPECT_EQ(threads_of_this_process(), before);
  std::latch all_run(5); // each job waits for the others: none comes to its end in a thread of another
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(pool.submit([&] { all_run.arrive_and_wait(); }));
  all_run.wait();
  EXPECT_EQ(threads_of_this_process(), before + 5);
}

TEST(IoPool, RefusesWhenItsQueueIsFull) {
  std::promise<void> begun;
  std::promise<void> release;
  IoPool pool(1, 2);
  ASSERT_TRUE(pool.submit([&] {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_TRUE(pool.submit([] {}));
  EXPECT_FALSE(pool.submit([] {}));
  release.set_value();
}

TEST(IoPool, StopsOnTimeWhileAJobIsStuck) {
  std::promise<void> begun;
  std::promise<void> release;
  IoPool pool(1, 2);
  ASSERT_TRUE(pool.submit([&] {
    begun.set_value();
    release.get_future().wait();
  }));
  begun.get_future().wait();
  EXPECT_FALSE(pool.stop(1ms));
  EXPECT_FALSE(pool.submit([] {}));
  release.set_value();
  EXPECT_TRUE(pool.stop(10s));
}

TEST(IoPool, CancelsLongJobsWhenItStops) {
  IoPool pool(1, 2);
  LongJob job;
  job.name = "watch";
  std::atomic<bool> ended = false;
  job.run = [cancel = job.cancel, &ended] {
    while (!cancel.wait_for(1h)) {
    }
    ended = true;
  };
  pool.start_long(std::move(job));
  EXPECT_TRUE(pool.stop(10s));
  EXPECT_TRUE(ended);
}

/// What the tests below stand on, in the order in which it has to end.
struct Threads {
  Threads() {
    log::set_level(log::Level::off);
    configuration.set("scheduler.max-threads", 2);
    system = std::make_unique<caf::actor_system>(configuration);
  }
  ~Threads() {
    pool.stop(10s);
    system.reset();
    log::set_level(log::Level::info);
  }
  TraceRing ring;
  CrashSwitch crash_switch;
  IoPool pool{3, 100'000};
  std::atomic<std::uint64_t> seed{1};
  Environment environment{pool, ring, [] { return std::chrono::system_clock::now(); }, [this] { return ++seed; },
                          &crash_switch};
  caf::actor_system_config configuration;
  std::unique_ptr<caf::actor_system> system;
};

/// Counts Tasks, each by a call, and dies at every 50th; the counts are shared by all incarnations.
struct Counts {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> deaths{0};
  std::atomic<std::uint64_t> strays{0};
  std::atomic<std::uint64_t> incarnations{0};
  std::atomic<std::uint64_t> last{0};
  std::atomic<std::uint64_t> disorder{0};
};

class Counter : public TracedActor<WorkerActor> {
public:
  Counter(caf::actor_config& config, Environment& environment, Counts& counts)
      : TracedActor(config, environment), counts_(counts), mine_(++counts.incarnations) {}
  const char* name() const override { return "Counter"; }
  behavior_type make_behavior() override {
    watch<int>(
        "ticks",
        [](const CancelToken& cancel, const std::function<void(int)>& emit) {
          while (!cancel.wait_for(1ms))
            emit(1);
        },
        [](int) {});
    return {[this](const Task& task) {
      counts_.disorder += task.number == counts_.last + 1 ? 0u : 1u;
      counts_.last = task.number;
      ++counts_.begun;
      call<std::uint64_t>(
          {"work", 10s}, [mine = mine_](const CallContext&) -> Result<std::uint64_t> { return mine; },
          [this](Result<std::uint64_t> asked_by) { counts_.strays += *asked_by == mine_ ? 0u : 1u; });
      after(0ms, "soon", Traced::continues, [] {});
      if (task.number % 50 == 0) {
        ++counts_.deaths;
        throw std::runtime_error("the 50th");
      }
    }};
  }

private:
  Counts& counts_;
  const std::uint64_t mine_;
};

RestartSettings quick() {
  RestartSettings settings;
  settings.initial_delay = settings.longest_delay = 1ms;
  settings.intensity = 100'000;
  settings.buffer_limit = 100'000;
  return settings;
}

template <class Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 30'000 && !condition(); ++i)
    std::this_thread::sleep_for(1ms);
  return condition();
}

TEST(Threads, NoMessageIsLostOverManyDeathsAndOrderIsKept) {
  Counts counts;
  Threads threads;
  Supervisor supervisor(*threads.system, threads.environment, [](const std::string& reason) { FAIL() << reason; });
  auto counter = supervisor.add<WorkerActor>({"Counter",
                                              [&](caf::actor_system& actors) {
                                                return caf::actor_cast<caf::strong_actor_ptr>(
                                                    actors.spawn<Counter>(threads.environment, counts));
                                              },
                                              quick()});
  supervisor.start();
  constexpr std::uint64_t tasks = 5000;
  for (std::uint64_t number = 1; number <= tasks; ++number)
    caf::anon_send(counter, Task{number});
  EXPECT_TRUE(eventually([&] { return counts.begun == tasks; })) << counts.begun;
  EXPECT_EQ(counts.deaths, tasks / 50);
  EXPECT_EQ(counts.strays, 0u);
  EXPECT_EQ(counts.disorder, 0u);
  EXPECT_TRUE(eventually([&] { return supervisor.facts()[0].restarts == tasks / 50; }));
  EXPECT_TRUE(supervisor.stop(10s));
  EXPECT_EQ(threads.system->registry().running(), 1u) << "the Slot only";
}

TEST(Threads, EscalationCallsWithTheReason) {
  Counts counts;
  Threads threads;
  std::promise<std::string> escalated;
  Supervisor supervisor(*threads.system, threads.environment,
                        [&](const std::string& reason) { escalated.set_value(reason); });
  RestartSettings settings = quick();
  settings.intensity = 2;
  supervisor.add<WorkerActor>(
      {"Counter", [&](caf::actor_system&) -> caf::strong_actor_ptr { throw std::runtime_error("never"); }, settings});
  supervisor.start();
  EXPECT_THAT(escalated.get_future().get(), ::testing::HasSubstr("Counter terminated 3 times"));
  EXPECT_TRUE(supervisor.stop(10s)) << "a Slot that has given up does not hold up the others";
}

TEST(Threads, StartsAgainAfterAStop) {
  Counts counts;
  Threads threads;
  Supervisor supervisor(*threads.system, threads.environment, [](const std::string& reason) { FAIL() << reason; });
  auto counter = supervisor.add<WorkerActor>({"Counter",
                                              [&](caf::actor_system& actors) {
                                                return caf::actor_cast<caf::strong_actor_ptr>(
                                                    actors.spawn<Counter>(threads.environment, counts));
                                              },
                                              quick()});
  for (std::uint64_t round = 1; round <= 5; ++round) {
    supervisor.start();
    caf::anon_send(counter, Task{round});
    ASSERT_TRUE(supervisor.stop(10s));
    EXPECT_EQ(counts.begun, round) << "what was sent before the stop is handled before it";
  }
}

} // namespace
} // namespace runtime_agent::supervision
