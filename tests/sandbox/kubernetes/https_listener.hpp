#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <httplib.h>

#include "tests/sandbox/kubernetes/serving_certificate.hpp"

namespace runtime_agent::sandbox::kube {

/// Of a request, in bytes; as the real server's.
inline constexpr std::size_t body_limit = 3'145'728;

/// The sockets of the connections that are open, so that a stop need not wait for idle ones.
class OpenConnections {
public:
  void add(int socket);
  void remove(int socket);
  void shut_down_all();

private:
  std::mutex mutex_;
  std::set<int> sockets_;
};

/// TLS and HTTP/1.1 on loopback: one thread for each open connection, watches included.
class HttpsListener {
public:
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

  /// Listens on `host` from now on; port 0 takes a free one. Throws std::runtime_error where it cannot.
  /// `handler` gets every request, with its body read, on many threads at once.
  HttpsListener(const std::string& host, int port, const ServingCertificate& certificate, const Handler& handler);
  /// Ends all connections and waits for the handlers.
  ~HttpsListener();
  HttpsListener(const HttpsListener&) = delete;
  HttpsListener& operator=(const HttpsListener&) = delete;

  int port() const { return port_; }

  /// On a handler's thread: ends its connection by a reset, so that no more of an answer leaves.
  static void reset_connection();
  /// On a handler's thread: called once when the answer has been written, or `answered` is called before.
  static void on_answered(std::function<void()> callback);
  static void answered();
  /// On a handler's thread: whether the client is still there.
  static bool client_is_there();

private:
  OpenConnections connections_;
  std::unique_ptr<httplib::SSLServer> server_;
  int port_ = 0;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

} // namespace runtime_agent::sandbox::kube
