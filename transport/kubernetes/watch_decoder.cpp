#include "transport/kubernetes/watch_decoder.hpp"

#include <fmt/format.h>

#include "transport/encoding.hpp"
#include "transport/kubernetes/bounded_json.hpp"

namespace runtime_agent::kubernetes {

namespace {

std::optional<EventType> event_type(std::string_view type) {
  if (type == "ADDED")
    return EventType::added;
  if (type == "MODIFIED")
    return EventType::modified;
  if (type == "DELETED")
    return EventType::deleted;
  if (type == "BOOKMARK")
    return EventType::bookmark;
  return std::nullopt;
}

} // namespace

WatchDecoder::WatchDecoder(const Operation& operation, const WatchOptions& options, const EventReceiver& receive,
                           std::size_t line_limit)
    : operation_(operation), options_(options), receive_(receive), version_(options.resource_version),
      line_limit_(line_limit) {}

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
  if (trimmed(text).empty() || known(text))
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

bool WatchDecoder::known(std::string_view text) {
  if (!options_.known)
    return false;
  auto head = read_event_head(text);
  const auto type = head ? event_type(head->type) : std::nullopt;
  if (!type || head->object.resource_version.empty() || !options_.known(*type, head->object))
    return false;
  version_ = std::move(head->object.resource_version);
  return true;
}

bool WatchDecoder::event(const std::string& text, Json&& object) {
  const auto type = event_type(text);
  if (!type)
    return fail(FailureKind::malformed, "an event of an unknown type");
  std::string version = text_at(object, "metadata", "resourceVersion");
  if (version.empty())
    return fail(FailureKind::malformed, "an event without metadata.resourceVersion");
  version_ = std::move(version);
  receive_(*type, std::move(object));
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
