#include "tests/unit/http/servers.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace runtime_agent::http::test {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

int listen_on_loopback(int backlog, int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::listen(fd, backlog);
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port = ntohs(address.sin_port);
  return fd;
}

void configure(SSL_CTX* context, const ServerTls& tls) {
  SSL_CTX_use_certificate(context, tls.certificate.x509.get());
  SSL_CTX_use_PrivateKey(context, tls.certificate.key.get());
  SSL_CTX_set_max_proto_version(context, tls.highest_version);
  if (tls.client_ca != nullptr) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), tls.client_ca->x509.get());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
}

Url make_url(bool tls, const std::string& host, int port) {
  return {.scheme = tls ? "https" : "http", .host = host, .port = static_cast<std::uint16_t>(port)};
}

} // namespace

HttpServer::HttpServer(const ServerTls* tls) : tls_(tls != nullptr) {
  if (tls != nullptr)
    server_ = std::make_unique<httplib::SSLServer>([tls](SSL_CTX& context) {
      configure(&context, *tls);
      return true;
    });
  else
    server_ = std::make_unique<httplib::Server>();
  server_->set_keep_alive_max_count(1'000'000);
  server_->set_tcp_nodelay(true);
  server_->new_task_queue = [] { return new httplib::ThreadPool(16); };
  port_ = server_->bind_to_any_port("127.0.0.1");
}

void HttpServer::start() {
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running())
    std::this_thread::yield();
}

HttpServer::~HttpServer() {
  server_->stop();
  if (thread_.joinable())
    thread_.join();
}

Url HttpServer::url(const std::string& host) const {
  return make_url(tls_, host, port_);
}

ssize_t Peer::read_some(char* data, std::size_t size) {
  return ssl_ != nullptr ? SSL_read(ssl_, data, static_cast<int>(size)) : ::recv(fd_, data, size, 0);
}

std::string Peer::read_request() {
  std::string text;
  char buffer[4096];
  std::size_t whole = std::string::npos;
  while (text.size() < whole) {
    const auto count = read_some(buffer, sizeof buffer);
    if (count <= 0)
      return {};
    text.append(buffer, static_cast<std::size_t>(count));
    const auto head = text.find("\r\n\r\n");
    if (whole == std::string::npos && head != std::string::npos) {
      const auto length = text.find("Content-Length: ");
      whole = head + 4 + (length < head ? std::stoul(text.substr(length + 16)) : 0);
    }
  }
  return text;
}

bool Peer::send(const std::string& text) {
  if (ssl_ != nullptr)
    return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) > 0;
  return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

void Peer::wait_for_close() {
  char byte = 0;
  while (read_some(&byte, 1) > 0) {
  }
}

void Peer::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ssl_ = nullptr;
}

void Peer::relay_to(int port) {
  const int other = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  ::connect(other, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  pollfd ends[2] = {{fd_, POLLIN, 0}, {other, POLLIN, 0}};
  char buffer[4096];
  for (bool open = true; open && ::poll(ends, 2, 10'000) > 0;) {
    for (int i = 0; i < 2 && open; ++i) {
      if (ends[i].revents == 0)
        continue;
      const auto count = ::recv(ends[i].fd, buffer, sizeof buffer, 0);
      open = count > 0 && ::send(ends[1 - i].fd, buffer, static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
    }
  }
  ::close(other);
}

RawServer::RawServer(Script script, const ServerTls* tls) : script_(std::move(script)) {
  if (tls != nullptr) {
    context_ = SSL_CTX_new(TLS_server_method());
    configure(context_, *tls);
    strict_from_connection_ = tls->strict_from_connection;
  }
  listener_ = listen_on_loopback(64, port_);
  acceptor_ = std::thread([this] { accept_loop(); });
}

RawServer::~RawServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    std::lock_guard lock(mutex_);
    for (const int fd : open_)
      ::shutdown(fd, SHUT_RDWR);
  }
  for (auto& thread : threads_)
    thread.join();
  ::close(listener_);
  SSL_CTX_free(context_);
}

void RawServer::accept_loop() {
  for (;;) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      return;
    const int number = ++connections_;
    std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd, number] { serve(fd, number); });
  }
}

void RawServer::serve(int fd, int number) {
  SSL* ssl = nullptr;
  bool ready = true;
  if (context_ != nullptr) {
    ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    if (number < strict_from_connection_)
      SSL_set_verify(ssl, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    ready = SSL_accept(ssl) == 1;
  }
  Peer peer(fd, ssl);
  if (ready)
    script_(peer, number);
  SSL_free(ssl);
  std::lock_guard lock(mutex_);
  std::erase(open_, fd);
  ::close(fd);
}

Url RawServer::url(const std::string& host) const {
  return make_url(context_ != nullptr, host, port_);
}

SilentPort::SilentPort() {
  listener_ = listen_on_loopback(0, port_);
  const auto address = loopback(port_);
  for (int i = 0; i < 4; ++i) {
    fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers_.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
}

SilentPort::~SilentPort() {
  for (const int fd : fillers_)
    ::close(fd);
  ::close(listener_);
}

Url SilentPort::url() const {
  return make_url(false, "127.0.0.1", port_);
}

void Spans::finished(const RequestSpan& span) {
  std::lock_guard lock(mutex_);
  spans_.push_back(span);
}

std::vector<RequestSpan> Spans::all() const {
  std::lock_guard lock(mutex_);
  return spans_;
}

} // namespace runtime_agent::http::test
