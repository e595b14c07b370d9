#include "tests/sandbox/compass/faults.hpp"

#include <algorithm>
#include <set>

namespace runtime_agent::sandbox::compass {
namespace {

bool known_action(const std::string& action) {
  static const std::set<std::string> names{"html",
                                           "invalid-subject",
                                           "consumer-type-not-found",
                                           "empty-400",
                                           "no-scopes",
                                           "runtime-not-found",
                                           "tenant-not-found",
                                           "left-scenario",
                                           "empty",
                                           "truncated",
                                           "cut",
                                           "errors",
                                           "errors-partial",
                                           "null",
                                           "oversized",
                                           "reset",
                                           "hang",
                                           "delay",
                                           "trickle",
                                           "alert",
                                           "missing-urls",
                                           "empty-urls",
                                           "missing-management-info",
                                           "missing-token",
                                           "garbage-base64",
                                           "garbage-certificate",
                                           "missing-signing-info",
                                           "malformed-subject",
                                           "wrong-key-certificate",
                                           "expired-certificate",
                                           "future-certificate"};
  if (action.size() == 8 && action.rfind("http-", 0) == 0)
    return action[5] >= '3' && action[5] <= '5' && action.find_first_not_of("0123456789", 5) == std::string::npos;
  return names.count(action) != 0;
}

bool known_service(const std::string& service) {
  return service.empty() || service == "connector-token" || service == "connector" || service == "director";
}

} // namespace

tl::expected<Fault, std::string> fault_from_json(const nlohmann::json& json) {
  static const std::set<std::string> keys{"service", "field",     "serial", "times",      "skip",
                                          "action",  "when",      "delay",  "retryAfter", "text",
                                          "path",    "errorCode", "bytes",  "id",         "applied"};
  if (!json.is_object())
    return tl::unexpected(std::string("a fault is a JSON object"));
  for (const auto& [key, value] : json.items())
    if (keys.count(key) == 0)
      return tl::unexpected("unknown key \"" + key + "\" of a fault");
  Fault fault;
  try {
    fault.service = json.value("service", "");
    fault.field = json.value("field", "");
    fault.serial = json.value("serial", "");
    fault.times = json.value("times", 1);
    fault.skip = json.value("skip", 0);
    fault.action = json.value("action", "");
    fault.delay = std::chrono::milliseconds(json.value("delay", 0));
    const auto retry_after = json.value("retryAfter", nlohmann::json(""));
    fault.retry_after = retry_after.is_number() ? retry_after.dump() : retry_after.get<std::string>();
    fault.text = json.value("text", "");
    fault.path = json.value("path", "");
    fault.error_code = json.value("errorCode", 10);
    fault.bytes = json.value("bytes", fault.bytes);
    const auto when = json.value("when", "after");
    if (when != "before" && when != "after")
      return tl::unexpected("when is \"" + when + "\", not \"before\" or \"after\"");
    fault.before = when == "before";
  } catch (const nlohmann::json::exception& error) {
    return tl::unexpected(std::string("a value of a fault has the wrong type: ") + error.what());
  }
  if (!known_service(fault.service))
    return tl::unexpected("unknown service \"" + fault.service + "\": connector-token, connector or director");
  if (!known_action(fault.action))
    return tl::unexpected("unknown action \"" + fault.action + "\"");
  return fault;
}

nlohmann::json to_json(const Fault& fault) {
  return {{"id", fault.id},
          {"service", fault.service},
          {"field", fault.field},
          {"serial", fault.serial},
          {"times", fault.times},
          {"skip", fault.skip},
          {"action", fault.action},
          {"when", fault.before ? "before" : "after"},
          {"delay", fault.delay.count()},
          {"retryAfter", fault.retry_after},
          {"text", fault.text},
          {"path", fault.path},
          {"errorCode", fault.error_code},
          {"bytes", fault.bytes},
          {"applied", fault.applied}};
}

int FaultPlan::add(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault.id = next_id_++;
  fault.applied = 0;
  faults_.push_back(std::move(fault));
  return next_id_ - 1;
}

void FaultPlan::remove(int id) {
  const std::lock_guard lock(mutex_);
  faults_.erase(std::remove_if(faults_.begin(), faults_.end(), [id](const Fault& fault) { return fault.id == id; }),
                faults_.end());
}

void FaultPlan::clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

std::vector<Fault> FaultPlan::list() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::optional<Fault> FaultPlan::match(std::string_view service, std::string_view field, bool handshake,
                                      std::string_view serial) {
  const std::lock_guard lock(mutex_);
  for (auto& fault : faults_) {
    if ((fault.action == "alert") != handshake || (!fault.service.empty() && fault.service != service))
      continue;
    if (!handshake && !fault.field.empty() && fault.field != field)
      continue;
    if (fault.times == 0 || (!handshake && !fault.serial.empty() && fault.serial != serial))
      continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.times > 0)
      --fault.times;
    ++fault.applied;
    return fault;
  }
  return std::nullopt;
}

bool FaultPlan::wait(std::optional<std::chrono::milliseconds> duration) {
  std::unique_lock lock(mutex_);
  const auto before = released_;
  const auto free = [&] { return stopped_ || released_ != before; };
  if (duration)
    return !changed_.wait_for(lock, *duration, free);
  changed_.wait(lock, free);
  return false;
}

void FaultPlan::release() {
  const std::lock_guard lock(mutex_);
  ++released_;
  changed_.notify_all();
}

void FaultPlan::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

} // namespace runtime_agent::sandbox::compass
