#include "tests/unit/application_reconciler/in_memory_cluster.hpp"

#include <algorithm>
#include <utility>

namespace runtime_agent::tests {

using kubernetes::EventType;
using kubernetes::Resource;

namespace {

std::string name_of(const Json& object) {
  return object.at("metadata").at("name").get<std::string>();
}

bool has_finalizers(const Json& object) {
  return object.at("metadata").contains("finalizers") && !object.at("metadata").at("finalizers").empty();
}

std::string plural_of(const std::string& collection) {
  return collection.substr(collection.rfind('/') + 1);
}

// The only field selectors that the agent uses of what this cluster holds.
bool selects(const std::string& selector, const Json& object) {
  const bool opaque = object.value("type", "Opaque") == "Opaque";
  return selector == "type=Opaque" ? opaque : selector == "type!=Opaque" ? !opaque : true;
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
  changes_.push_back({plural_of(collection), type, object});
  collections_[collection][name] = std::move(object);
}

void InMemoryCluster::drop(const std::string& collection, const std::string& name) {
  Json object = collections_[collection].at(name);
  collections_[collection].erase(name);
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  changes_.push_back({plural_of(collection), EventType::deleted, std::move(object)});
}

Json InMemoryCluster::put(const Resource& resource, Json object) {
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
  Json object = collections_[resource.path()].at(name);
  object.merge_patch(merge_patch);
  if (object["metadata"].contains("deletionTimestamp") && !has_finalizers(object))
    drop(resource.path(), name);
  else
    store(resource.path(), name, std::move(object), EventType::modified);
}

void InMemoryCluster::erase(const Resource& resource, const std::string& name) {
  drop(resource.path(), name);
}

std::optional<Json> InMemoryCluster::find(const Resource& resource, const std::string& name) const {
  const auto collection = collections_.find(resource.path());
  if (collection == collections_.end() || !collection->second.contains(name))
    return std::nullopt;
  return collection->second.at(name);
}

std::vector<Json> InMemoryCluster::all(const Resource& resource) const {
  std::vector<Json> objects;
  if (const auto collection = collections_.find(resource.path()); collection != collections_.end())
    for (const auto& [name, object] : collection->second)
      objects.push_back(object);
  return objects;
}

std::vector<std::string> InMemoryCluster::take_log() {
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

std::vector<ClusterChange> InMemoryCluster::take_changes() {
  return std::exchange(changes_, {});
}

std::optional<Failure> InMemoryCluster::admit(const std::string& verb, const Resource& resource,
                                              const std::string& name) {
  const ClusterRequest request{verb, resource.plural, name};
  log_.push_back(request);
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
  if (collections_[resource.path()].contains(name))
    return failed(refusal(FailureKind::already_exists, name, "already exists"));
  Json created = object;
  created["metadata"]["uid"] = "uid-" + std::to_string(++last_uid_);
  fill_defaults(resource, created);
  if (mutate)
    mutate(resource.plural, created);
  store(resource.path(), name, std::move(created), EventType::added);
  return collections_[resource.path()][name];
}

Result<Json> InMemoryCluster::update(const Resource& resource, const Json& object, const CallContext&) {
  const std::string name = name_of(object);
  if (auto failure = admit("update", resource, name))
    return failed(*failure);
  auto& collection = collections_[resource.path()];
  if (!collection.contains(name))
    return failed(refusal(FailureKind::not_found, name, "not found"));
  const Json& live = collection[name];
  if (live["metadata"]["resourceVersion"] != object.at("metadata").at("resourceVersion") ||
      live["metadata"]["uid"] != object.at("metadata").at("uid"))
    return failed(refusal(FailureKind::conflict, name, "the object has been modified"));
  Json updated = object;
  fill_defaults(resource, updated);
  if (mutate)
    mutate(resource.plural, updated);
  store(resource.path(), name, std::move(updated), EventType::modified);
  return collection[name];
}

Result<void> InMemoryCluster::remove(const Resource& resource, const std::string& name,
                                     const kubernetes::DeleteOptions& options, const CallContext&) {
  if (auto failure = admit("delete", resource, name))
    return failed(*failure);
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

Result<std::string> InMemoryCluster::list(const Resource& resource, const kubernetes::ListOptions& options,
                                          const kubernetes::ObjectReceiver& receive, const CallContext&) {
  if (auto failure = admit("list", resource, ""))
    return failed(*failure);
  for (auto& object : all(resource))
    if (selects(options.field_selector, object))
      receive(std::move(object));
  return std::to_string(version_);
}

Result<std::string> InMemoryCluster::watch(const Resource& resource, const kubernetes::WatchOptions&,
                                           const kubernetes::EventReceiver&, const CallContext&) {
  return failed(refusal(FailureKind::forbidden, resource.path(), "watching is forbidden"));
}

} // namespace runtime_agent::tests
