#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "transport/call.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::kubernetes {

/// Keeps the order of fields and unknown ones, so that read-modify-write loses nothing.
using Json = nlohmann::ordered_json;

/// A collection of the API: "" / "v1" / "secrets" in a namespace, or a cluster-scoped one (namespace_ empty).
struct Resource {
  std::string group; ///< empty for the core group
  std::string version = "v1";
  std::string plural;
  std::string namespace_;    ///< empty: cluster-scoped (or, for list and watch, all namespaces)
  std::string kind;          ///< for the bodies we write and for messages
  std::string subresource{}; ///< "status"; empty: the object itself

  /// "/api/v1/namespaces/x/secrets"
  std::string path() const;
  /// Percent-encodes the name: whatever it holds, it stays one path segment.
  std::string path(std::string_view name) const;
  bool operator==(const Resource&) const = default;
};

Resource secrets(std::string namespace_);
Resource config_maps(std::string namespace_);
Resource applications();
Resource compass_connections();

struct DeleteOptions {
  std::string uid;              ///< precondition; empty: none
  std::string resource_version; ///< precondition; empty: none
};

struct ListOptions {
  std::size_t limit = 500; ///< a page; 0: all at once
  std::string label_selector;
  std::string field_selector;
  /// Only `metadata` of each object: of a Secret, what it holds never crosses the wire.
  bool metadata_only = false;
  /// `continue` has expired: the list starts over, and what was received so far may be gone. May be empty.
  std::function<void()> on_restart{};
};

/// One object of a list or watch. A watch error arrives as a Failure of the whole call, not as an event.
enum class EventType { added, modified, deleted, bookmark };

/// What tells one version of an object from all others.
struct ObjectHead {
  std::string name;
  std::string uid;
  std::string resource_version;
};

struct WatchOptions {
  std::string resource_version;
  std::chrono::seconds timeout{300};
  std::chrono::seconds idle_limit{360}; ///< no byte for so long: the connection is taken for dead
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;
  /// Asked before an event's object is read in full. True: its receiver has all that it wants of it, and the event goes
  /// no further. May be empty.
  std::function<bool(EventType, const ObjectHead&)> known{};
};

class JsonView;
using ObjectLook = std::function<void(const JsonView&)>;
using ObjectReceiver = std::function<void(Json&&)>;
using EventReceiver = std::function<void(EventType, Json&&)>;

/// Requests of the Kubernetes API, as JSON objects. Blocking and thread-safe. Failures name the object and carry the
/// Status's message; 429 and 503 with Retry-After are retried within the context's deadline (architecture §6).
/// Resource versions are opaque.
class Api {
public:
  virtual ~Api() = default;

  virtual Result<Json> get(const Resource& resource, const std::string& name, const CallContext& context) = 0;
  /// A POST that may have been carried out ends, after its retry, in already_exists: look at what is there.
  virtual Result<Json> create(const Resource& resource, const Json& object, const CallContext& context) = 0;
  /// The same of an object that is JSON text already, for whoever writes thousands: `look` is shown the answer while it
  /// is there. Each of the two is one pass over a text instead of a tree. `name`: the text's own.
  virtual Result<void> create_from_text(const Resource& resource, const std::string& name, std::string text,
                                        const ObjectLook& look, const CallContext& context);
  /// PUT of the object at its own metadata.name; with metadata.resourceVersion a stale one is a `conflict`.
  virtual Result<Json> update(const Resource& resource, const Json& object, const CallContext& context) = 0;
  /// not_found is a Failure here; callers that want it gone treat it as success.
  virtual Result<void> remove(const Resource& resource, const std::string& name, const DeleteOptions& options,
                              const CallContext& context) = 0;
  /// All pages (`continue` followed; an expired one starts over with a full list, and `receive` may then see an object
  /// twice). Returns the list's resource version.
  virtual Result<std::string> list(const Resource& resource, const ListOptions& options, const ObjectReceiver& receive,
                                   const CallContext& context) = 0;
  /// Until the server ends the watch (success: the last version seen), or a Failure: `gone` means list again.
  virtual Result<std::string> watch(const Resource& resource, const WatchOptions& options, const EventReceiver& receive,
                                    const CallContext& context) = 0;
};

/// Reads, lets `change` edit the object, and writes it back; a conflict reads again, at most five times. `change`
/// returns false where nothing needs writing; the object as it was read is then the result.
Result<Json> read_modify_write(Api& api, const Resource& resource, const std::string& name,
                               const std::function<bool(Json&)>& change, const CallContext& context);

} // namespace runtime_agent::kubernetes
