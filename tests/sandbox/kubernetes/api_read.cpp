// The reading half of ApiService: get, list in pages, watch.
#include <charconv>

#include <fmt/format.h>

#include "tests/sandbox/kubernetes/api_service.hpp"
#include "tests/sandbox/kubernetes/base64.hpp"
#include "tests/sandbox/kubernetes/table.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

constexpr auto bookmark_period = std::chrono::seconds(60);
constexpr auto default_watch = std::chrono::minutes(30);

/// Where a list goes on: after `after`, as the collection was at `version` (0: as it is, since the version is expired).
struct Continuation {
  std::uint64_t version = 0;
  std::pair<std::string, std::string> after; ///< namespace and name
};

std::string token_of(const Continuation& at) {
  const Json token = {{"v", "meta.k8s.io/v1"},
                      {"rv", at.version == 0 ? -1 : static_cast<std::int64_t>(at.version)},
                      {"start", at.after.first + "/" + at.after.second}};
  return base64url_encoded(token.dump());
}

Answer<Continuation> continuation_of(const std::string& text) {
  const auto bytes = base64url_decoded(text);
  const auto token = bytes ? Json::parse(*bytes, nullptr, false) : Json(Json::value_t::discarded);
  if (!token.is_object() || !token.contains("rv") || !token.contains("start"))
    return bad_request(
        "invalid continue token: continue key is not valid: invalid character looking for beginning of value");
  const auto version = token["rv"].get<std::int64_t>();
  const auto start = token["start"].get<std::string>();
  const auto slash = start.find('/');
  return Continuation{version < 0 ? 0 : static_cast<std::uint64_t>(version),
                      {start.substr(0, slash), start.substr(slash + 1)}};
}

template <class Number>
std::optional<Number> number_of(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

/// One page of what a list shows.
struct Page {
  Json metadata;
  std::vector<Object> objects;
};

Page page_of(const Store::Snapshot& snapshot, const Selection& selection, const Continuation& from,
             std::int64_t limit) {
  Page page;
  page.metadata = {{"resourceVersion", std::to_string(snapshot.version)}};
  std::size_t left = 0;
  for (const auto& object : snapshot.objects) {
    if (std::pair(object->namespace_, object->name) <= from.after || !selection.matches(*object))
      continue;
    if (limit <= 0 || page.objects.size() < static_cast<std::size_t>(limit))
      page.objects.push_back(object);
    else
      ++left;
  }
  if (left > 0) {
    const auto& last = *page.objects.back();
    page.metadata["continue"] = token_of({snapshot.version, {last.namespace_, last.name}});
    if (selection.empty())
      page.metadata["remainingItemCount"] = left;
  }
  return page;
}

/// An entry of a list. Those of built-in types carry neither apiVersion nor kind, as with the real server: its lists
/// are typed. Text is cut rather than parsed, for ten thousand objects; both fields stand where the sorted keys put
/// them.
std::string item_text(const ResourceType& type, const std::string& body) {
  auto text = body;
  if (type.custom)
    return text;
  for (const auto& field :
       {fmt::format(R"("apiVersion":"{}",)", type.api_version()), fmt::format(R"("kind":"{}","metadata":)", type.kind)})
    if (const auto at = text.find(field); at != std::string::npos)
      text.erase(at, field.find(',') + 1);
  return text;
}

/// As meta.k8s.io/v1 PartialObjectMetadata.
std::string metadata_text(const std::string& body) {
  return Json{
      {"apiVersion", "meta.k8s.io/v1"}, {"kind", "PartialObjectMetadata"}, {"metadata", Json::parse(body)["metadata"]}}
      .dump();
}

std::string metadata_list_text(const Page& page) {
  auto items = Json::array();
  for (const auto& object : page.objects)
    items.push_back(Json::parse(metadata_text(object->body)));
  return Json{{"apiVersion", "meta.k8s.io/v1"},
              {"kind", "PartialObjectMetadataList"},
              {"metadata", page.metadata},
              {"items", std::move(items)}}
      .dump();
}

/// Put together as text: the objects are kept as such.
std::string list_text(const ResourceType& type, const Page& page) {
  auto text = fmt::format(R"({{"apiVersion":"{}","kind":"{}List","metadata":{},"items":[)", type.api_version(),
                          type.kind, page.metadata.dump());
  for (const auto& object : page.objects) {
    text += object == page.objects.front() ? "" : ",";
    text += item_text(type, object->body);
  }
  return text + "]}";
}

} // namespace

