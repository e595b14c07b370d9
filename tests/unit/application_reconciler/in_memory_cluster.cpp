#include "tests/unit/application_reconciler/in_memory_cluster.hpp"

#include <algorithm>

namespace runtime_agent::test {

using kubernetes::EventType;
using kubernetes::Resource;

namespace {

std::string name_of(const Json& object) {
  return object.at("metadata").at("name").get<std::string>();
}

bool has_finalizers(const Json& object) {
  return object.at("metadata").contains("finalizers") && !object.at("metadata").at("finalizers").empty();
}

// What the custom resource definition fills in.
void fill_defaults(const Resource& resource, Json& object) {
  if (resource.plural == "applications" && object.contains("spec") && !object["spec"].contains("encodeUrl"))
    object["spec"]["encodeUrl"] = true;
}

} // namespace

Failure InMemoryCluster::refusal(FailureKind kind, const std::string& name, const std::string& what) const {
  Failure failure;
  failure.kind = kind;
  failure.where = "Kubernetes API, " + name;
  failure.what = what;
  return failure;
}

void InMemoryCluster::store(const std::string& collection, const std::string& name, Json object, EventType type) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  events_.push_back({version_, collection, type, object});
  collections_[collection][name] = std::move(object);
  changed_.notify_all();
}

void InMemoryCluster::drop(const std::string& collection, const std::string& name) {
  Json object = collections_[collection].at(name);
  collections_[collection].erase(name);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  events_.push_back({version_, collection, EventType::deleted, std::move(object)});
  changed_.notify_all();
}

Json InMemoryCluster::put(const Resource& resource, Json object) {
  const std::lock_guard lock(mutex_);
  const std::string name = name_of(object);
  auto& collection = collections_[resource.path()];
  const bool known = collection.contains(name);
  object["metadata"]["uid"] =
      known ? collection[name]["metadata"]["uid"].get<std::string>() : "uid-" + std::to_string(++last_uid_);
  fill_defaults(resource, object);
  store(resource.path(), name, std::move(object), known ? EventType::modified : EventType::added);
  return collections_[resource.path()][name];
}

void InMemoryCluster::patch(const Resource& resource, const std::string& name, const Json& merge_patch) {
  const std::lock_guard lock(mutex_);
  Json object = collections_[resource.path()].at(name);
  object.merge_patch(merge_patch);
  if (object["metadata"].contains("deletionTimestamp") && !has_finalizers(object))
    drop(resource.path(), name);
  else
    store(resource.path(), name, std::move(object), EventType::modified);
}

void InMemoryCluster::erase(const Resource& resource, const std::string& name) {
  const std::lock_guard lock(mutex_);
  drop(resource.path(), name);
}

std::optional<Json> InMemoryCluster::find(const Resource& resource, const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto collection = collections_.find(resource.path());
  if (collection == collections_.end() || !collection->second.contains(name))
    return std::nullopt;
  return collection->second.at(name);
}

std::vector<Json> InMemoryCluster::all(const Resource& resource) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> objects;
  if (const auto collection = collections_.find(resource.path()); collection != collections_.end())
    for (const auto& [name, object] : collection->second)
      objects.push_back(object);
  return objects;
}

std::vector<std::string> InMemoryCluster::take_log() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> lines;
  for (const auto& request : log_)
    lines.push_back(request.text());
  log_.clear();
  return lines;
}

std::vector<std::string> InMemoryCluster::take_writes() {
  auto lines = take_log();
  std::erase_if(lines, [](const std::string& line) {
    return line.starts_with("get ") || line.starts_with("list ") || line.starts_with("watch ");
  });
  return lines;
}

void InMemoryCluster::settle_watches() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] {
    return std::all_of(watchers_.begin(), watchers_.end(), [this](const auto& watcher) {
      const auto& [collection, handed_over] = watcher.second;
      return std::none_of(events_.begin(), events_.end(), [&](const Event& event) {
        return event.collection == collection && event.version > handed_over;
      });
    });
  });
}

std::size_t InMemoryCluster::open_watches() const {
  const std::lock_guard lock(mutex_);
  return watchers_.size();
}

std::optional<Failure> InMemoryCluster::admit(const std::string& verb, const Resource& resource,
                                              const std::string& name) {
  const ClusterRequest request{verb, resource.plural, name};
  {
    const std::lock_guard lock(mutex_);
    log_.push_back(request);
  }
  return before ? before(request) : std::nullopt;
}

