#include "transport/http/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "transport/http/status.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::http {
namespace {

using Outcome = TlsSession::Outcome;

constexpr std::size_t output_bytes = 32 * 1024;    // two TLS records
constexpr std::size_t input_bytes = 16 * 1024;     // a TLS record: no read of one gives more
constexpr std::size_t most_head_bytes = 64 * 1024; // status line and headers of an answer
// cpp-httplib matches a status line against a regular expression that recurses with each character of it.
constexpr std::size_t most_status_line_bytes = 1024;
constexpr std::size_t most_line_bytes = 16 * 1024; // of a header, or of what stands around a chunk

} // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Route& route, const Waiter& waiter,
                                                     Clock::time_point limit) {
  std::unique_ptr<Connection> connection(new Connection);
  const auto& peer_host = route.proxy ? route.proxy->host : route.origin.host;
  const auto peer_port = route.proxy ? route.proxy->port : route.origin.port;
  auto connected = connect_to(peer_host, peer_port, waiter, limit);
  if (!connected) {
    if (route.proxy)
      connected.error().what = fmt::format("proxy {}: {}", route.proxy->text(), connected.error().what);
    return tl::unexpected(connected.error());
  }
  connection->fd_ = std::move(*connected);
  if (route.proxy && route.tls != nullptr) {
    // Within the limit for connecting, and with the same buffers and waits as everything else.
    connection->begin(waiter, std::max(limit - Clock::now(), Clock::duration(1)));
    if (auto open = connection->tunnel(route.origin, *route.proxy, waiter); !open)
      return tl::unexpected(open.error());
  }
  if (route.tls != nullptr) {
    const auto& name = route.server_name.empty() ? route.origin.host : route.server_name;
    auto session = TlsSession::connect(*route.tls, connection->fd_.get(), name, waiter, limit);
    if (!session)
      return tl::unexpected(session.error());
    connection->tls_ = std::move(*session);
  }
  return connection;
}

Result<void> Connection::tunnel(const Url& origin, const Proxy& proxy, const Waiter&) {
  auto request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", origin.authority());
  if (!proxy.authorization.empty())
    request += fmt::format("Proxy-Authorization: {}\r\n", proxy.authorization.reveal());
  request += "\r\n";
  write(request.data(), request.size());
  wipe(request);
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && read(&byte, 1) == 1)
    head += byte;
  if (exchange_.failure)
    return failed(*exchange_.failure);
  const auto where = fmt::format("the proxy {}", proxy.text());
  const auto space = head.find(' ');
  if (!head.starts_with("HTTP/1.") || !head.ends_with("\r\n\r\n") || space == std::string::npos)
    return failed({.kind = FailureKind::network, .what = where + " did not answer in HTTP"});
  const auto status = head.substr(space + 1, head.find('\r') - space - 1);
  if (!status.starts_with('2'))
    return failed({.kind = FailureKind::network, .what = fmt::format("{} answered {}", where, excerpt(status, 80))});
  if (input_read_ != input_end_)
    return failed({.kind = FailureKind::network, .what = where + " sent more than its answer"});
  return {};
}

void Connection::begin(const Waiter& waiter, Clock::duration idle_limit) {
  exchange_ = {};
  exchange_.waiter = &waiter;
  exchange_.idle_limit = idle_limit;
  exchange_.head_limit = most_head_bytes;
  exchange_.line_limit = most_status_line_bytes;
  wipe(output_);
}

void Connection::end_of_head(Clock::duration idle_limit) {
  exchange_.idle_limit = idle_limit;
  exchange_.head_limit = std::size_t(-1);
}

