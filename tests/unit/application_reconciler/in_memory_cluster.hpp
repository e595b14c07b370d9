#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::tests {

using kubernetes::Json;

/// One request, as the hook and the log see it.
struct ClusterRequest {
  std::string verb;   ///< get create update delete list watch
  std::string plural; ///< "applications"
  std::string name;   ///< empty for list and watch
  std::string text() const { return verb + ' ' + plural + (name.empty() ? "" : '/' + name); }
};

/// One change of an object, by whomever.
struct ClusterChange {
  std::string plural;
  kubernetes::EventType type;
  Json object;
};

/// Objects with uids and versions, conflicts, preconditions and finalizers; scripted refusals. Watches are forbidden:
/// tests hand the changes over themselves.
/// There is no garbage collection of owned objects.
class InMemoryCluster : public kubernetes::Api {
public:
  /// Asked before each request of the agent: a Failure refuses it. May throw, and may change the cluster as people do.
  std::function<std::optional<Failure>(const ClusterRequest&)> before;
  /// What becomes of an object that the agent writes: a definition that prunes, a mutating webhook. May be empty.
  std::function<void(const std::string& plural, Json&)> mutate;

  // What people do: no hook, no log.
  Json put(const kubernetes::Resource& resource, Json object); ///< creates or replaces
  void patch(const kubernetes::Resource& resource, const std::string& name, const Json& merge_patch);
  void erase(const kubernetes::Resource& resource, const std::string& name); ///< also what has finalizers
  std::optional<Json> find(const kubernetes::Resource& resource, const std::string& name) const;
  std::vector<Json> all(const kubernetes::Resource& resource) const;

  /// The agent's requests since the last call, in order; watches and lists included.
  std::vector<std::string> take_log();
  /// Only those that change something.
  std::vector<std::string> take_writes();
  /// What a watch would have brought since the last call, oldest first.
  std::vector<ClusterChange> take_changes();

  Result<Json> get(const kubernetes::Resource&, const std::string& name, const CallContext&) override;
  Result<Json> create(const kubernetes::Resource&, const Json&, const CallContext&) override;
  Result<Json> update(const kubernetes::Resource&, const Json&, const CallContext&) override;
  Result<void> remove(const kubernetes::Resource&, const std::string& name, const kubernetes::DeleteOptions&,
                      const CallContext&) override;
  Result<std::string> list(const kubernetes::Resource&, const kubernetes::ListOptions&,
                           const kubernetes::ObjectReceiver&, const CallContext&) override;
  Result<std::string> watch(const kubernetes::Resource&, const kubernetes::WatchOptions&,
                            const kubernetes::EventReceiver&, const CallContext&) override;

private:
  std::optional<Failure> admit(const std::string& verb, const kubernetes::Resource&, const std::string& name);
  void store(const std::string& collection, const std::string& name, Json object, kubernetes::EventType type);
  void drop(const std::string& collection, const std::string& name);
  Failure refusal(FailureKind kind, const std::string& name, const std::string& what) const;

  std::map<std::string, std::map<std::string, Json>> collections_;
  std::vector<ClusterChange> changes_;
  std::vector<ClusterRequest> log_;
  std::uint64_t version_ = 0;
  std::uint64_t last_uid_ = 0;
};

} // namespace runtime_agent::tests