/// One watch: the initial list where it is wanted, then changes, then bookmarks while nothing happens.
class ObjectWatch : public WatchStream {
public:
  ObjectWatch(const ApiService& service, ResourceType type, std::string in_namespace, Selection selection)
      : service_(service), type_(std::move(type)), namespace_(std::move(in_namespace)),
        selection_(std::move(selection)), generation_(service.watch_generation_) {}

  std::chrono::steady_clock::time_point deadline;
  std::uint64_t since = 0;
  bool bookmarks = false;
  bool table = false;
  bool whole_objects = false;
  bool metadata_only = false;
  std::vector<Object> initial;
  bool mark_initial_end = false; ///< a bookmark that says so follows the initial list

  std::optional<std::string> next(std::chrono::milliseconds patience) override {
    const auto now = std::chrono::steady_clock::now();
    if (over_ || generation_ != service_.watch_generation_)
      return std::nullopt;
    if (!started_)
      return start();
    if (now >= deadline)
      return finish();
    const auto news = service_.store_.changes(type_.qualified_plural(), since, std::min(deadline, now + patience));
    if (!news)
      return expire();
    std::string lines;
    for (const auto& change : *news)
      lines += line_of(change);
    if (lines.empty() && bookmarks && now - last_bookmark_ > bookmark_period)
      lines = bookmark(false);
    return lines;
  }

private:
  std::string start() {
    started_ = true;
    std::string lines;
    for (const auto& object : initial)
      lines += event("ADDED", *object);
    initial.clear();
    return mark_initial_end ? lines + bookmark(true) : lines;
  }

  /// The real server sends a last bookmark shortly before a watch times out.
  std::string finish() {
    over_ = true;
    return bookmarks ? bookmark(false) : std::string();
  }

  std::string expire() {
    over_ = true;
    const auto status = failure_status(
        410, "Expired", fmt::format("too old resource version: {} ({})", since, service_.store_.version()));
    return Json{{"type", "ERROR"}, {"object", status}}.dump() + "\n";
  }

  std::string bookmark(bool initial_end) {
    last_bookmark_ = std::chrono::steady_clock::now();
    Json metadata = {{"resourceVersion", std::to_string(since)}};
    if (initial_end)
      metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
    const Json object = {{"apiVersion", metadata_only ? "meta.k8s.io/v1" : type_.api_version()},
                         {"kind", metadata_only ? "PartialObjectMetadata" : type_.kind},
                         {"metadata", std::move(metadata)}};
    return Json{{"type", "BOOKMARK"}, {"object", object}}.dump() + "\n";
  }

  /// What a selection sees of a change: an object that stops matching is deleted for it.
  std::string line_of(const Change& change) const {
    if (!namespace_.empty() && change.after->namespace_ != namespace_)
      return {};
    const bool before = change.before && selection_.matches(*change.before);
    const bool after = !change.deleted && selection_.matches(*change.after);
    if (!before && !after)
      return {};
    if (!after)
      return change.deleted ? event("DELETED", *change.after) : left(change);
    return event(before ? "MODIFIED" : "ADDED", *change.after);
  }

  /// The object as it last matched, with the version of the change that took it out.
  std::string left(const Change& change) const {
    auto gone = *change.before;
    auto object = Json::parse(gone.body);
    object["metadata"]["resourceVersion"] = std::to_string(change.version);
    gone.body = object.dump();
    return event("DELETED", gone);
  }

  std::string event(std::string_view type, const Stored& object) const {
    if (!table)
      return fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", type,
                         metadata_only ? metadata_text(object.body) : object.body);
    const auto rows = make_table(type_, {Json::parse(object.body)}, whole_objects,
                                 {{"resourceVersion", std::to_string(object.version)}});
    return Json{{"type", type}, {"object", rows}}.dump() + "\n";
  }

  const ApiService& service_;
  const ResourceType type_;
  const std::string namespace_;
  const Selection selection_;
  const std::uint64_t generation_;
  bool started_ = false;
  bool over_ = false;
  std::chrono::steady_clock::time_point last_bookmark_ = std::chrono::steady_clock::now();
};

Answer<Selection> selection_of(const ApiRequest& request, const ResourceType& type) {
  auto labels = LabelSelector::parse(request.parameter("labelSelector"));
  if (!labels)
    return Refused(labels.error());
  auto fields = FieldSelector::parse(request.parameter("fieldSelector"), type);
  if (!fields)
    return Refused(fields.error());
  return Selection{std::move(*labels), std::move(*fields)};
}

