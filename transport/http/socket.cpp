#include "transport/http/socket.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "transport/http/url.hpp"

namespace runtime_agent::http {
namespace {

std::string error_text(int number) {
  return std::generic_category().message(number);
}

void signal(int event_fd) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event_fd, &one, sizeof one);
}

/// What a resolver thread leaves for whoever still waits for it.
struct Resolution {
  Descriptor done{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  int error = 0;
  std::vector<std::pair<sockaddr_storage, socklen_t>> addresses;
};

// A name server that does not answer holds a thread for half a minute: no more than so many at once.
constexpr int most_resolver_threads = 16;
std::atomic<int> resolver_threads{0};

void resolve(const std::string& host, std::uint16_t port, bool numeric, Resolution& result) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = numeric ? AI_NUMERICHOST : AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  std::lock_guard lock(result.mutex);
  result.error = error;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    auto& [address, length] = result.addresses.emplace_back();
    length = entry->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), length, reinterpret_cast<char*>(&address));
  }
  if (list != nullptr)
    ::freeaddrinfo(list);
}

Result<std::shared_ptr<Resolution>> resolve(const std::string& host, std::uint16_t port, const Waiter& waiter,
                                            Clock::time_point limit) {
  auto resolution = std::make_shared<Resolution>();
  if (is_ip_address(host)) {
    resolve(host, port, true, *resolution);
  } else {
    if (resolver_threads.fetch_add(1) >= most_resolver_threads) {
      resolver_threads.fetch_sub(1);
      return failed({.kind = FailureKind::network, .what = "the name server does not answer"});
    }
    try {
      std::thread([resolution, host, port] {
        resolve(host, port, false, *resolution);
        signal(resolution->done.get());
        resolver_threads.fetch_sub(1);
      }).detach();
    } catch (const std::system_error& error) {
      resolver_threads.fetch_sub(1);
      return failed(
          {.kind = FailureKind::internal, .what = fmt::format("no thread to resolve names: {}", error.what())});
    }
    if (auto done = waiter.wait(resolution->done.get(), POLLIN, limit, "no answer from the name server"); !done)
      return tl::unexpected(done.error());
  }
  std::lock_guard lock(resolution->mutex);
  if (resolution->error != 0 || resolution->addresses.empty())
    return failed({.kind = FailureKind::network,
                   .what = fmt::format("the name {} has no address: {}", host, ::gai_strerror(resolution->error))});
  return resolution;
}

Result<Descriptor> connect_address(const sockaddr_storage& address, socklen_t length, const Waiter& waiter,
                                   Clock::time_point limit) {
  Descriptor fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!fd)
    return failed(network_failure("no socket", errno));
  configure_socket(fd.get());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0)
    return fd;
  if (errno != EINPROGRESS)
    return failed(network_failure("no connection", errno));
  if (auto ready = waiter.wait(fd.get(), POLLOUT, limit, "no connection"); !ready)
    return tl::unexpected(ready.error());
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0)
    return failed(network_failure("no connection", error));
  return fd;
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
  if (!cancelled_)
    return failed({.kind = FailureKind::internal, .what = "no file descriptor is left"});
  const auto until = std::min(limit, deadline_);
  for (;;) {
    if (auto open = check(limit, what_is_late); !open)
      return open;
    pollfd polled[2] = {{fd, events, 0}, {cancelled_.get(), POLLIN, 0}};
    timespec rest{};
    if (until != Clock::time_point::max()) {
      const auto left = std::max(until - Clock::now(), Clock::duration::zero());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      rest = {static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
    }
    const int ready = ::ppoll(polled, 2, until == Clock::time_point::max() ? nullptr : &rest, nullptr);
    if (ready > 0 && polled[1].revents == 0 && polled[0].revents != 0)
      return {};
    if (ready < 0 && errno != EINTR)
      return failed(network_failure("poll", errno));
  }
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

Result<Descriptor> connect_to(const std::string& host, std::uint16_t port, const Waiter& waiter,
                              Clock::time_point limit) {
  auto resolution = resolve(host, port, waiter, limit);
  if (!resolution)
    return tl::unexpected(resolution.error());
  const auto& addresses = (*resolution)->addresses;
  Result<Descriptor> connected = failed({});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // The time that is left is shared among the addresses that are left: one that is silent must not use it all.
    const auto left = std::min(limit, waiter.deadline()) - Clock::now();
    const auto share = static_cast<Clock::duration::rep>(addresses.size() - i);
    const auto until = i + 1 == addresses.size() ? limit : std::min(limit, Clock::now() + left / share);
    connected = connect_address(addresses[i].first, addresses[i].second, waiter, until);
    if (connected || connected.error().kind == FailureKind::cancelled)
      break;
  }
  return connected;
}

} // namespace runtime_agent::http
