#include "transport/kubernetes/watch_decoder.hpp"

#include <fmt/format.h>

#include "transport/encoding.hpp"
#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::kubernetes {

WatchDecoder::WatchDecoder(const Operation& operation, const EventReceiver& receive, std::string version,
                           std::size_t line_limit)
    : operation_(operation), receive_(receive), version_(std::move(version)), line_limit_(line_limit) {}

bool WatchDecoder::feed(std::string_view piece) {
  while (!failure_ && !piece.empty()) {
    const auto end = piece.find('\n');
    const auto part = piece.substr(0, end);
    if (partial_.size() + part.size() > line_limit_)
      return fail(FailureKind::too_large, fmt::format("an event of more than {} bytes", line_limit_));
    if (end == std::string_view::npos) {
      partial_ += part;
      break;
    }
    piece.remove_prefix(end + 1);
    if (partial_.empty()) {
      line(part);
    } else {
      partial_ += part;
      line(partial_);
      partial_.clear();
    }
  }
  return !failure_;
}

void WatchDecoder::finish() {
  if (!failure_ && !trimmed(partial_).empty())
    fail(FailureKind::network, "the watch ended in the middle of an event");
}

bool WatchDecoder::line(std::string_view text) {
  if (trimmed(text).empty())
    return true;
  auto parsed = parse_bounded(text);
  if (!parsed)
    return fail(FailureKind::malformed, parsed.error().what);
  if (!parsed->is_object() || !parsed->contains("object") || !(*parsed)["object"].is_object())
    return fail(FailureKind::malformed, "an event without an object");
  const std::string type = text_at(*parsed, "type");
  if (type == "ERROR") {
    failure_ = failure_of_status((*parsed)["object"], operation_);
    return false;
  }
  return event(type, std::move((*parsed)["object"]));
}

bool WatchDecoder::event(const std::string& type, Json&& object) {
  std::optional<EventType> known;
  if (type == "ADDED")
    known = EventType::added;
  else if (type == "MODIFIED")
    known = EventType::modified;
  else if (type == "DELETED")
    known = EventType::deleted;
  else if (type == "BOOKMARK")
    known = EventType::bookmark;
  if (!known)
    return fail(FailureKind::malformed, "an event of an unknown type");
  std::string version = text_at(object, "metadata", "resourceVersion");
  if (version.empty())
    return fail(FailureKind::malformed, "an event without metadata.resourceVersion");
  version_ = std::move(version);
  receive_(*known, std::move(object));
  return true;
}

bool WatchDecoder::fail(FailureKind kind, std::string what) {
  Failure failure;
  failure.kind = kind;
  failure.where = operation_.where();
  failure.what = std::move(what);
  failure_ = std::move(failure);
  return false;
}

} // namespace runtime_agent::kubernetes
