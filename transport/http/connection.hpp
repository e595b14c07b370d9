#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "transport/http/connecting.hpp"
#include "transport/http/proxy.hpp"
#include "transport/http/socket.hpp"
#include "transport/http/tls.hpp"
#include "transport/http/url.hpp"

namespace runtime_agent::http {

/// A connection to one origin, plain or TLS, with buffers in both directions, which it has only while there is
/// something in them. Every wait in it ends with the call's deadline or cancel token. Used by one call at a time.
class Connection {
public:
  struct Route {
    Url origin;
    std::optional<Proxy> proxy;
    const TlsContext* tls = nullptr; ///< null for a plain origin; must outlive the call
    std::string server_name{};       ///< as in ClientOptions
    RememberedAddress& address;      ///< of the origin, or of its proxy
  };
  /// Resolves, connects, goes through the proxy and shakes hands, all until `limit`.
  static Result<std::unique_ptr<Connection>> open(const Route& route, const Waiter& waiter, Clock::time_point limit);

  /// What one request does to the connection. Starts with `begin`.
  struct Exchange {
    const Waiter* waiter = nullptr;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool closed = false;            ///< the peer ended the connection
    std::optional<Failure> failure; ///< of the first read or write that failed
  };
  void begin(const Waiter& waiter);
  /// Small texts leave together, with the first `read` at the latest.
  bool write(std::string_view text);
  /// Hands on what has come, as it is there until `take` returns. False: the peer has ended the connection, or a
  /// failure (`exchange`).
  bool read(Clock::time_point limit, const std::function<void(std::string_view)>& take);
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

private:
  Connection() = default;
  Result<void> tunnel(const Url& origin, const Proxy& proxy, Clock::time_point limit);
  bool flush();
  TlsSession::Step receive(const std::function<void(std::string_view)>& take);
  TlsSession::Step receive(char* data, std::size_t size);
  TlsSession::Step send(const char* data, std::size_t size);
  bool wait(TlsSession::Outcome outcome, Clock::time_point limit, std::string_view what_is_late);
  bool fail(Failure failure);

  Descriptor fd_;
  std::unique_ptr<TlsSession> tls_; // after the descriptor: it ends first
  std::string output_;
  Exchange exchange_;
};

} // namespace runtime_agent::http
