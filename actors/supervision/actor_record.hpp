#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "messages/status.hpp"
#include "transport/trace_context.hpp"

namespace runtime_agent::supervision {

/// What is known of an actor from outside, over all its restarts: written by the actor and its Slot, read by the
/// diagnostics. Thread-safe.
class ActorRecord {
public:
  struct Exception {
    std::string text;
    WallTime time;
  };

  void handled() noexcept { handled_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t messages() const noexcept { return handled_.load(std::memory_order_relaxed); }

  /// Messages in the present actor's mailbox.
  void queued(std::int64_t change) noexcept { depth_.fetch_add(change, std::memory_order_relaxed); }
  void mailbox_is_new() noexcept { depth_.store(0, std::memory_order_relaxed); }
  std::int64_t depth() const noexcept { return depth_.load(std::memory_order_relaxed); }

  void threw(std::string text, WallTime time) {
    std::lock_guard lock(mutex_);
    last_exception_ = Exception{std::move(text), time};
  }
  /// The span in which the actor has died; taken once.
  void died_in(const TraceContext& trace) {
    std::lock_guard lock(mutex_);
    died_in_ = trace;
  }
  TraceContext take_died_in() {
    std::lock_guard lock(mutex_);
    return std::exchange(died_in_, {});
  }
  std::optional<Exception> last_exception() const {
    std::lock_guard lock(mutex_);
    return last_exception_;
  }

private:
  std::atomic<std::uint64_t> handled_{0};
  std::atomic<std::int64_t> depth_{0};
  mutable std::mutex mutex_;
  std::optional<Exception> last_exception_;
  TraceContext died_in_;
};

} // namespace runtime_agent::supervision
