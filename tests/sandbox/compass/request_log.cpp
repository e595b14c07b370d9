#include "tests/sandbox/compass/request_log.hpp"

namespace runtime_agent::sandbox::compass {
namespace {

constexpr std::size_t most_records = 50'000;

} // namespace

nlohmann::json to_json(const RequestRecord& record) {
  return {{"time", std::chrono::duration<double>(record.time.time_since_epoch()).count()},
          {"durationMs", record.duration.count()},
          {"service", record.service},
          {"field", record.field},
          {"status", record.status},
          {"errors", record.errors},
          {"fault", record.fault},
          {"reason", record.reason},
          {"requestId", record.request_id},
          {"traceparent", record.traceparent},
          {"tenant", record.tenant},
          {"certificateSerial", record.certificate_serial},
          {"document", record.document},
          {"variables", record.variables},
          {"bytesReceived", record.bytes_received},
          {"bytesSent", record.bytes_sent}};
}

void RequestLog::add(RequestRecord record) {
  const std::lock_guard lock(mutex_);
  ++counters_[{record.service, record.field}];
  // Half at once: dropping one each time would move all the others each time.
  if (records_.size() >= most_records)
    records_.erase(records_.begin(), records_.begin() + most_records / 2);
  records_.push_back(std::move(record));
}

std::vector<RequestRecord> RequestLog::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::uint64_t RequestLog::count(const std::string& service, const std::string& field) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t total = 0;
  for (const auto& [key, number] : counters_)
    if ((service.empty() || key.first == service) && (field.empty() || key.second == field))
      total += number;
  return total;
}

void RequestLog::clear() {
  const std::lock_guard lock(mutex_);
  records_.clear();
  counters_.clear();
}

} // namespace runtime_agent::sandbox::compass
