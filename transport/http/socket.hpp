#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>

#include "transport/call.hpp"
#include "transport/failure.hpp"

namespace runtime_agent::http {

using Clock = std::chrono::steady_clock;

/// A file descriptor that is closed with its owner.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// How one call waits for descriptors: until they are ready, its deadline passes or its token is cancelled, whichever
/// is first. Lives as long as the call; belongs to its thread.
class Waiter {
public:
  explicit Waiter(const CallContext& context);

  /// Waits for `events` (as poll has them) of `fd`, at most until `limit`. Failure: cancelled, or timeout with
  /// `what_is_late` ("no connection") in its text.
  Result<void> wait(int fd, short events, Clock::time_point limit, std::string_view what_is_late) const;
  /// The same for any of several, at most until `pause`, which is no Failure. Leaves in `polled` what has happened.
  Result<void> wait_any(std::vector<pollfd>& polled, Clock::time_point pause, Clock::time_point limit,
                        std::string_view what_is_late) const;
  /// The same without a descriptor's event: is it over already?
  Result<void> check(Clock::time_point limit, std::string_view what_is_late) const;
  Clock::time_point deadline() const noexcept { return deadline_; }

private:
  Clock::time_point deadline_;
  CancelToken token_;
  Descriptor cancelled_;                 // an eventfd that the token makes readable
  CancelToken::Registration registered_; // after the descriptor: it ends first
};

/// Without Nagle's delay (keep-alive requests would wait for 40 ms), with TCP keep-alive and a user time-out, so that a
/// half-open connection ends within about a minute.
void configure_socket(int fd) noexcept;

/// The meaning of an errno value of connect, send or receive, as a Failure (network).
Failure network_failure(std::string_view action, int error_number);

} // namespace runtime_agent::http
