#pragma once

#include <functional>
#include <memory>
#include <string>

#include <httplib.h>

#include "tests/sandbox/compass/openssl_handles.hpp"

namespace runtime_agent::sandbox::compass {

/// One HTTPS port on loopback. Handlers run on a thread of each connection, so that one that hangs holds up nobody.
class TlsListener {
public:
  struct Options {
    int port = 0; ///< 0: a free one
    bool tls_1_2_only = false;
    const X509* certificate = nullptr;  ///< not owned, used during construction only
    const X509* intermediate = nullptr; ///< likewise
    EVP_PKEY* key = nullptr;            ///< likewise
    /// With a store, a client certificate that it trusts is needed; takes ownership.
    StoreHandle client_store;
    /// Last word on a client certificate that is otherwise good, once a handshake: X509_V_OK or an OpenSSL error code.
    std::function<int(const X509*)> admit;
    /// A client certificate was refused, with the reason in OpenSSL's words. May be empty.
    std::function<void(const X509*, const std::string& reason)> refused;
    std::function<void(const httplib::Request&, httplib::Response&)> handle; ///< every method and path
  };

  /// Throws std::runtime_error where the port cannot be had.
  explicit TlsListener(Options options);
  ~TlsListener();
  TlsListener(const TlsListener&) = delete;
  TlsListener& operator=(const TlsListener&) = delete;

  int port() const { return port_; }
  /// Ends every connection at once; new ones are accepted.
  void drop_connections();
  /// Closes the port and all connections, and waits for the handlers.
  void stop();

private:
  struct State;
  std::unique_ptr<State> state_;
  int port_ = 0;
};

/// Ends the request's connection with a TCP reset, without an answer. The handler returns afterwards.
void reset_connection(const httplib::Request& request);
/// In a handler: called once when its answer has been written.
void on_answered(std::function<void()> callback);
/// Sends these bytes as they are, then closes the connection without TLS' goodbye. The handler returns afterwards.
void send_and_close(const httplib::Request& request, const std::string& bytes);

} // namespace runtime_agent::sandbox::compass
