#include "transport/call.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace runtime_agent {

struct CancelToken::Registration::Entry {
  std::shared_ptr<State> state;
  std::function<void()> callback;
  std::mutex running; // held while the callback runs, so that the destructor can wait for it
};

struct CancelToken::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool cancelled = false;
  std::vector<std::shared_ptr<Registration::Entry>> entries;
};

CancelToken::CancelToken() : state_(std::make_shared<State>()) {}

void CancelToken::cancel() const {
  std::vector<std::shared_ptr<Registration::Entry>> entries;
  {
    std::lock_guard lock(state_->mutex);
    if (state_->cancelled)
      return;
    state_->cancelled = true;
    entries.swap(state_->entries);
  }
  state_->changed.notify_all();
  for (const auto& entry : entries) {
    std::lock_guard running(entry->running);
    if (entry->callback)
      entry->callback();
  }
}

bool CancelToken::cancelled() const noexcept {
  std::lock_guard lock(state_->mutex);
  return state_->cancelled;
}

bool CancelToken::wait_for(std::chrono::steady_clock::duration duration) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, duration, [&] { return state_->cancelled; });
}

CancelToken::Registration CancelToken::on_cancel(std::function<void()> callback) const {
  Registration registration;
  registration.entry_ = std::make_shared<Registration::Entry>();
  registration.entry_->state = state_;
  registration.entry_->callback = std::move(callback);
  bool run_now = false;
  {
    std::lock_guard lock(state_->mutex);
    run_now = state_->cancelled;
    if (!run_now)
      state_->entries.push_back(registration.entry_);
  }
  if (run_now)
    registration.entry_->callback();
  return registration;
}

CancelToken::Registration::Registration(Registration&&) noexcept = default;

CancelToken::Registration& CancelToken::Registration::operator=(Registration&& other) noexcept {
  if (this != &other) {
    release();
    entry_ = std::move(other.entry_);
  }
  return *this;
}

CancelToken::Registration::~Registration() {
  release();
}

void CancelToken::Registration::release() noexcept {
  if (!entry_)
    return;
  {
    std::lock_guard lock(entry_->state->mutex);
    std::erase(entry_->state->entries, entry_);
  }
  // Taken out first: the lock below is inside the entry and must end before it.
  const auto entry = std::move(entry_);
  std::lock_guard running(entry->running);
  entry->callback = nullptr;
}

} // namespace runtime_agent
