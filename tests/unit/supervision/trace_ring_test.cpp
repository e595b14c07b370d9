#include "actors/supervision/trace_ring.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "actors/supervision/trace_tree.hpp"

namespace runtime_agent::supervision {
namespace {

std::array<std::uint8_t, 16> trace_number(std::uint8_t number) {
  std::array<std::uint8_t, 16> trace{};
  trace[0] = number;
  trace[15] = 1;
  return trace;
}

TraceRing::Settings small(std::size_t capacity, std::uint32_t spans_per_trace) {
  TraceRing::Settings settings;
  settings.capacity = capacity;
  settings.spans_per_trace = spans_per_trace;
  return settings;
}

SpanRecord span(TraceRing& ring, std::uint8_t trace, std::uint64_t id, std::uint64_t parent, std::int64_t started) {
  SpanRecord record;
  record.trace = trace_number(trace);
  record.span = id;
  record.parent = parent;
  record.started = record.queued = started;
  record.duration = 1'500'000;
  record.receiver = ring.intern("Fetcher");
  record.name = ring.intern("Message" + std::to_string(id));
  return record;
}

TEST(TraceRing, ReturnsWhatWasRecordedWithItsNames) {
  TraceRing ring;
  ring.record(span(ring, 1, 10, 0, 5));
  const auto spans = ring.snapshot();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].receiver, "Fetcher");
  EXPECT_EQ(spans[0].name, "Message10");
  EXPECT_EQ(spans[0].record.sequence, 1u);
}

TEST(TraceRing, KeepsTheYoungestSpans) {
  TraceRing ring(small(8, 100));
  for (std::uint64_t i = 1; i <= 20; ++i)
    ring.record(span(ring, 1, i, 0, 5));
  const auto spans = ring.snapshot();
  ASSERT_EQ(spans.size(), 8u);
  EXPECT_EQ(spans.front().record.sequence, 13u);
  EXPECT_EQ(spans.back().record.sequence, 20u);
}

TEST(TraceRing, CountsTheSpansOfACycleThatAreOverItsLimit) {
  TraceRing ring(small(100, 5));
  for (std::uint64_t i = 1; i <= 8; ++i)
    ring.record(span(ring, 1, i, 0, 5));
  ring.record(span(ring, 2, 1, 0, 5));
  EXPECT_EQ(ring.snapshot(trace_number(1)).size(), 5u);
  EXPECT_EQ(ring.snapshot(trace_number(2)).size(), 1u);
  EXPECT_EQ(ring.over_limit(trace_number(1)), 3u);
  EXPECT_EQ(ring.over_limit(), 3u);
}

TEST(TraceRing, SaysThatASpanIsLeftOutAlsoWhereTheCyclesCountIsForgotten) {
  TraceRing ring(small(5, 100));
  ring.record(span(ring, 1, 1, 0, 5)); // which the last one takes the place of
  ring.record(span(ring, 1, 2, 1, 6));
  for (std::uint8_t other = 1; other <= 4; ++other) { // whose counts lie where this cycle's lies
    SpanRecord record = span(ring, 1, 1, 0, 7);
    record.trace[2] = other;
    ring.record(record);
  }
  const Cycle cycle = ring.cycle(trace_number(1));
  ASSERT_EQ(cycle.spans.size(), 1u);
  EXPECT_EQ(cycle.left_out, 1u);
}

RequestSpan get_of_kubernetes(std::string_view outcome) {
  RequestSpan request;
  request.target = "kubernetes";
  request.method = "GET";
  request.outcome = outcome;
  return request;
}

TEST(TraceRing, TakesHttpRequests) {
  TraceRing ring;
  RequestSpan request;
  request.trace = {trace_number(1), 7};
  request.target = "kubernetes";
  request.method = "GET";
  request.operation = "list applications";
  request.status = 503;
  request.outcome = "unavailable";
  request.bytes_received = std::uint64_t(1) << 40;
  ring.finished(request);
  const Span seen = ring.snapshot().at(0);
  EXPECT_EQ(seen.record.parent, 7u);
  EXPECT_EQ(seen.name, "list applications");
  EXPECT_EQ(seen.receiver, "kubernetes");
  EXPECT_EQ(seen.detail, "unavailable");
  EXPECT_EQ(seen.record.outcome, SpanOutcome::failed);
  EXPECT_EQ(seen.record.bytes_received, 0xffffffffu);
}

