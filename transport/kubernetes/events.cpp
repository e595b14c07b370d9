#include "transport/kubernetes/events.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "transport/printable.hpp"
#include "transport/rfc3339.hpp"
#include "transport/utf8.hpp"

namespace runtime_agent::kubernetes {
namespace {

constexpr std::size_t longest_message = 1024; // characters: what events.k8s.io allows
constexpr std::size_t longest_name = 253;

std::string shortened(const std::string& text) {
  return text.size() <= longest_message ? text : std::string(utf8_prefix(text, longest_message - 3)) + "...";
}

/// client-go's name: the object's, and a number that no other has.
std::string event_name(const EventTarget& target, EventCorrelator::WallTime wall) {
  const std::string suffix =
      fmt::format(".{:x}", std::chrono::duration_cast<std::chrono::nanoseconds>(wall.time_since_epoch()).count());
  return target.name.substr(0, longest_name - suffix.size()) + suffix;
}

template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string key;
  ((key += parts, key += '\n'), ...);
  return key;
}

} // namespace

Resource events(std::string namespace_) {
  return {"", "v1", "events", std::move(namespace_), "Event"};
}

template <class Value>
Value& EventCorrelator::Recent<Value>::at(const std::string& key, std::size_t bound) {
  if (const auto found = index_.find(key); found != index_.end()) {
    entries_.splice(entries_.begin(), entries_, found->second);
    return entries_.front().second;
  }
  entries_.emplace_front(key, Value{});
  index_[key] = entries_.begin();
  if (entries_.size() > bound) {
    index_.erase(entries_.back().first);
    entries_.pop_back();
  }
  return entries_.front().second;
}

std::optional<EventWrite> EventCorrelator::correlate(const EventNote& note, TimePoint now, WallTime wall) {
  const EventTarget& target = note.target;
  const std::string object = joined(target.api_version, target.kind, target.name, target.uid);
  const std::string series = joined(object, note.warning ? "Warning" : "Normal", note.reason);
  bool similar = false;
  EventNote told = note;
  told.message = aggregated(series, note, now, similar);
  if (silenced(object, now))
    return std::nullopt;
  const std::string key = similar ? series : joined(series, note.message);
  Known& known = known_.at(key, settings_.remembered);
  const std::string time = rfc3339(wall);
  EventWrite write;
  write.key = key;
  if (known.count > 0)
    write.patch = {{"count", known.count + 1}, {"lastTimestamp", time}, {"message", told.message}};
  else
    known = {event_name(target, wall), 0, time};
  ++known.count;
  write.name = known.name;
  write.object = body(told, known.name, known, time);
  return write;
}

bool EventCorrelator::silenced(const std::string& object, TimePoint now) {
  Bucket& bucket = buckets_.at(object, settings_.remembered);
  if (bucket.at == TimePoint{})
    bucket.tokens = settings_.burst;
  else
    bucket.tokens = std::min<double>(settings_.burst,
                                     bucket.tokens + std::chrono::duration<double>(now - bucket.at) / settings_.refill);
  bucket.at = now;
  if (bucket.tokens < 1)
    return true;
  bucket.tokens -= 1;
  return false;
}

std::string EventCorrelator::aggregated(const std::string& key, const EventNote& note, TimePoint now, bool& similar) {
  Series& series = series_.at(key, settings_.remembered);
  if (now - series.last > settings_.aggregate_within)
    series.messages.clear();
  series.last = now;
  if (series.messages.size() < settings_.aggregate_after || series.messages.contains(note.message))
    series.messages[note.message] = true;
  similar = series.messages.size() >= settings_.aggregate_after;
  const std::string shown = printable(note.message);
  return shortened(similar ? "(combined from similar events): " + shown : shown);
}

Json EventCorrelator::body(const EventNote& note, const std::string& name, const Known& known,
                           const std::string& time) const {
  Json target{{"apiVersion", note.target.api_version}, {"kind", note.target.kind}, {"name", note.target.name}};
  if (!note.target.uid.empty())
    target["uid"] = note.target.uid;
  return {{"metadata", {{"name", name}, {"namespace", events_namespace}}},
          {"involvedObject", std::move(target)},
          {"type", note.warning ? "Warning" : "Normal"},
          {"reason", note.reason},
          {"message", note.message},
          {"count", known.count},
          {"firstTimestamp", known.first_time},
          {"lastTimestamp", time},
          {"source", {{"component", settings_.component}, {"host", settings_.host}}},
          {"reportingComponent", settings_.component},
          {"reportingInstance", settings_.host}};
}

Result<void> write_event(PatchingApi& api, const EventWrite& write, const CallContext& context) {
  const Resource resource = events(events_namespace);
  if (!write.patch.is_null()) {
    auto patched = api.patch(resource, write.name, write.patch, context);
    if (patched)
      return {};
    if (patched.error().kind != FailureKind::not_found) // an hour old: the API server has forgotten it
      return failed(std::move(patched.error()));
  }
  auto created = api.create(resource, write.object, context);
  if (!created && created.error().kind != FailureKind::already_exists)
    return failed(std::move(created.error()));
  return {};
}

} // namespace runtime_agent::kubernetes
