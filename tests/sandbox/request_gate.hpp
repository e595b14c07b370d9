#pragma once

#include <functional>
#include <memory>
#include <mutex>
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

  void set(Guard guard) {
    const std::lock_guard lock(mutex_);
    guard_ = guard ? std::make_shared<const Guard>(std::move(guard)) : nullptr;
  }
  bool passes(const Record& record, Stage stage) const {
    std::shared_ptr<const Guard> guard;
    {
      const std::lock_guard lock(mutex_);
      guard = guard_;
    }
    return !guard || (*guard)(record, stage);
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Guard> guard_;
};

} // namespace runtime_agent::sandbox