Answer<std::optional<std::uint64_t>> version_of(const ApiRequest& request) {
  const auto text = request.parameter("resourceVersion");
  if (text.empty())
    return std::optional<std::uint64_t>();
  if (const auto version = number_of<std::uint64_t>(text))
    return std::optional(*version);
  const auto problem =
      fmt::format("resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: parsing \"{0}\": invalid syntax", text);
  if (request.verb == "watch")
    return storage_error(problem);
  return bad_request("invalid resource version: " + problem);
}

Answer<Reply> ApiService::get(const ApiRequest& request, const ResourceType& type) {
  const auto version = version_of(request);
  if (!version)
    return Refused(version.error());
  if (*version && **version > store_.version())
    return version_too_large(**version, store_.version());
  const auto object = store_.get(type.qualified_plural(), request.namespace_, request.name);
  if (!object)
    return not_found(type, request.name);
  if (wants_table(request))
    return reply_with(request, type, Json::parse(object->body));
  return Reply{200, object->body, "application/json", {}, {}, {}};
}

Answer<Reply> ApiService::list(const ApiRequest& request, const ResourceType& type) {
  const auto selection = selection_of(request, type);
  if (!selection)
    return Refused(selection.error());
  const auto limit_text = request.parameter("limit");
  const auto limit = number_of<std::int64_t>(limit_text.empty() ? "0" : limit_text);
  if (!limit)
    return bad_request(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", limit_text));
  const auto version = version_of(request);
  if (!version)
    return Refused(version.error());
  if (*version && **version > store_.version())
    return version_too_large(**version, store_.version());

  Continuation from;
  auto snapshot = std::optional<Store::Snapshot>();
  if (const auto token = request.parameter("continue"); !token.empty()) {
    auto parsed = continuation_of(token);
    if (!parsed)
      return Refused(parsed.error());
    from = *parsed;
    if (from.version != 0) {
      snapshot = store_.list_at(type.qualified_plural(), request.namespace_, from.version);
      if (!snapshot)
        return expired("The provided continue parameter is too old to display a consistent list result. You can start "
                       "a new list without "
                       "the continue parameter, or use the continue token in this response to retrieve the remainder "
                       "of the results. "
                       "Continuing with the provided token results in an inconsistent list - objects that were "
                       "created, modified, or "
                       "deleted between the time the first chunk was returned and now may show up in the list.",
                       token_of({0, from.after}));
    }
  }
  if (!snapshot)
    snapshot = store_.list(type.qualified_plural(), request.namespace_);
  auto page = page_of(*snapshot, *selection, from, *limit);
  // The last page of custom resources has an empty token where that of built-in ones has none.
  if (type.custom && !page.metadata.contains("continue"))
    page.metadata["continue"] = "";
  Reply reply;
  if (wants_table(request)) {
    std::vector<Json> objects;
    for (const auto& object : page.objects)
      objects.push_back(Json::parse(object->body));
    reply.body = make_table(type, objects, request.parameter("includeObject") == "Object", page.metadata).dump();
  } else if (wants_metadata(request)) {
    reply.body = metadata_list_text(page);
  } else {
    reply.body = list_text(type, page);
  }
  return reply;
}

Answer<Reply> ApiService::watch(const ApiRequest& request, const ResourceType& type) {
  auto selection = selection_of(request, type);
  if (!selection)
    return Refused(selection.error());
  const auto version = version_of(request);
  if (!version)
    return Refused(version.error());
  // A watch of one object by its path is one with a field selector.
  if (!request.name.empty()) {
    auto by_name = FieldSelector::parse("metadata.name=" + request.name, type);
    selection->fields = *by_name;
  }
  auto stream = std::make_shared<ObjectWatch>(*this, type, request.namespace_, *selection);
  const auto seconds = number_of<long>(request.parameter("timeoutSeconds"));
  stream->deadline =
      std::chrono::steady_clock::now() + (seconds && *seconds > 0 ? std::chrono::seconds(*seconds) : default_watch);
  stream->bookmarks = request.truthy("allowWatchBookmarks");
  stream->table = wants_table(request);
  stream->whole_objects = request.parameter("includeObject") == "Object";
  stream->metadata_only = wants_metadata(request);
  const bool send_initial = request.truthy("sendInitialEvents");
  if (!*version || **version == 0 || send_initial) {
    const auto snapshot = store_.list(type.qualified_plural(), request.namespace_);
    for (const auto& object : snapshot.objects)
      if (selection->matches(*object))
        stream->initial.push_back(object);
    stream->since = snapshot.version;
    stream->mark_initial_end = stream->bookmarks;
  } else {
    stream->since = **version;
  }
  Reply reply;
  reply.stream = std::move(stream);
  return reply;
}

} // namespace runtime_agent::sandbox::kube
