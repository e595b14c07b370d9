#include "transport/http/connection.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "transport/http/answer_parser.hpp"
#include "transport/http/status.hpp"
#include "transport/secret.hpp"

namespace runtime_agent::http {
namespace {

using Outcome = TlsSession::Outcome;

constexpr std::size_t output_bytes = 32 * 1024; // two TLS records
constexpr std::size_t input_bytes = 16 * 1024;  // a TLS record: no read of one gives more

} // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Route& route, const Waiter& waiter,
                                                     Clock::time_point limit) {
  std::unique_ptr<Connection> connection(new Connection);
  const auto& peer_host = route.proxy ? route.proxy->host : route.origin.host;
  const auto peer_port = route.proxy ? route.proxy->port : route.origin.port;
  auto connected = connect_to(peer_host, peer_port, waiter, limit, route.address);
  if (!connected) {
    if (route.proxy)
      connected.error().what = fmt::format("proxy {}: {}", route.proxy->text(), connected.error().what);
    return tl::unexpected(connected.error());
  }
  connection->fd_ = std::move(*connected);
  if (route.proxy && route.tls != nullptr) {
    connection->begin(waiter);
    if (auto open = connection->tunnel(route.origin, *route.proxy, limit); !open)
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

Result<void> Connection::tunnel(const Url& origin, const Proxy& proxy, Clock::time_point limit) {
  auto request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", origin.authority());
  if (!proxy.authorization.empty())
    request += fmt::format("Proxy-Authorization: {}\r\n", proxy.authorization.reveal());
  request += "\r\n";
  write(request);
  wipe(request);
  AnswerHead answer;
  const auto keep = [&](AnswerHead head) {
    answer = std::move(head);
    return true;
  };
  AnswerParser parser({keep, {}}, AnswerParser::Body::none);
  auto state = AnswerParser::State::reading;
  while (state == AnswerParser::State::reading)
    if (!read(limit, [&](std::string_view bytes) { state = parser.put(bytes); }))
      break;
  if (exchange_.failure)
    return failed(*exchange_.failure);
  const auto where = fmt::format("the proxy {}", proxy.text());
  if (state != AnswerParser::State::whole)
    return failed({.kind = FailureKind::network, .what = where + " did not answer in HTTP"});
  if (answer.status < 200 || answer.status > 299)
    return failed({.kind = FailureKind::network,
                   .what = fmt::format("{} answered {}", where,
                                       excerpt(fmt::format("{} {}", answer.status, answer.reason), 80))});
  if (parser.overrun())
    return failed({.kind = FailureKind::network, .what = where + " sent more than its answer"});
  return {};
}

void Connection::begin(const Waiter& waiter) {
  exchange_ = {};
  exchange_.waiter = &waiter;
  wipe(output_);
}

bool Connection::idle_and_alive() {
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

bool Connection::write(std::string_view text) {
  if (exchange_.failure)
    return false;
  // Head and body leave in one piece where they are small. The buffer never grows, since that would leave copies
  // behind.
  while (!text.empty()) {
    output_.reserve(output_bytes);
    const auto count = std::min(text.size(), output_bytes - output_.size());
    output_.append(text.substr(0, count));
    text.remove_prefix(count);
    if (output_.size() == output_bytes && !flush())
      return false;
  }
  return true;
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

bool Connection::read(Clock::time_point limit, const std::function<void(std::string_view)>& take) {
  if (exchange_.failure || (!output_.empty() && !flush()))
    return false;
  const std::string_view late = exchange_.received == 0 ? "no answer came" : "nothing more came";
  for (;;) {
    // A peer that always has something ready would otherwise never be waited for, nor end.
    if (const auto open = exchange_.waiter->check(limit, late); !open)
      return fail(open.error());
    auto step = receive(take);
    if (step.outcome == Outcome::done)
      return true;
    if (step.outcome == Outcome::closed || step.outcome == Outcome::failed) {
      exchange_.closed = true;
      return step.outcome == Outcome::failed && fail(std::move(step.failure));
    }
    if (!wait(step.outcome, limit, late))
      return false;
  }
}

/// With a buffer only while there is something for it: a watch waits for minutes.
TlsSession::Step Connection::receive(const std::function<void(std::string_view)>& take) {
  const std::unique_ptr<char[]> input(new char[input_bytes]);
  auto step = receive(input.get(), input_bytes);
  if (step.outcome == Outcome::done) {
    exchange_.received += step.bytes;
    take({input.get(), step.bytes});
    OPENSSL_cleanse(input.get(), step.bytes); // it may have held a secret
  }
  return step;
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

bool Connection::fail(Failure failure) {
  if (!exchange_.failure)
    exchange_.failure = std::move(failure);
  return false;
}

} // namespace runtime_agent::http
