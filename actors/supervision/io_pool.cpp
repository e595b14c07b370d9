#include "actors/supervision/io_pool.hpp"

#include <system_error>
#include <utility>

namespace runtime_agent::supervision {

IoPool::IoPool(std::size_t threads, std::size_t queue_limit) : most_threads_(threads), queue_limit_(queue_limit) {}

IoPool::~IoPool() {
  stop(std::chrono::milliseconds(0));
  for (std::thread& thread : threads_)
    thread.join();
  for (LongThread& entry : long_threads_)
    entry.thread.join();
}

bool IoPool::submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= queue_limit_)
      return false;
    const bool all_have_work = running_ + queue_.size() >= threads_.size();
    if (all_have_work && threads_.size() < most_threads_ && !begin_thread() && threads_.empty())
      return false;
    queue_.push_back(std::move(job));
  }
  work_came_.notify_one();
  return true;
}

bool IoPool::begin_thread() {
  try {
    threads_.emplace_back([this] { work(); });
    return true;
  } catch (const std::system_error&) { // the process may have no more of them: those that there are go on
    return false;
  }
}

void IoPool::start_long(LongJob job) {
  join_finished_long_threads();
  std::lock_guard lock(mutex_);
  if (stopped_) {
    job.cancel.cancel();
    return;
  }
  ++long_running_;
  auto finished = std::make_shared<bool>(false);
  LongThread entry{{}, job.cancel, finished};
  entry.thread = std::thread([this, finished, run = std::move(job.run)]() mutable {
    run();
    run = nullptr; // what it captured goes before the thread counts as ended
    std::lock_guard end(mutex_);
    *finished = true;
    --long_running_;
    work_ended_.notify_all();
  });
  long_threads_.push_back(std::move(entry));
}

bool IoPool::stop(std::chrono::milliseconds limit) {
  std::deque<std::function<void()>> forgotten;
  std::vector<CancelToken> tokens;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    forgotten.swap(queue_);
    for (const LongThread& entry : long_threads_)
      tokens.push_back(entry.cancel);
  }
  work_came_.notify_all();
  for (const CancelToken& token : tokens)
    token.cancel();
  std::unique_lock lock(mutex_);
  return work_ended_.wait_for(lock, limit, [this] { return running_ == 0 && long_running_ == 0; });
}

std::size_t IoPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

void IoPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_came_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
    if (stopped_)
      return;
    auto job = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --running_;
    work_ended_.notify_all();
  }
}

void IoPool::join_finished_long_threads() {
  std::vector<std::thread> ended;
  {
    std::lock_guard lock(mutex_);
    for (auto entry = long_threads_.begin(); entry != long_threads_.end();) {
      if (*entry->finished) {
        ended.push_back(std::move(entry->thread));
        entry = long_threads_.erase(entry);
      } else {
        ++entry;
      }
    }
  }
  for (std::thread& thread : ended)
    thread.join();
}

} // namespace runtime_agent::supervision
