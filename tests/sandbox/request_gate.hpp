#pragma once

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <utility>

namespace runtime_agent::sandbox {

/// How far a request has come.
enum class Stage {
  arrived,     ///< nothing is done
  carried_out, ///< nothing of its answer has left
  answered,    ///< its answer has been written; of a watch: its head
};

/// Where a test stands at each request, on the thread of the request's connection. It may take its time; `false` ends
/// the connection by a reset (of `answered`, nothing). Thread-safe.
template <class Record>
class RequestGate {
public:
  using Guard = std::function<bool(const Record&, Stage)>;

  /// The one that stood there before is not called any more when this returns, so it must not be waiting for its
  /// caller.
  void set(Guard guard) {
    const std::unique_lock lock(mutex_);
    guard_ = std::move(guard);
  }
  bool passes(const Record& record, Stage stage) const {
    const std::shared_lock lock(mutex_);
    return !guard_ || guard_(record, stage);
  }

private:
  mutable std::shared_mutex mutex_;
  Guard guard_;
};

} // namespace runtime_agent::sandbox