bool Connection::idle_and_alive() {
  if (input_read_ != input_end_)
    return false;
  if (tls_)
    return tls_->idle_and_alive();
  char byte = 0;
  const auto peeked = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return peeked < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::optional<Failure> Connection::listen(const Waiter& waiter, Clock::time_point limit) {
  char byte = 0;
  for (;;) {
    auto step = receive(&byte, 1);
    if (step.outcome == Outcome::failed)
      return std::move(step.failure);
    if (step.outcome == Outcome::done || step.outcome == Outcome::closed)
      return std::nullopt;
    const short events = step.outcome == Outcome::want_read ? POLLIN : POLLOUT;
    if (!waiter.wait(fd_.get(), events, limit, "nothing came"))
      return std::nullopt;
  }
}

ssize_t Connection::read(char* data, std::size_t size) {
  if (size == 0)
    return 0;
  if (exchange_.failure)
    return -1;
  if (input_read_ == input_end_ && !fill())
    return exchange_.failure ? -1 : 0;
  const auto count = std::min(size, input_end_ - input_read_);
  if (!within_limits(size, count))
    return -1;
  if (count == 1) { // httplib reads an answer's head byte by byte
    *data = std::exchange(input_[input_read_], '\0');
  } else {
    std::memcpy(data, input_.get() + input_read_, count);
    OPENSSL_cleanse(input_.get() + input_read_, count);
  }
  input_read_ += count;
  if (input_read_ == input_end_)
    drop_input();
  return static_cast<ssize_t>(count);
}

/// cpp-httplib reads lines byte by byte, in the head, around chunks and behind them, and sets them no end.
bool Connection::within_limits(std::size_t size, std::size_t count) {
  if (exchange_.head_limit < count)
    return fail({.kind = FailureKind::malformed, .what = "the headers of the answer are too long"});
  if (exchange_.head_limit != std::size_t(-1))
    exchange_.head_limit -= count;
  if (size != 1)
    return true;
  if (exchange_.line_limit == 0)
    return fail({.kind = FailureKind::malformed, .what = "a line of the answer's framing is too long"});
  exchange_.line_limit = input_[input_read_] == '\n' ? most_line_bytes : exchange_.line_limit - 1;
  return true;
}

ssize_t Connection::write(const char* data, std::size_t size) {
  if (exchange_.failure)
    return -1;
  // Head and body leave in one piece where they are small: the last of it is flushed by the first read. The buffer
  // never grows, since that would leave copies behind.
  for (std::size_t done = 0; done < size;) {
    output_.reserve(output_bytes);
    const auto count = std::min(size - done, output_bytes - output_.size());
    output_.append(data + done, count);
    done += count;
    if (output_.size() == output_bytes && !flush())
      return -1;
  }
  return static_cast<ssize_t>(size);
}

bool Connection::flush() {
  std::size_t done = 0;
  while (done < output_.size()) {
    const auto step = send(output_.data() + done, output_.size() - done);
    done += step.bytes;
    exchange_.sent += step.bytes;
    if (step.outcome == Outcome::done)
      continue;
    if (step.outcome == Outcome::closed || step.outcome == Outcome::failed) {
      exchange_.closed = true;
      // The peer's last word may explain it: an alert that is already here.
      char byte = 0;
      if (tls_ != nullptr)
        if (const auto last = receive(&byte, 1);
            last.outcome == Outcome::failed && last.failure.kind != FailureKind::network)
          return fail(last.failure);
      return fail(step.outcome == Outcome::failed ? step.failure : network_failure("sending", EPIPE));
    }
    if (!wait(step.outcome, Clock::time_point::max(), "the request could not be sent"))
      return false;
  }
  wipe(output_); // it may have held a token or a key
  output_.shrink_to_fit();
  return true;
}

bool Connection::fill() {
  if (!output_.empty() && !flush())
    return false;
  const auto begun = Clock::now();
  const auto limit =
      exchange_.idle_limit == Clock::duration::max() ? Clock::time_point::max() : begun + exchange_.idle_limit;
  for (;;) {
    // A peer that always has something ready would otherwise never be waited for, nor end.
    const auto open = exchange_.waiter->check(Clock::time_point::max(), "no answer came");
    if (!open)
      return fail(open.error());
    if (!input_)
      input_.reset(new char[input_bytes]);
    auto step = receive(input_.get(), input_bytes);
    if (step.outcome == Outcome::done) {
      input_read_ = 0;
      input_end_ = step.bytes;
      exchange_.received += step.bytes;
      return true;
    }
    if (step.outcome == Outcome::closed || step.outcome == Outcome::failed) {
      exchange_.closed = true;
      if (step.outcome == Outcome::failed)
        return fail(std::move(step.failure));
      drop_input();
      return false;
    }
    drop_input(); // a watch waits for minutes
    if (!wait(step.outcome, limit, exchange_.received == 0 ? "no answer came" : "nothing more came"))
      return false;
  }
}

TlsSession::Step Connection::receive(char* data, std::size_t size) {
  if (tls_)
    return tls_->read(data, size);
  const auto count = ::recv(fd_.get(), data, size, MSG_DONTWAIT);
  if (count > 0)
    return {Outcome::done, static_cast<std::size_t>(count), {}};
  if (count == 0)
    return {Outcome::closed, 0, {}};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
    return {Outcome::want_read, 0, {}};
  return {Outcome::failed, 0, network_failure("the connection broke", errno)};
}

TlsSession::Step Connection::send(const char* data, std::size_t size) {
  if (tls_)
    return tls_->write(data, size);
  const auto count = ::send(fd_.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count >= 0)
    return {Outcome::done, static_cast<std::size_t>(count), {}};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
    return {Outcome::want_write, 0, {}};
  return {Outcome::failed, 0, network_failure("the connection broke", errno)};
}

bool Connection::wait(Outcome outcome, Clock::time_point limit, std::string_view what_is_late) {
  const short events = outcome == Outcome::want_read ? POLLIN : POLLOUT;
  auto ready = exchange_.waiter->wait(fd_.get(), events, limit, what_is_late);
  return ready ? true : fail(std::move(ready.error()));
}

void Connection::drop_input() {
  if (input_)
    OPENSSL_cleanse(input_.get() + input_read_, input_end_ - input_read_);
  input_.reset();
  input_read_ = input_end_ = 0;
}

bool Connection::fail(Failure failure) {
  drop_input();
  if (!exchange_.failure)
    exchange_.failure = std::move(failure);
  return false;
}

} // namespace runtime_agent::http
