#include <gmock/gmock.h>

#include "app/metrics/exposition.hpp"
#include "app/metrics/metric_table.hpp"
#include "tests/unit/app_pages/example.hpp"

/// Metrics from given facts.
namespace runtime_agent::app {
namespace {

using testing::HasSubstr;
using testing::Not;

SynchronizationReport ended(double begin) {
  SynchronizationReport report;
  report.last_attempt = tests::at(begin);
  report.cycle_finished = true;
  report.synchronized = true;
  return report;
}

status_writer::Facts facts_of(const SynchronizationReport& report) {
  status_writer::Facts facts;
  facts.synchronization = report;
  return facts;
}

TEST(MetricTable, KeepsToPrometheusConventions) {
  std::string_view before;
  for (const MetricDescription& metric : metric_descriptions()) {
    EXPECT_TRUE(metric.name.starts_with("runtime_agent_")) << metric.name;
    EXPECT_EQ(metric.kind == MetricKind::counter, metric.name.ends_with("_total")) << metric.name;
    if (metric.kind == MetricKind::histogram) {
      EXPECT_TRUE(metric.name.ends_with("_seconds")) << metric.name;
    }
    EXPECT_FALSE(metric.help.empty()) << metric.name;
    EXPECT_LT(before, metric.name);
    before = metric.name;
  }
}

TEST(CycleMeasurements, CountACycleOnceHoweverOftenItIsTold) {
  CycleMeasurements cycles;
  cycles.hear(facts_of(ended(0)), tests::at(2));
  cycles.hear(facts_of(ended(0)), tests::at(3));
  cycles.hear(facts_of(ended(10)), tests::at(10.2));
  EXPECT_EQ(cycles.counts().at("synchronized"), 2u);
  EXPECT_NEAR(cycles.durations().sum_seconds(), 2.2, 1e-6);
}

TEST(CycleMeasurements, TellOutcomesApart) {
  const Failure failure{FailureKind::unavailable, "x", "y", {}, {}, 0, false, {}};
  auto report = ended(0);
  report.labelling = failure;
  EXPECT_EQ(cycle_outcome(report), "labels_failed");
  auto applied = std::make_shared<DesiredStateApplied>();
  applied->problems.push_back({"a", "b"});
  report.applied = applied;
  EXPECT_EQ(cycle_outcome(report), "apply_failed");
  report.fetching = failure;
  EXPECT_EQ(cycle_outcome(report), "fetch_failed");
  report.cycle_finished = false;
  EXPECT_EQ(cycle_outcome(report), std::nullopt);
}

TEST(RequestMeasurements, RememberWhichOperationIsForbiddenUntilItIsNot) {
  RequestMeasurements requests;
  RequestSpan span;
  span.target = "kubernetes";
  span.operation = "watch applications";
  span.status = 403;
  span.outcome = "forbidden";
  requests.finished(span);
  EXPECT_TRUE(requests.facts().forbidden.at("watch applications"));
  span.status = 200;
  span.outcome = "ok";
  requests.finished(span);
  EXPECT_FALSE(requests.facts().forbidden.at("watch applications"));
}

TEST(RequestMeasurements, CountByStatusOrByKindOfFailure) {
  RequestMeasurements requests;
  RequestSpan span;
  span.target = "director";
  span.outcome = "network";
  requests.finished(span);
  span.status = 503;
  span.outcome = "unavailable";
  requests.finished(span);
  const auto counts = requests.facts().counts;
  EXPECT_EQ(counts.at({"director", "network"}), 1u);
  EXPECT_EQ(counts.at({"director", "503"}), 1u);
}

TEST(MessageMeasurements, StayWithinTheirBoundWhateverComes) {
  MessageMeasurements messages;
  supervision::SpanRecord record;
  for (int i = 1; i < 2000; ++i) {
    record.receiver = static_cast<supervision::NameId>(i);
    messages.recorded(record);
  }
  std::size_t seen = 0;
  messages.visit([&](auto, auto, const auto&) { ++seen; });
  EXPECT_EQ(seen, MessageMeasurements::series_at_most);
}

TEST(MessageMeasurements, SumWaitingAndHandling) {
  MessageMeasurements messages;
  supervision::SpanRecord record;
  record.receiver = 1;
  record.name = 2;
  record.queued = 1'000'000;
  record.started = 3'000'000;
  record.duration = 5'000'000;
  messages.recorded(record);
  messages.visit([](auto receiver, auto name, const MessageMeasurements::Series& series) {
    EXPECT_EQ(receiver, 1);
    EXPECT_EQ(name, 2);
    EXPECT_NEAR(series.queue.sum_seconds(), 0.002, 1e-9);
    EXPECT_NEAR(series.handle.sum_seconds(), 0.005, 1e-9);
    EXPECT_EQ(series.handle.count(2), 1u); // up to 10 ms
  });
}

TEST(MetricsText, HoldsEveryMetricOfTheTableAndNoTextFromOutside) {
  const PageSources sources = tests::example();
  const Measurements measurements;
  const std::string text = metrics_text(
      {sources, measurements, [](auto) { return std::string_view("x"); }, [] { return 1; }, [] { return 0; }, true});
  for (const MetricDescription& metric : metric_descriptions())
    EXPECT_THAT(text, HasSubstr("# TYPE " + std::string(metric.name) + " " + std::string(to_string(metric.kind))));
  EXPECT_THAT(text, HasSubstr("runtime_agent_applications{state=\"applied\"} 5"));
  EXPECT_THAT(text, HasSubstr("runtime_agent_tls_verification_skipped 1"));
  EXPECT_THAT(text, Not(HasSubstr("alert(1)")));
}

} // namespace
} // namespace runtime_agent::app
