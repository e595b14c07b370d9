#include "tests/sandbox/compass/tls_listener.hpp"

#include <condition_variable>
#include <list>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

namespace runtime_agent::sandbox::compass {
namespace {

/// A connection has one request at a time, on its own thread.
thread_local std::function<void()> when_answered;

/// A thread for each connection: keep-alive connections and hanging handlers hold theirs.
class ConnectionThreads : public httplib::TaskQueue {
public:
  void enqueue(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      if (worker->done) {
        worker->thread.join();
        worker = workers_.erase(worker);
      } else {
        ++worker;
      }
    }
    auto& worker = workers_.emplace_back();
    worker.thread = std::thread([&worker, work = std::move(work)] {
      work();
      worker.done = true;
    });
  }

  void shutdown() override {
    const std::lock_guard lock(mutex_);
    for (auto& worker : workers_)
      worker.thread.join();
    workers_.clear();
  }

private:
  struct Worker {
    std::thread thread;
    std::atomic<bool> done{false};
  };
  std::mutex mutex_;
  std::list<Worker> workers_;
};

} // namespace

/// Knows the sockets of all connections, from the handshake's beginning until OpenSSL lets the connection go.
struct TlsListener::State {
  Options options;
  std::unique_ptr<httplib::SSLServer> server;
  std::thread acceptor;
  std::mutex mutex;
  std::set<int> sockets;

  static State* of(const SSL* ssl) { return static_cast<State*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl))); }

  /// The index under which a connection carries its listener; OpenSSL calls `forget` before the socket is closed.
  static int index() {
    static const int value = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &State::forget);
    return value;
  }

  static void forget(void* parent, void* stored, CRYPTO_EX_DATA*, int, long, void*) {
    if (stored == nullptr)
      return;
    auto& state = *static_cast<State*>(stored);
    const std::lock_guard lock(state.mutex);
    state.sockets.erase(SSL_get_fd(static_cast<const SSL*>(parent)));
  }

  static void noticed(const SSL* ssl, int where, int) {
    if ((where & SSL_CB_HANDSHAKE_START) == 0)
      return;
    auto* state = of(ssl);
    SSL_set_ex_data(const_cast<SSL*>(ssl), index(), state);
    const std::lock_guard lock(state->mutex);
    state->sockets.insert(SSL_get_fd(ssl));
  }

  static int verify(int good, X509_STORE_CTX* context) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& options = of(ssl)->options;
    const auto* certificate = X509_STORE_CTX_get_current_cert(context);
    if (good == 1 && X509_STORE_CTX_get_error_depth(context) == 0 && options.admit) {
      const int verdict = options.admit(certificate);
      X509_STORE_CTX_set_error(context, verdict);
      good = verdict == X509_V_OK ? 1 : 0;
    }
    if (good != 1 && options.refused)
      options.refused(certificate, X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    return good;
  }

  bool configure(SSL_CTX& context) {
    SSL_CTX_set_app_data(&context, this);
    SSL_CTX_set_info_callback(&context, &State::noticed);
    SSL_CTX_set_min_proto_version(&context, TLS1_2_VERSION);
    if (options.tls_1_2_only)
      SSL_CTX_set_max_proto_version(&context, TLS1_2_VERSION);
    // A resumed session would not show its certificate again: a revoked one must not slip through.
    SSL_CTX_set_options(&context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(&context, 0);
    if (options.client_store != nullptr) {
      SSL_CTX_set1_verify_cert_store(&context, options.client_store.get());
      SSL_CTX_set_verify(&context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, &State::verify);
    }
    return SSL_CTX_use_certificate(&context, const_cast<X509*>(options.certificate)) == 1 &&
           SSL_CTX_add1_chain_cert(&context, const_cast<X509*>(options.intermediate)) == 1 &&
           SSL_CTX_use_PrivateKey(&context, options.key) == 1;
  }
};

TlsListener::TlsListener(Options options) : state_(std::make_unique<State>()) {
  State::index();
  state_->options = std::move(options);
  auto& server = state_->server;
  server = std::make_unique<httplib::SSLServer>(
      [state = state_.get()](SSL_CTX& context) { return state->configure(context); });
  server->new_task_queue = [] { return new ConnectionThreads; };
  server->set_tcp_nodelay(true);
  server->set_keep_alive_max_count(1'000'000);
  server->set_keep_alive_timeout(90);
  server->set_read_timeout(std::chrono::seconds(30));
  server->set_payload_max_length(4u << 20);
  server->set_pre_routing_handler([](const auto&, auto&) {
    when_answered = nullptr;
    return httplib::Server::HandlerResponse::Unhandled;
  });
  server->set_logger([](const auto&, const auto&) { // after the last byte
    if (const auto callback = std::exchange(when_answered, nullptr))
      callback();
  });
  const auto& handle = state_->options.handle;
  server->Get(".*", handle).Post(".*", handle).Put(".*", handle).Delete(".*", handle);
  const int wanted = state_->options.port;
  port_ = wanted == 0 ? server->bind_to_any_port("127.0.0.1") : server->bind_to_port("127.0.0.1", wanted) ? wanted : -1;
  if (!server->is_valid() || port_ <= 0)
    throw std::runtime_error("sandbox: port " + std::to_string(wanted) + " of 127.0.0.1 cannot be had");
  state_->acceptor = std::thread([raw = server.get()] { raw->listen_after_bind(); });
}

TlsListener::~TlsListener() {
  stop();
}

void TlsListener::drop_connections() {
  const std::lock_guard lock(state_->mutex);
  for (const int socket : state_->sockets)
    ::shutdown(socket, SHUT_RDWR);
}

void TlsListener::stop() {
  if (!state_->acceptor.joinable())
    return;
  // Until the acceptor is in its loop, stop() would do nothing.
  while (!state_->server->is_running())
    std::this_thread::yield();
  state_->server->stop();
  std::atomic<bool> ended{false};
  std::thread dropper([&] {
    // A connection accepted just before may register after the first pass.
    while (!ended) {
      drop_connections();
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  state_->acceptor.join();
  ended = true;
  dropper.join();
}

namespace {

/// Puts the null device in the socket's place: the peer sees the connection end now, and the library, which still holds
/// the number, writes its answer into nothing and closes that instead. No other thread can get the number in between.
void detach(const httplib::Request& request) {
  const int null_device = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(null_device, SSL_get_fd(request.ssl));
  ::close(null_device);
}

} // namespace

void reset_connection(const httplib::Request& request) {
  const linger now{1, 0};
  ::setsockopt(SSL_get_fd(request.ssl), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  detach(request);
}

void on_answered(std::function<void()> callback) {
  when_answered = std::move(callback);
}

void send_and_close(const httplib::Request& request, const std::string& bytes) {
  SSL_write(const_cast<SSL*>(request.ssl), bytes.data(), static_cast<int>(bytes.size()));
  detach(request);
}

} // namespace runtime_agent::sandbox::compass
