#include "transport/http/connecting.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "transport/http/url.hpp"

namespace runtime_agent::http {
namespace {

/// What a resolver thread leaves for whoever still waits for it.
struct Resolution {
  Descriptor done{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  int error = 0;
  std::vector<Address> addresses;
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
    auto& address = result.addresses.emplace_back();
    address.length = entry->ai_addrlen;
    std::memcpy(&address.bytes, entry->ai_addr, entry->ai_addrlen);
  }
  if (list != nullptr)
    ::freeaddrinfo(list);
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port, const Waiter& waiter,
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
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(resolution->done.get(), &one, sizeof one);
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
  return resolution->addresses;
}

/// The attempts that go on side by side.
class Race {
public:
  Race(const std::vector<Address>& addresses, RememberedAddress& remembered)
      : addresses_(addresses), remembered_(remembered) {}

  Result<Descriptor> run(const Waiter& waiter, Clock::time_point limit) {
    for (;;) {
      while (!winner_ && next_ < addresses_.size() && (attempts_.empty() || Clock::now() >= next_begins_))
        begin(addresses_[next_++]);
      if (winner_)
        return std::move(winner_);
      if (attempts_.empty())
        return failed(failure_);
      const auto pause = next_ < addresses_.size() ? next_begins_ : Clock::time_point::max();
      if (auto open = waiter.wait_any(polled(), pause, limit, "no connection"); !open)
        return tl::unexpected(open.error());
      for (std::size_t i = attempts_.size(); i-- > 0;)
        if (polled_[i].revents != 0)
          end(i);
    }
  }

private:
  struct Attempt {
    Descriptor fd;
    const Address* address;
  };

  void begin(const Address& address) {
    next_begins_ = Clock::now() + attempt_delay;
    Descriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!fd)
      return lose("no socket", errno);
    configure_socket(fd.get());
    const int result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.length);
    if (result != 0 && errno != EINPROGRESS)
      return lose("no connection", errno);
    attempts_.push_back({std::move(fd), &address});
    if (result == 0)
      win(attempts_.back());
  }

  void end(std::size_t index) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(attempts_[index].fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0)
      return win(attempts_[index]);
    attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(index));
    lose("no connection", error);
  }

  void win(Attempt& attempt) {
    if (winner_)
      return;
    remembered_.answered(*attempt.address, Clock::now());
    winner_ = std::move(attempt.fd);
  }

  void lose(std::string_view action, int error) {
    failure_ = network_failure(action, error);
    next_begins_ = Clock::now();
  }

  std::vector<pollfd>& polled() {
    polled_.clear();
    for (const auto& attempt : attempts_)
      polled_.push_back({attempt.fd.get(), POLLOUT, 0});
    return polled_;
  }

  const std::vector<Address>& addresses_;
  RememberedAddress& remembered_;
  std::vector<Attempt> attempts_;
  std::vector<pollfd> polled_;
  std::size_t next_ = 0;
  Clock::time_point next_begins_;
  Descriptor winner_;
  Failure failure_;
};

} // namespace

bool Address::operator==(const Address& other) const noexcept {
  return length == other.length && std::memcmp(&bytes, &other.bytes, length) == 0;
}

void RememberedAddress::answered(const Address& address, Clock::time_point now) {
  std::lock_guard lock(mutex_);
  if (now < until_ && address_ == address)
    return;
  address_ = address;
  until_ = now + address_memory;
}

std::optional<Address> RememberedAddress::at(Clock::time_point now) const {
  std::lock_guard lock(mutex_);
  return now < until_ ? address_ : std::nullopt;
}

std::vector<Address> attempt_order(std::vector<Address> addresses, const std::optional<Address>& remembered) {
  std::vector<Address> order;
  if (remembered && std::erase(addresses, *remembered) > 0)
    order.push_back(*remembered);
  while (!addresses.empty() && order.size() < most_addresses) {
    const auto other = std::find_if(addresses.begin(), addresses.end(), [&](const Address& address) {
      return !order.empty() && address.family() != order.back().family();
    });
    const auto next = other == addresses.end() ? addresses.begin() : other;
    order.push_back(*next);
    addresses.erase(next);
  }
  return order;
}

Result<Descriptor> connect_to_first(const std::vector<Address>& addresses, const Waiter& waiter,
                                    Clock::time_point limit, RememberedAddress& remembered) {
  return Race(addresses, remembered).run(waiter, limit);
}

Result<Descriptor> connect_to(const std::string& host, std::uint16_t port, const Waiter& waiter,
                              Clock::time_point limit, RememberedAddress& remembered) {
  auto resolved = resolve(host, port, waiter, limit);
  if (!resolved)
    return tl::unexpected(resolved.error());
  return connect_to_first(attempt_order(std::move(*resolved), remembered.at(Clock::now())), waiter, limit, remembered);
}

} // namespace runtime_agent::http
