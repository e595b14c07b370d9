#include "app/metrics/measurements.hpp"

namespace runtime_agent::app {

using supervision::SpanKind;

void MessageMeasurements::recorded(const supervision::SpanRecord& record) noexcept {
  const bool handled = record.kind != SpanKind::call && record.kind != SpanKind::request &&
                       record.kind != SpanKind::restart && record.receiver != 0;
  if (!handled)
    return;
  const std::uint32_t key = (std::uint32_t{record.receiver} << 16) | record.name;
  for (std::size_t i = 0; i < series_at_most; ++i) {
    Series& series = series_[(key * 2654435761u + i) % series_at_most];
    std::uint32_t present = series.key.load(std::memory_order_acquire);
    if (present == 0 && series.key.compare_exchange_strong(present, key, std::memory_order_acq_rel))
      present = key;
    if (present != key)
      continue;
    series.queue.observe(message_bounds, std::chrono::nanoseconds(record.started - record.queued));
    series.handle.observe(message_bounds, std::chrono::nanoseconds(record.duration));
    return;
  }
}

void RequestMeasurements::finished(const RequestSpan& span) {
  if (next_ != nullptr)
    next_->finished(span);
  const std::string target(span.target);
  std::lock_guard lock(mutex_);
  const std::string code = span.status != 0 ? std::to_string(span.status) : std::string(span.outcome);
  ++facts_.counts[{target, code}];
  auto& histogram = durations_[target];
  if (!histogram)
    histogram = std::make_unique<Histogram<8>>();
  histogram->observe(request_bounds, std::chrono::duration_cast<std::chrono::nanoseconds>(span.duration));
  if (target != "kubernetes")
    return;
  if (span.status == 403)
    facts_.forbidden[span.operation] = true;
  else if (const auto known = facts_.forbidden.find(span.operation);
           known != facts_.forbidden.end() && span.status != 0)
    known->second = false;
}

RequestMeasurements::Facts RequestMeasurements::facts() const {
  std::lock_guard lock(mutex_);
  return facts_;
}

std::optional<std::string> cycle_outcome(const SynchronizationReport& report) {
  if (!report.cycle_finished || !report.last_attempt)
    return std::nullopt;
  if (report.fetching)
    return "fetch_failed";
  if (report.applied && (report.applied->failure || !report.applied->problems.empty()))
    return "apply_failed";
  if (report.labelling)
    return "labels_failed";
  return report.synchronized ? std::optional<std::string>("synchronized") : std::nullopt;
}

CycleMeasurements::CycleMeasurements() {
  // So that a rate can be taken from the first one on.
  for (const char* outcome : {"synchronized", "fetch_failed", "apply_failed", "labels_failed"})
    counts_[outcome] = 0;
}

void CycleMeasurements::hear(const status_writer::Facts& facts, WallTime now) {
  if (!facts.synchronization)
    return;
  const auto outcome = cycle_outcome(*facts.synchronization);
  std::lock_guard lock(mutex_);
  if (!outcome || counted_ == facts.synchronization->last_attempt)
    return;
  counted_ = facts.synchronization->last_attempt;
  ++counts_[*outcome];
  durations_.observe(cycle_bounds, std::chrono::duration_cast<std::chrono::nanoseconds>(now - *counted_));
}

std::map<std::string, std::uint64_t> CycleMeasurements::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

} // namespace runtime_agent::app
