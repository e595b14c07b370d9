#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "transport/kubernetes/api_client.hpp"

namespace runtime_agent::tests {

/// The Kubernetes API in memory, for tests of actors: resource versions, uids, conflicts, and failures on demand.
/// Thread-safe. Watches are not served: tests emit into an actor's watch themselves.
class FakeApi : public kubernetes::PatchingApi {
public:
  /// Nothing that tests look at is written so; refused.
  Result<kubernetes::Json> patch(const kubernetes::Resource&, const std::string&, const kubernetes::Json&,
                                 const CallContext&) override {
    return failed(Failure{.kind = FailureKind::forbidden, .where = "the fake API", .what = "no patches"});
  }
  Result<kubernetes::Json> dry_run_create(const kubernetes::Resource&, const kubernetes::Json&,
                                          const CallContext&) override {
    return failed(Failure{.kind = FailureKind::forbidden, .where = "the fake API", .what = "no dry runs"});
  }

  using Json = kubernetes::Json;
  struct Call {
    std::string verb; ///< "get" "create" "update" "delete" "list"
    std::string path; ///< of the object, or of the collection for "create" and "list"
  };

  /// Asked before each call; a Failure is returned instead of carrying it out. May change objects.
  std::function<std::optional<Failure>(const Call&)> refuse;
  /// Told after each call that was carried out; may throw, change objects, …
  std::function<void(const Call&)> carried_out;

  /// Puts an object there as another program would.
  Json put(const kubernetes::Resource& resource, Json object) {
    std::lock_guard lock(mutex_);
    const std::string path = resource.path(object["metadata"]["name"].get<std::string>());
    if (const auto found = objects_.find(path); found != objects_.end())
      object["metadata"]["uid"] = found->second["metadata"]["uid"];
    return store(path, std::move(object));
  }
  std::optional<Json> object(const kubernetes::Resource& resource, const std::string& name) {
    std::lock_guard lock(mutex_);
    const auto found = objects_.find(resource.path(name));
    return found == objects_.end() ? std::nullopt : std::optional(found->second);
  }
  void erase(const kubernetes::Resource& resource, const std::string& name) {
    std::lock_guard lock(mutex_);
    objects_.erase(resource.path(name));
  }
  std::vector<Call> calls() {
    std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t count(const std::string& verb) {
    std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(calls_.begin(), calls_.end(), [&](const Call& call) { return call.verb == verb; }));
  }
  void clear_calls() {
    std::lock_guard lock(mutex_);
    calls_.clear();
  }

  Result<Json> get(const kubernetes::Resource& resource, const std::string& name, const CallContext&) override {
    return carry_out<Json>({"get", resource.path(name)}, [&](const std::string& path) -> Result<Json> {
      const auto found = objects_.find(path);
      return found == objects_.end() ? failed(failure(FailureKind::not_found, path)) : Result<Json>(found->second);
    });
  }
  Result<Json> create(const kubernetes::Resource& resource, const Json& object, const CallContext&) override {
    return carry_out<Json>({"create", resource.path()}, [&](const std::string&) -> Result<Json> {
      const std::string path = resource.path(object["metadata"]["name"].get<std::string>());
      if (objects_.contains(path))
        return failed(failure(FailureKind::already_exists, path));
      Json created = object;
      created["metadata"].erase("uid");
      return store(path, std::move(created));
    });
  }
  Result<Json> update(const kubernetes::Resource& resource, const Json& object, const CallContext&) override {
    return carry_out<Json>({"update", resource.path(object["metadata"]["name"].get<std::string>())},
                           [&](const std::string& path) -> Result<Json> {
                             const auto found = objects_.find(path);
                             if (found == objects_.end())
                               return failed(failure(FailureKind::not_found, path));
                             const std::string version = object["metadata"].value("resourceVersion", "");
                             if (!version.empty() && version != found->second["metadata"]["resourceVersion"])
                               return failed(failure(FailureKind::conflict, path));
                             Json updated = object;
                             updated["metadata"]["uid"] = found->second["metadata"]["uid"];
                             updated["metadata"]["resourceVersion"] = found->second["metadata"]["resourceVersion"];
                             if (updated == found->second)
                               return found->second;
                             return store(path, std::move(updated));
                           });
  }
  Result<void> remove(const kubernetes::Resource& resource, const std::string& name,
                      const kubernetes::DeleteOptions& options, const CallContext&) override {
    return carry_out<void>({"delete", resource.path(name)}, [&](const std::string& path) -> Result<void> {
      const auto found = objects_.find(path);
      if (found == objects_.end())
        return failed(failure(FailureKind::not_found, path));
      const Json& metadata = found->second["metadata"];
      if ((!options.uid.empty() && options.uid != metadata["uid"]) ||
          (!options.resource_version.empty() && options.resource_version != metadata["resourceVersion"]))
        return failed(failure(FailureKind::conflict, path));
      objects_.erase(found);
      return {};
    });
  }
  /// Of field selectors it knows the one that takes Opaque Secrets out.
  Result<std::string> list(const kubernetes::Resource& resource, const kubernetes::ListOptions& options,
                           const kubernetes::ObjectReceiver& receive, const CallContext&) override {
    const bool not_opaque = options.field_selector == "type!=Opaque";
    return carry_out<std::string>({"list", resource.path()}, [&](const std::string& path) -> Result<std::string> {
      for (const auto& [key, object] : objects_)
        if (key.starts_with(path + "/") && !(not_opaque && object.value("type", "Opaque") == "Opaque"))
          receive(Json(object));
      return std::to_string(version_);
    });
  }
  Result<std::string> watch(const kubernetes::Resource& resource, const kubernetes::WatchOptions&,
                            const kubernetes::EventReceiver&, const CallContext&) override {
    return failed(failure(FailureKind::forbidden, resource.path()));
  }

  static Failure failure(FailureKind kind, const std::string& where) {
    Failure failure;
    failure.kind = kind;
    failure.where = where;
    failure.what = std::string(to_string(kind));
    return failure;
  }

private:
  template <class T>
  Result<T> carry_out(const Call& call, const std::function<Result<T>(const std::string& path)>& what) {
    std::unique_lock lock(mutex_);
    calls_.push_back(call);
    lock.unlock();
    if (refuse)
      if (auto refusal = refuse(call))
        return failed(std::move(*refusal));
    lock.lock();
    Result<T> result = what(call.path);
    lock.unlock();
    if (carried_out)
      carried_out(call);
    return result;
  }
  Json store(const std::string& path, Json object) {
    if (!object["metadata"].contains("uid"))
      object["metadata"]["uid"] = "uid-" + std::to_string(++uid_);
    object["metadata"]["resourceVersion"] = std::to_string(++version_);
    objects_[path] = object;
    return object;
  }

  std::mutex mutex_;
  std::map<std::string, Json> objects_;
  std::vector<Call> calls_;
  std::uint64_t version_ = 0;
  std::uint64_t uid_ = 0;
};

} // namespace runtime_agent::tests
