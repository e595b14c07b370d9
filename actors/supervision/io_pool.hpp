#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/supervision/io_executor.hpp"

namespace runtime_agent::supervision {

/// Threads behind one bounded queue, each begun when all that there are have work, and a thread of its own for each
/// long job. Outlives every actor that uses it, but is stopped before the actor system ends. Thread-safe.
class IoPool final : public IoExecutor {
public:
  /// At most so many `threads`. `queue_limit`: jobs that may wait, besides those that run.
  IoPool(std::size_t threads, std::size_t queue_limit);
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;
  /// Stops, and then waits for every thread for as long as it takes.
  ~IoPool() override;

  bool submit(std::function<void()> job) override;
  void start_long(LongJob job) override;

  /// Takes no further jobs, forgets those that wait, cancels long jobs and waits for what runs, at most `limit`.
  /// Returns whether all threads are idle. May be called again.
  bool stop(std::chrono::milliseconds limit);

  /// Jobs that wait at the moment.
  std::size_t queued() const;

private:
  struct LongThread {
    std::thread thread;
    CancelToken cancel;
    std::shared_ptr<bool> finished; ///< guarded by `mutex_`
  };
  void work();
  bool begin_thread();
  void join_finished_long_threads();

  const std::size_t most_threads_;
  const std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable work_came_;
  std::condition_variable work_ended_;
  std::deque<std::function<void()>> queue_;
  std::size_t running_ = 0;
  std::size_t long_running_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
  std::vector<LongThread> long_threads_;
};

} // namespace runtime_agent::supervision
