#pragma once

#include <any>
#include <functional>
#include <string>

#include "transport/call.hpp"

namespace runtime_agent::supervision {

/// Work that may keep a thread for as long as it likes: a watch.
struct LongJob {
  std::string name;
  CancelToken cancel;        ///< `run` returns soon after it is cancelled
  std::function<void()> run; ///< never throws
  /// What `run` calls for each event. Tests call it instead of running `run`.
  std::function<void(std::any event)> emit;
  /// What `run` calls at its end; null where the work returned. Tests: as `emit`.
  std::function<void(std::exception_ptr)> end;
};

/// Where blocking work runs. Tests give one that runs jobs in a seeded order, when told (tests/unit/support).
class IoExecutor {
public:
  virtual ~IoExecutor() = default;
  /// Runs `job` some time later on a thread of its own choosing. False: the queue is full or the executor has stopped,
  /// and the job will never run. `job` never throws.
  virtual bool submit(std::function<void()> job) = 0;
  /// Runs `job.run` on a thread that it may keep.
  virtual void start_long(LongJob job) = 0;
};

} // namespace runtime_agent::supervision