Result<Json> InMemoryCluster::get(const Resource& resource, const std::string& name, const CallContext&) {
  if (auto failure = admit("get", resource, name))
    return failed(*failure);
  if (auto object = find(resource, name))
    return *object;
  return failed(refusal(FailureKind::not_found, name, "not found"));
}

Result<Json> InMemoryCluster::create(const Resource& resource, const Json& object, const CallContext&) {
  const std::string name = name_of(object);
  if (auto failure = admit("create", resource, name))
    return failed(*failure);
  const std::lock_guard lock(mutex_);
  if (collections_[resource.path()].contains(name))
    return failed(refusal(FailureKind::already_exists, name, "already exists"));
  Json created = object;
  created["metadata"]["uid"] = "uid-" + std::to_string(++last_uid_);
  fill_defaults(resource, created);
  store(resource.path(), name, std::move(created), EventType::added);
  return collections_[resource.path()][name];
}

Result<Json> InMemoryCluster::update(const Resource& resource, const Json& object, const CallContext&) {
  const std::string name = name_of(object);
  if (auto failure = admit("update", resource, name))
    return failed(*failure);
  const std::lock_guard lock(mutex_);
  auto& collection = collections_[resource.path()];
  if (!collection.contains(name))
    return failed(refusal(FailureKind::not_found, name, "not found"));
  const Json& live = collection[name];
  if (live["metadata"]["resourceVersion"] != object.at("metadata").at("resourceVersion") ||
      live["metadata"]["uid"] != object.at("metadata").at("uid"))
    return failed(refusal(FailureKind::conflict, name, "the object has been modified"));
  Json updated = object;
  fill_defaults(resource, updated);
  store(resource.path(), name, std::move(updated), EventType::modified);
  return collection[name];
}

Result<void> InMemoryCluster::remove(const Resource& resource, const std::string& name,
                                     const kubernetes::DeleteOptions& options, const CallContext&) {
  if (auto failure = admit("delete", resource, name))
    return failed(*failure);
  const std::lock_guard lock(mutex_);
  auto& collection = collections_[resource.path()];
  if (!collection.contains(name))
    return failed(refusal(FailureKind::not_found, name, "not found"));
  Json live = collection[name];
  if ((!options.uid.empty() && live["metadata"]["uid"] != options.uid) ||
      (!options.resource_version.empty() && live["metadata"]["resourceVersion"] != options.resource_version))
    return failed(refusal(FailureKind::conflict, name, "the precondition does not hold"));
  if (has_finalizers(live)) {
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
    store(resource.path(), name, std::move(live), EventType::modified);
  } else {
    drop(resource.path(), name);
  }
  return {};
}

Result<std::string> InMemoryCluster::list(const Resource& resource, const kubernetes::ListOptions&,
                                          const kubernetes::ObjectReceiver& receive, const CallContext&) {
  if (auto failure = admit("list", resource, ""))
    return failed(*failure);
  std::vector<Json> objects;
  std::string version;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, object] : collections_[resource.path()])
      objects.push_back(object);
    version = std::to_string(version_);
  }
  for (auto& object : objects)
    receive(std::move(object));
  return version;
}

Result<std::string> InMemoryCluster::watch(const Resource& resource, const kubernetes::WatchOptions& options,
                                           const kubernetes::EventReceiver& receive, const CallContext& context) {
  if (auto failure = admit("watch", resource, ""))
    return failed(*failure);
  const auto wakes = context.cancel.on_cancel([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock lock(mutex_);
  const int id = ++last_watcher_;
  watchers_[id] = {resource.path(), std::stoull(options.resource_version)};
  changed_.notify_all();
  while (!context.cancel.cancelled()) {
    const auto next = std::find_if(events_.begin(), events_.end(), [&](const Event& event) {
      return event.collection == resource.path() && event.version > watchers_[id].second;
    });
    if (next == events_.end()) {
      changed_.wait(lock);
      continue;
    }
    Event event = *next;
    lock.unlock();
    receive(event.type, std::move(event.object));
    lock.lock();
    watchers_[id].second = event.version;
    changed_.notify_all();
  }
  const auto version = std::to_string(watchers_[id].second);
  watchers_.erase(id);
  return version;
}

} // namespace runtime_agent::test
