#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <openssl/ssl.h>

#include "tests/unit/http/certificates.hpp"
#include "transport/http/make_client.hpp"

namespace runtime_agent::http::test {

/// How a test server speaks TLS.
struct ServerTls {
  Certificate certificate;
  const Certificate* client_ca = nullptr; ///< asks for a client certificate of this CA
  int highest_version = TLS1_3_VERSION;
  int strict_from_connection = 1; ///< the connections before it may have any client certificate
};

/// An httplib server on a free loopback port. Set `routes` before `start`; ends with its owner.
class HttpServer {
public:
  explicit HttpServer(const ServerTls* tls = nullptr);
  ~HttpServer();
  httplib::Server& routes() { return *server_; }
  void start();
  Url url(const std::string& host = "127.0.0.1") const;

private:
  bool tls_;
  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;
};

/// One accepted connection of a RawServer, in the words of the script.
class Peer {
public:
  Peer(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
  /// Reads until the end of a request's head and, where it has one, its body. Empty: the client is gone.
  std::string read_request();
  bool send(const std::string& text);
  /// Blocks until the client closes, so that the script need not sleep.
  void wait_for_close();
  /// Closes so that the client sees a reset.
  void reset();
  /// Passes bytes on between the client and a port of this machine, until one of them ends.
  void relay_to(int port);

private:
  ssize_t read_some(char* data, std::size_t size);
  int fd_;
  SSL* ssl_;
};

/// A TCP or TLS server that plays a script for each connection, on a thread of its own: for what no proper server does.
class RawServer {
public:
  using Script = std::function<void(Peer&, int connection_number)>;
  explicit RawServer(Script script, const ServerTls* tls = nullptr);
  ~RawServer();
  Url url(const std::string& host = "127.0.0.1") const;
  int port() const { return port_; }
  /// Connections accepted so far.
  int connections() const { return connections_; }

private:
  void accept_loop();
  void serve(int fd, int number);

  Script script_;
  SSL_CTX* context_ = nullptr;
  int strict_from_connection_ = 1;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread acceptor_;
  std::mutex mutex_;
  std::vector<int> open_; // so that the end of the server ends every script
  std::vector<std::thread> threads_;
};

/// A listening port that never accepts and whose queue is full: connecting to it hangs.
class SilentPort {
public:
  SilentPort();
  ~SilentPort();
  Url url() const;

private:
  int listener_ = -1;
  int port_ = 0;
  std::vector<int> fillers_;
};

/// Collects spans.
class Spans final : public RequestObserver {
public:
  void finished(const RequestSpan& span) override;
  std::vector<RequestSpan> all() const;

private:
  mutable std::mutex mutex_;
  std::vector<RequestSpan> spans_;
};

/// Time that no test needs.
inline constexpr std::chrono::seconds ample{10};
/// The shortest answer.
inline const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

inline CallContext within(std::chrono::milliseconds time) {
  CallContext context;
  context.deadline = std::chrono::steady_clock::now() + time;
  return context;
}

} // namespace runtime_agent::http::test