TEST(TraceRing, ARequestThatWasEndedOnPurposeHasNotFailed) {
  TraceRing ring;
  ring.finished(get_of_kubernetes("cancelled"));
  const Span seen = ring.snapshot().at(0);
  EXPECT_EQ(seen.record.outcome, SpanOutcome::ok);
  EXPECT_EQ(seen.detail, "cancelled") << "but it is said";
}

TEST(TraceRing, RequestsOutsideOfAnyCycleAreCyclesOfTheirOwn) {
  TraceRing ring;
  ring.finished(get_of_kubernetes("ok"));
  ring.finished(get_of_kubernetes("ok"));
  EXPECT_EQ(ring.cycles().size(), 2u);
}

TEST(TraceRing, NamesBeyondTheTableBecomeOther) {
  TraceRing names;
  for (int i = 0; i < 2000; ++i)
    names.intern("name " + std::to_string(i));
  EXPECT_EQ(names.name(names.intern("name 3")), "name 3");
  EXPECT_EQ(names.name(names.intern("one more")), "(other)");
  EXPECT_EQ(names.name(names.intern("")), "");
}

TEST(TraceRing, LongNamesAreCut) {
  TraceRing names;
  EXPECT_EQ(names.name(names.intern(std::string(200, 'x'))), std::string(63, 'x'));
}

TEST(TraceRing, ASnapshotNeverShowsHalfASpan) {
  TraceRing ring(small(16, 1u << 30));
  std::atomic<bool> end{false};
  std::vector<std::thread> writers;
  for (std::uint8_t writer = 1; writer <= 3; ++writer)
    writers.emplace_back([&, writer] {
      SpanRecord record;
      for (std::uint64_t i = 1; !end; ++i) {
        record.trace = trace_number(writer);
        record.span = record.parent = i;
        record.queued = record.started = record.duration = static_cast<std::int64_t>(i);
        ring.record(record);
      }
    });
  for (int i = 0; i < 2000; ++i)
    for (const Span& seen : ring.snapshot())
      ASSERT_TRUE(seen.record.span == seen.record.parent &&
                  seen.record.duration == static_cast<std::int64_t>(seen.record.span));
  end = true;
  for (std::thread& writer : writers)
    writer.join();
}

TEST(TraceTree, ShowsWhatCausedWhat) {
  TraceRing ring;
  ring.record(span(ring, 1, 3, 1, 30));
  ring.record(span(ring, 1, 2, 1, 20));
  ring.record(span(ring, 1, 4, 2, 25));
  ring.record(span(ring, 1, 1, 0, 10));
  EXPECT_EQ(render_tree(ring, {trace_number(1), 0}), "Fetcher: Message1  1.5 ms\n"
                                                     "├─ Fetcher: Message2  1.5 ms\n"
                                                     "│  └─ Fetcher: Message4  1.5 ms\n"
                                                     "└─ Fetcher: Message3  1.5 ms\n");
}

TEST(TraceTree, ASpanWhoseCauseIsLostIsARoot) {
  TraceRing ring;
  ring.record(span(ring, 1, 3, 99, 30));
  EXPECT_EQ(span_tree(ring.snapshot()).size(), 1u);
}

TEST(TraceTree, SurvivesSpansThatCauseEachOther) {
  TraceRing ring;
  ring.record(span(ring, 1, 1, 2, 10));
  ring.record(span(ring, 1, 2, 1, 20));
  EXPECT_LE(span_tree(ring.snapshot()).size(), 2u);
}

TEST(TraceTree, ListsTheYoungestCyclesFirst) {
  TraceRing ring;
  for (std::uint8_t trace = 1; trace <= 5; ++trace) {
    ring.record(span(ring, trace, 1, 0, trace * 100));
    ring.record(span(ring, trace, 2, 1, trace * 100 + 50));
  }
  const auto traces = recent_traces(ring, 3);
  ASSERT_EQ(traces.size(), 3u);
  EXPECT_EQ(traces[0].trace.trace_id, trace_number(5));
  EXPECT_EQ(traces[0].root, "Fetcher: Message1");
  EXPECT_EQ(traces[0].duration.count(), 1'500'050);
  EXPECT_EQ(traces[0].spans, 2u);
}

} // namespace
} // namespace runtime_agent::supervision
