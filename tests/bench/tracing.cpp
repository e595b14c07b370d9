#include <atomic>
#include <chrono>
#include <thread>

#include <benchmark/benchmark.h>
#include <caf/all.hpp>

#include "actors/supervision/io_pool.hpp"
#include "actors/supervision/supervisor.hpp"
#include "actors/supervision/trace_ring.hpp"
#include "actors/supervision/traced_actor.hpp"
#include "actors/supervision/tracing.hpp"

/// What tracing costs a message. Built twice: bench_micro traces, bench_untraced has tracing compiled to nothing; the
/// difference of the two is the cost.
namespace runtime_agent::supervision {
namespace {

constexpr std::uint64_t batch = 1000;

class Counter : public TracedActor<ConfigWatcherActor> {
public:
  Counter(caf::actor_config& config, Environment& environment, std::atomic<std::uint64_t>& handled)
      : TracedActor(config, environment), handled_(handled) {}
  const char* name() const override { return "Counter"; }
  behavior_type make_behavior() override {
    return {[this](const FactsRequested&) { handled_.fetch_add(1, std::memory_order_release); }};
  }

private:
  std::atomic<std::uint64_t>& handled_;
};

struct SingleThreaded : caf::actor_system_config {
  SingleThreaded() { set("scheduler.max-threads", std::size_t{1}); }
};

/// A batch of messages to an actor behind its Slot, from another thread, until all are handled.
void messages(benchmark::State& state) {
  IoPool io(1, 10);
  TraceRing ring;
  Environment environment{io, ring, [] { return std::chrono::system_clock::now(); }, [] { return 1u; }};
  std::atomic<std::uint64_t> handled{0};
  SingleThreaded configuration;
  caf::actor_system system(configuration);
  Supervisor supervisor(system, environment, [](const std::string&) {});
  const auto counter = supervisor.add<ConfigWatcherActor>({"Counter",
                                                           [&](caf::actor_system& actors) {
                                                             return caf::actor_cast<caf::strong_actor_ptr>(
                                                                 actors.spawn<Counter>(environment, handled));
                                                           },
                                                           RestartSettings{}});
  supervisor.start();
  const TraceScope trace(make_trace({1}));
  std::uint64_t sent = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < batch; ++i)
      caf::anon_send(caf::actor_cast<caf::actor>(counter), FactsRequested{});
    sent += batch;
    while (handled.load(std::memory_order_acquire) != sent)
      std::this_thread::yield();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(sent));
  state.SetLabel(tracing ? "traced" : "tracing compiled to nothing");
  supervisor.stop(std::chrono::seconds(1));
}
BENCHMARK(messages)->MeasureProcessCPUTime()->UseRealTime();

/// One span into the ring.
void spans(benchmark::State& state) {
  TraceRing ring;
  SpanRecord record;
  record.trace = make_trace({1}).trace_id;
  for (auto _ : state) {
    record.trace[0] = static_cast<std::uint8_t>(++record.span >> 8);
    ring.record(record);
  }
  state.SetLabel(tracing ? "traced" : "tracing compiled to nothing");
}
BENCHMARK(spans);

} // namespace
} // namespace runtime_agent::supervision
