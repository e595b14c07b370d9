#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <httplib.h>

#include "transport/http/proxy.hpp"
#include "transport/http/socket.hpp"
#include "transport/http/tls.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::http {

/// A connection to one origin, plain or TLS, with buffers in both directions, which it has only while there is
/// something in them: cpp-httplib writes and parses HTTP over it, and every wait in it ends with the call's deadline or
/// cancel token. Used by one call at a time.
class Connection final : public httplib::Stream {
public:
  struct Route {
    Url origin;
    std::optional<Proxy> proxy;
    const TlsContext* tls = nullptr; ///< null for a plain origin; must outlive the call
    std::string server_name{};       ///< as in ClientOptions
  };
  /// Resolves, connects, goes through the proxy and shakes hands, all until `limit`.
  static Result<std::unique_ptr<Connection>> open(const Route& route, const Waiter& waiter, Clock::time_point limit);

  /// What one request does to the connection. Starts with `begin`.
  struct Exchange {
    const Waiter* waiter = nullptr;
    Clock::duration idle_limit = Clock::duration::max(); ///< longest time without a byte while reading
    std::size_t line_limit = 0; ///< bytes of the line that may still come, where lines are read
    std::size_t head_limit = 0; ///< bytes of the answer's head that may still come; see `end_of_head`
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool closed = false;            ///< the peer ended the connection
    std::optional<Failure> failure; ///< of the first read or write that failed
  };
  void begin(const Waiter& waiter, Clock::duration idle_limit);
  /// From now on the answer's size is limited by whoever receives it.
  void end_of_head(Clock::duration idle_limit);
  const Exchange& exchange() const noexcept { return exchange_; }
  /// Whether every byte of the request has been handed to the network.
  bool request_is_out() const noexcept { return output_.empty() && exchange_.sent > 0; }
  /// Whether another request may be sent: the peer has neither ended the connection nor sent anything unasked.
  bool idle_and_alive();
  /// Whether the refusal of a client certificate may look like a broken connection here.
  bool may_hide_refusal() const noexcept { return tls_ && tls_->refusal_may_follow(); }
  /// Waits for what the peer says unasked: its alert about our certificate under TLS 1.3. Nullopt: nothing, or no
  /// Failure.
  std::optional<Failure> listen(const Waiter& waiter, Clock::time_point limit);

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* data, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return fd_.get(); }

private:
  Connection() = default;
  Result<void> tunnel(const Url& origin, const Proxy& proxy, const Waiter& waiter);
  bool flush();
  bool fill();
  void drop_input();
  TlsSession::Step receive(char* data, std::size_t size);
  TlsSession::Step send(const char* data, std::size_t size);
  bool wait(TlsSession::Outcome outcome, Clock::time_point limit, std::string_view what_is_late);
  bool within_limits(std::size_t size, std::size_t count);
  bool fail(Failure failure);

  Descriptor fd_;
  std::unique_ptr<TlsSession> tls_; // after the descriptor: it ends first
  std::string output_;
  std::unique_ptr<char[]> input_; ///< what has come: from `input_read_` to `input_end_`
  std::size_t input_read_ = 0;
  std::size_t input_end_ = 0;
  Exchange exchange_;
};

} // namespace runtime_agent::http
