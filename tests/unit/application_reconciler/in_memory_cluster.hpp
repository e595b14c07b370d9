#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "transport/kubernetes/api.hpp"

namespace runtime_agent::test {

using kubernetes::Json;

/// One request, as the hook and the log see it.
struct ClusterRequest {
  std::string verb;   ///< get create update delete list watch
  std::string plural; ///< "applications"
  std::string name;   ///< empty for list and watch
  std::string text() const { return verb + ' ' + plural + (name.empty() ? "" : '/' + name); }
};

/// Objects with uids and versions, conflicts, preconditions, finalizers and watches; scripted refusals. Thread-safe.
/// There is no garbage collection of owned objects.
class InMemoryCluster : public kubernetes::Api {
public:
  /// Asked before each request of the agent: a Failure refuses it. May throw, and may change the cluster as people do.
  std::function<std::optional<Failure>(const ClusterRequest&)> before;

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
  /// Blocks until every watch that is open has handed over everything. With no watch open: at once.
  void settle_watches();
  std::size_t open_watches() const;

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
  struct Event {
    std::uint64_t version;
    std::string collection;
    kubernetes::EventType type;
    Json object;
  };
  std::optional<Failure> admit(const std::string& verb, const kubernetes::Resource&, const std::string& name);
  void store(const std::string& collection, const std::string& name, Json object, kubernetes::EventType type);
  void drop(const std::string& collection, const std::string& name);
  Failure refusal(FailureKind kind, const std::string& name, const std::string& what) const;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::map<std::string, Json>> collections_;
  std::vector<Event> events_;
  std::vector<ClusterRequest> log_;
  std::map<int, std::pair<std::string, std::uint64_t>> watchers_; // collection, version handed over
  int last_watcher_ = 0;
  std::uint64_t version_ = 0;
  std::uint64_t last_uid_ = 0;
};

} // namespace runtime_agent::test
