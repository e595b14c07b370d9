#include "transport/http/socket.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace runtime_agent::http {
namespace {

std::string error_text(int number) {
  return std::generic_category().message(number);
}

void signal(int event_fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_fd, &one, sizeof one);
}

} // namespace

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

Waiter::Waiter(const CallContext& context)
    : deadline_(context.deadline), token_(context.cancel), cancelled_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      registered_(token_.on_cancel([fd = cancelled_.get()] { signal(fd); })) {}

Result<void> Waiter::check(Clock::time_point limit, std::string_view what_is_late) const {
  if (token_.cancelled())
    return failed({.kind = FailureKind::cancelled, .what = "cancelled"});
  const auto now = Clock::now();
  if (now >= deadline_)
    return failed({.kind = FailureKind::timeout, .what = fmt::format("{} before the deadline", what_is_late)});
  if (now >= limit)
    return failed({.kind = FailureKind::timeout, .what = fmt::format("{} in time", what_is_late)});
  return {};
}

Result<void> Waiter::wait(int fd, short events, Clock::time_point limit, std::string_view what_is_late) const {
  std::vector<pollfd> one{{fd, events, 0}};
  return wait_any(one, Clock::time_point::max(), limit, what_is_late);
}

Result<void> Waiter::wait_any(std::vector<pollfd>& polled, Clock::time_point pause, Clock::time_point limit,
                              std::string_view what_is_late) const {
  if (!cancelled_)
    return failed({.kind = FailureKind::internal, .what = "no file descriptor is left"});
  const auto until = std::min({pause, limit, deadline_});
  polled.push_back({cancelled_.get(), POLLIN, 0});
  Result<void> result;
  for (bool waiting = true; waiting && result;) {
    if (result = check(limit, what_is_late); !result)
      break;
    timespec rest{};
    if (until != Clock::time_point::max()) {
      const auto left = std::max(until - Clock::now(), Clock::duration::zero());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      rest = {static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
    }
    const int ready =
        ::ppoll(polled.data(), polled.size(), until == Clock::time_point::max() ? nullptr : &rest, nullptr);
    if (ready < 0 && errno != EINTR)
      result = failed(network_failure("poll", errno));
    waiting = ready <= 0 ? Clock::now() < pause : polled.back().revents != 0;
  }
  polled.pop_back();
  return result;
}

void configure_socket(int fd) noexcept {
  const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);         // seconds
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);        // seconds
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);           // probes
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 60'000); // milliseconds that sent data may stay unacknowledged
}

Failure network_failure(std::string_view action, int error_number) {
  return {.kind = FailureKind::network, .what = fmt::format("{}: {}", action, error_text(error_number))};
}

} // namespace runtime_agent::http
