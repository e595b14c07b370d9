#include "tests/sandbox/kubernetes/store.hpp"

namespace runtime_agent::sandbox::kube {
namespace {

Object make_stored(Json object, std::uint64_t version) {
  auto stored = std::make_shared<Stored>();
  auto& metadata = object["metadata"];
  metadata["resourceVersion"] = std::to_string(version);
  stored->namespace_ = metadata.value("namespace", "");
  stored->name = metadata.value("name", "");
  stored->uid = metadata.value("uid", "");
  stored->version = version;
  if (metadata.contains("labels"))
    stored->labels = metadata["labels"].get<std::map<std::string, std::string>>();
  stored->body = object.dump(-1, ' ', false, Json::error_handler_t::replace);
  return stored;
}

template <class Objects>
void collect(const Objects& objects, const std::string& namespace_, std::vector<Object>& into) {
  auto at = namespace_.empty() ? objects.begin() : objects.lower_bound({namespace_, ""});
  for (; at != objects.end() && (namespace_.empty() || at->first.first == namespace_); ++at)
    into.push_back(at->second);
}

} // namespace

Store::Store(std::size_t history) : history_(history) {}

std::uint64_t Store::version() const {
  std::lock_guard lock(mutex_);
  return version_;
}

Object Store::get(const std::string& collection, const std::string& namespace_, const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = collections_.find(collection);
  if (found == collections_.end())
    return nullptr;
  const auto object = found->second.objects.find({namespace_, name});
  return object == found->second.objects.end() ? nullptr : object->second;
}

Store::Snapshot Store::list(const std::string& collection, const std::string& namespace_) const {
  std::lock_guard lock(mutex_);
  Snapshot snapshot{version_, {}};
  if (const auto found = collections_.find(collection); found != collections_.end())
    collect(found->second.objects, namespace_, snapshot.objects);
  return snapshot;
}

std::optional<Store::Snapshot> Store::list_at(const std::string& collection, const std::string& namespace_,
                                              std::uint64_t version) const {
  std::lock_guard lock(mutex_);
  if (version < expired_below_)
    return std::nullopt;
  Snapshot snapshot{version, {}};
  const auto found = collections_.find(collection);
  if (found == collections_.end())
    return snapshot;
  if (version < found->second.floor)
    return std::nullopt;
  auto objects = found->second.objects;
  const auto& changes = found->second.changes;
  for (auto change = changes.rbegin(); change != changes.rend() && change->version > version; ++change) {
    const Key key{change->after->namespace_, change->after->name};
    if (change->before)
      objects[key] = change->before;
    else
      objects.erase(key);
  }
  collect(objects, namespace_, snapshot.objects);
  return snapshot;
}

Object Store::put(const std::string& collection, const Object& expected, Json object) {
  std::lock_guard lock(mutex_);
  auto& into = collections_[collection];
  const auto& metadata = object["metadata"];
  auto& place = into.objects[Key{metadata.value("namespace", ""), metadata.value("name", "")}];
  if (place != expected) {
    if (!place)
      into.objects.erase(Key{metadata.value("namespace", ""), metadata.value("name", "")});
    return nullptr;
  }
  place = make_stored(std::move(object), ++version_);
  auto written = place;
  record(into, Change{version_, expected, written, false});
  return written;
}

bool Store::erase(const std::string& collection, const Object& expected) {
  std::lock_guard lock(mutex_);
  auto& from = collections_[collection];
  const auto found = from.objects.find({expected->namespace_, expected->name});
  if (found == from.objects.end() || found->second != expected)
    return false;
  auto last = make_stored(Json::parse(expected->body), ++version_);
  from.objects.erase(found);
  record(from, Change{version_, expected, std::move(last), true});
  return true;
}

void Store::record(Collection& collection, Change change) {
  collection.changes.push_back(std::move(change));
  while (collection.changes.size() > history_) {
    collection.floor = collection.changes.front().version;
    collection.changes.pop_front();
  }
  changed_.notify_all();
}

std::optional<std::vector<Change>> Store::changes(const std::string& collection, std::uint64_t& since,
                                                  std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  const auto interrupts = interrupts_;
  while (true) {
    if (since < expired_below_)
      return std::nullopt;
    std::vector<Change> news;
    if (const auto found = collections_.find(collection); found != collections_.end()) {
      if (since < found->second.floor)
        return std::nullopt;
      const auto& all = found->second.changes;
      auto first = std::upper_bound(all.begin(), all.end(), since, [](std::uint64_t version, const Change& change) {
        return version < change.version;
      });
      news.assign(first, all.end());
    }
    since = std::max(since, version_);
    if (!news.empty() || interrupts != interrupts_ || std::chrono::steady_clock::now() >= deadline)
      return news;
    changed_.wait_until(lock, deadline);
  }
}

void Store::interrupt() const {
  std::lock_guard lock(mutex_);
  ++interrupts_;
  changed_.notify_all();
}

void Store::expire_versions() {
  std::lock_guard lock(mutex_);
  // A version of its own, so that what was listed a moment ago is expired as well.
  expired_below_ = ++version_;
  for (auto& [name, collection] : collections_)
    collection.changes.clear();
  changed_.notify_all();
}

void Store::drop(const std::string& collection) {
  std::lock_guard lock(mutex_);
  auto& dropped = collections_[collection];
  dropped.objects.clear();
  dropped.changes.clear();
  dropped.floor = ++version_;
  changed_.notify_all();
}

} // namespace runtime_agent::sandbox::kube
