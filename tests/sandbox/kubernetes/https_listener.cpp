#include "tests/sandbox/kubernetes/https_listener.hpp"

#include <condition_variable>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

namespace runtime_agent::sandbox::kube {
namespace {

/// httplib gives a handler no access to its socket; TLS' callbacks run on the connection's thread and have it.
thread_local int connection_socket = -1;
/// A connection has one request at a time, on its own thread.
thread_local std::function<void()> when_answered;

struct Tracked {
  OpenConnections* connections;
  int socket;
};

/// Called when the connection's SSL object ends, which is before its socket is closed.
void forget(void*, void* tracked, CRYPTO_EX_DATA*, int, long, void*) {
  if (!tracked)
    return;
  const std::unique_ptr<Tracked> one(static_cast<Tracked*>(tracked));
  one->connections->remove(one->socket);
}

int tracked_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, forget);
  return index;
}

int connections_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void on_tls_event(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0 || SSL_get_ex_data(ssl, tracked_index()))
    return;
  connection_socket = SSL_get_fd(ssl);
  auto* connections = static_cast<OpenConnections*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), connections_index()));
  auto tracked = std::make_unique<Tracked>(Tracked{connections, connection_socket});
  // The callback's SSL is const by its signature only; the connection is ours.
  if (SSL_set_ex_data(const_cast<SSL*>(ssl), tracked_index(), tracked.get()) == 1) {
    connections->add(connection_socket);
    static_cast<void>(tracked.release()); // the connection's from now on
  }
}

/// A thread for each connection: httplib's pool of eight is full with eight idle keep-alive connections.
class ThreadPerConnection : public httplib::TaskQueue {
public:
  void enqueue(std::function<void()> task) override {
    {
      std::lock_guard lock(mutex_);
      ++running_;
    }
    std::thread([this, task = std::move(task)] {
      task();
      std::lock_guard lock(mutex_);
      --running_;
      idle_.notify_all();
    }).detach(); // `shutdown` waits for all of them
  }

  void shutdown() override {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
  }

private:
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t running_ = 0;
};

bool set_up_tls(SSL_CTX& context, const ServingCertificate& certificate, OpenConnections& connections) {
  SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
  SSL_CTX_set_ex_data(&context, connections_index(), &connections);
  SSL_CTX_set_info_callback(&context, on_tls_event);
  return SSL_CTX_use_certificate(&context, certificate.certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(&context, certificate.key.get()) == 1;
}

/// Reads the body itself: httplib waits for a DELETE's body although none was announced, and its own limit does not
/// hold for chunked ones.
void read_and_handle(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader,
                     const HttpsListener::Handler& handler) {
  auto whole = request;
  bool too_large = false;
  if (request.has_header("Content-Length") || request.has_header("Transfer-Encoding"))
    reader([&](const char* data, std::size_t size) {
      too_large = too_large || whole.body.size() + size > body_limit;
      if (!too_large)
        whole.body.append(data, size);
      return true;
    });
  if (too_large)
    whole.body.assign(body_limit + 1, ' ');
  response.status = -1;
  handler(whole, response);
}

} // namespace

void OpenConnections::add(int socket) {
  std::lock_guard lock(mutex_);
  sockets_.insert(socket);
}

void OpenConnections::remove(int socket) {
  std::lock_guard lock(mutex_);
  sockets_.erase(socket);
}

void OpenConnections::shut_down_all() {
  std::lock_guard lock(mutex_);
  for (const int socket : sockets_)
    shutdown(socket, SHUT_RDWR);
}

HttpsListener::HttpsListener(const std::string& host, int port, const ServingCertificate& certificate,
                             const Handler& handler) {
  server_ = std::make_unique<httplib::SSLServer>(
      [&](SSL_CTX& context) { return set_up_tls(context, certificate, connections_); });
  if (!server_->is_valid())
    throw std::runtime_error("the sandbox's TLS server cannot be set up");
  server_->new_task_queue = [] { return new ThreadPerConnection; };
  server_->set_keep_alive_max_count(1'000'000);
  server_->set_keep_alive_timeout(120);
  server_->set_tcp_nodelay(true);
  server_->set_payload_max_length(64U * 1024 * 1024); // ours is checked while reading, and answered as Kubernetes does
  server_->set_read_timeout(30);
  server_->set_write_timeout(30);
  const auto with_body = [handler](const httplib::Request& request, httplib::Response& response,
                                   const httplib::ContentReader& reader) {
    read_and_handle(request, response, reader, handler);
  };
  server_->Get("[^]*", handler);
  server_->Post("[^]*", with_body);
  server_->Put("[^]*", with_body);
  server_->Patch("[^]*", with_body);
  server_->Delete("[^]*", with_body);
  server_->set_logger([](const httplib::Request&, const httplib::Response&) { answered(); }); // after the last byte
  server_->set_pre_routing_handler([](const httplib::Request& request, httplib::Response&) {
    when_answered = nullptr;
    // httplib would compress answers, and hold back a watch's events in doing so. It decides by this header, which is
    // constant by the handler's signature only.
    const_cast<httplib::Headers&>(request.headers).erase("Accept-Encoding");
    return httplib::Server::HandlerResponse::Unhandled;
  });
  port_ = port == 0 ? server_->bind_to_any_port(host) : (server_->bind_to_port(host, port) ? port : -1);
  if (port_ <= 0)
    throw std::runtime_error(fmt::format("the sandbox cannot listen on {} port {}", host, port));
  thread_ = std::thread([this] {
    server_->listen_after_bind();
    ended_ = true;
  });
  while (!server_->is_running() && !ended_)
    std::this_thread::yield();
}

HttpsListener::~HttpsListener() {
  server_->stop();
  while (!ended_) {
    connections_.shut_down_all(); // again and again: one may have been in its handshake
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  thread_.join();
}

void HttpsListener::reset_connection() {
  if (connection_socket < 0)
    return;
  // Connecting to "no address" dissolves the connection with an RST at once; closing it orderly would send a FIN.
  const linger at_once{1, 0};
  setsockopt(connection_socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  static_cast<void>(connect(connection_socket, &nowhere, sizeof nowhere)); // of no consequence where it fails
}

void HttpsListener::on_answered(std::function<void()> callback) {
  when_answered = std::move(callback);
}

void HttpsListener::answered() {
  if (const auto callback = std::exchange(when_answered, nullptr))
    callback();
}

bool HttpsListener::client_is_there() {
  pollfd one{connection_socket, POLLRDHUP, 0};
  return connection_socket >= 0 && poll(&one, 1, 0) >= 0 &&
         (one.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) == 0;
}

} // namespace runtime_agent::sandbox::kube
