#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/kubernetes/refusal.hpp"

namespace runtime_agent::sandbox::kube {

/// An object as it was at one version. Kept as text: ten thousand parsed ones would take ten times the memory.
struct Stored {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::uint64_t version = 0;
  std::map<std::string, std::string> labels;
  std::string body; ///< JSON
};
using Object = std::shared_ptr<const Stored>;

/// One write. `before` is empty for a creation; for a deletion `after` is the last state with the deletion's version.
struct Change {
  std::uint64_t version = 0;
  Object before;
  Object after;
  bool deleted = false;
};

/// Every object of every resource, with one version counter for all and the recent changes of each collection, as etcd
/// has them. A collection is named by its qualified plural. Thread-safe.
class Store {
public:
  /// `history`: changes kept for each collection; older versions are expired.
  explicit Store(std::size_t history);

  std::uint64_t version() const;
  Object get(const std::string& collection, const std::string& namespace_, const std::string& name) const;

  struct Snapshot {
    std::uint64_t version = 0;
    std::vector<Object> objects; ///< by namespace, then name
  };
  /// `namespace_` empty: all of them.
  Snapshot list(const std::string& collection, const std::string& namespace_) const;
  /// As it was at `version`; nothing where that is expired.
  std::optional<Snapshot> list_at(const std::string& collection, const std::string& namespace_,
                                  std::uint64_t version) const;

  /// Writes `object` if what is there is still `expected` (empty: nothing). Sets metadata.resourceVersion. Empty: it is
  /// not.
  Object put(const std::string& collection, const Object& expected, Json object);
  /// Removes it if what is there is still `expected`.
  bool erase(const std::string& collection, const Object& expected);

  /// What happened after `since`, waiting for it until `deadline` or `interrupt`; nothing where that is expired. Moves
  /// `since` on.
  std::optional<std::vector<Change>> changes(const std::string& collection, std::uint64_t& since,
                                             std::chrono::steady_clock::time_point deadline) const;
  /// Wakes everybody who waits for changes.
  void interrupt() const;
  /// Forgets all changes: versions before the present one are expired.
  void expire_versions();
  /// Forgets a collection and its changes; watches of it see it as expired.
  void drop(const std::string& collection);

private:
  using Key = std::pair<std::string, std::string>;
  struct Collection {
    std::map<Key, Object> objects;
    std::deque<Change> changes;
    std::uint64_t floor = 0; ///< versions below it are expired
  };
  void record(Collection& collection, Change change);

  const std::size_t history_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::uint64_t interrupts_ = 0;
  std::uint64_t version_ = 100;
  std::uint64_t expired_below_ = 0;
  std::map<std::string, Collection> collections_;
};

} // namespace runtime_agent::sandbox::kube
