#pragma once

#include <functional>
#include <string>

#include "transport/call.hpp"

namespace runtime_agent::supervision {

/// Where blocking work runs. Tests give one that runs jobs in a seeded order, when told.
class IoExecutor {
public:
  virtual ~IoExecutor() = default;
  /// Runs `job` some time later on a thread of its own choosing. False: the queue is full, the job will never run.
  virtual bool submit(std::function<void()> job) = 0;
  /// Runs `job` on a thread that it may keep for as long as it likes (watches).
  virtual void start_long(const std::string& name, std::function<void()> job) = 0;
};

} // namespace runtime_agent::supervision
