#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/access.hpp"
#include "tests/sandbox/kubernetes/api_request.hpp"
#include "tests/sandbox/kubernetes/object_rules.hpp"
#include "tests/sandbox/kubernetes/request_log.hpp"
#include "tests/sandbox/kubernetes/selectors.hpp"
#include "tests/sandbox/kubernetes/store.hpp"

namespace runtime_agent::sandbox::kube {

/// The events of one watch, as JSON lines. Used by one thread; `close` by any.
class WatchStream {
public:
  virtual ~WatchStream() = default;
  /// The next lines, after at most `patience`: empty where there was nothing, nothing where the watch is over.
  virtual std::optional<std::string> next(std::chrono::milliseconds patience) = 0;
};

struct Reply {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::string> warnings;
  std::optional<std::string> retry_after;
  std::shared_ptr<WatchStream> stream; ///< instead of a body
};

/// The API without its wire: what a request that is already authenticated does and answers. Thread-safe.
class ApiService {
public:
  ApiService(Store& store, Access& access, RequestLog& log, bool metrics_api);

  Reply handle(const ApiRequest& request);

  /// Ends all watches; later ones are not concerned.
  void close_watches();
  /// A deletion like any request's, finalizers included. False where it is not there.
  bool remove_object(const std::string& plural, const std::string& namespace_, const std::string& name);
  /// Writes the object as it is, whatever was there, filling in what the server sets. Without validation.
  Json put_object(Json object);
  std::optional<ResourceType> type_by_plural(const std::string& plural) const;
  void set_metrics_api(bool on) { metrics_api_ = on; }

private:
  friend class ObjectWatch;
  Answer<Reply> route(const ApiRequest& request);
  Answer<Reply> route_resource(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> get(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> list(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> watch(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> create(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> update(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> patch(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> remove(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> remove_collection(const ApiRequest& request, const ResourceType& type);
  Answer<Reply> review_access(const ApiRequest& request, const ResourceType& type);

  /// Replaces `current` by `next`; nothing where somebody else was faster.
  Answer<std::optional<Json>> replace(const ResourceType& type, const Object& current, Json next);
  Answer<Json> insert(const ResourceType& type, Json object, bool dry_run = false);
  /// The object while it has finalizers, nothing once it is gone. `counted`: as a write of a request.
  std::optional<Json> erase(const ResourceType& type, Object current, bool counted = true);
  /// What the server does on its own account: CRDs define types, a Namespace takes its content along.
  void after_write(const ResourceType& type, const Json& object, bool deleted);

  std::optional<ResourceType> find_type(const std::string& group, const std::string& version,
                                        const std::string& plural) const;
  std::vector<ResourceType> types() const;
  Reply reply_with(const ApiRequest& request, const ResourceType& type, const Json& object, int status = 200) const;

  Store& store_;
  Access& access_;
  RequestLog& log_;
  std::atomic<bool> metrics_api_;
  std::atomic<std::uint64_t> watch_generation_{0};
  mutable std::mutex mutex_;
  std::vector<ResourceType> types_;
};

bool wants_table(const ApiRequest& request);
/// meta.k8s.io/v1 PartialObjectMetadata, for lists and watches.
bool wants_metadata(const ApiRequest& request);
Answer<Selection> selection_of(const ApiRequest& request, const ResourceType& type);
/// The version that a query parameter names; nothing where it is absent.
Answer<std::optional<std::uint64_t>> version_of(const ApiRequest& request);

} // namespace runtime_agent::sandbox::kube
