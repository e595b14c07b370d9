#include "app/web_server.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <limits>
#include <list>
#include <optional>
#include <thread>
#include <tuple>

// Beast and Asio in this file alone: they are slow to compile.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/web_descriptors.hpp"
#include "app/web_target.hpp"

namespace runtime_agent::app {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

/// How long, and for how many bytes, a client that has its answer is listened to: what it still sends would otherwise
/// make the kernel take the answer away from it (RFC 9112 §9.6).
constexpr std::chrono::milliseconds farewell_time{1000};
constexpr std::size_t farewell_bytes = 65536;
/// After which a connection is accepted again where none could be.
constexpr std::chrono::milliseconds accept_pause{50};

struct Route {
  WebHandler get;
  WebHandler post;
  bool at_once = false;
};

WebRequest request_of(const http::request_header<>& head, WebTarget& target) {
  WebRequest request;
  request.method = std::string(head.method_string());
  request.query = std::move(target.query);
  for (const auto& field : head) {
    std::string lower(field.name_string());
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    request.headers.emplace(std::move(lower), std::string(field.value()));
  }
  return request;
}

std::string head_of(const WebResponse& response) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n", response.status,
                  std::string_view(reason.data(), reason.size()), response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers)
    head += fmt::format("{}: {}\r\n", name, value);
  return head + "\r\n";
}

WebResponse outcome(const WebHandler& handler, const WebRequest& request) {
  try {
    return handler(request);
  } catch (const std::exception&) { // a bug, which must not end the process
    return {500, "internal error\n"};
  }
}

template <class Serve>
void serve_ready(Serve serve) {
  try {
    serve();
  } catch (const std::exception&) { // no memory for one connection: the others go on
  }
}

class Connection;
using Connections = std::list<std::shared_ptr<Connection>>; // in the order of their arrival
using Addresses = std::map<asio::ip::address, std::size_t>; // how many connections each has

/// Everything but the handlers of pages runs on one thread.
class Server {
public:
  explicit Server(const WebLimits& limits) : limits_(limits), allowed_(connections_allowed(limits.connections)) {}
  ~Server() { stop(); }

  std::map<std::string, Route>& routes() { return routes_; }
  const WebLimits& limits() const { return limits_; }
  /// Where what nobody wants is read to.
  asio::mutable_buffer waste() { return asio::buffer(waste_); }

  /// The port; 0 where it cannot listen there.
  std::uint16_t listen(const std::string& address, std::uint16_t port);
  void run();
  void stop();

  void answer(const std::shared_ptr<Connection>& connection, const http::request_header<>& head);
  void remove(Connections::iterator connection, Addresses::iterator address);

private:
  void accept();
  void add(tcp::socket socket);
  void close_one();
  void compute(std::shared_ptr<Connection> connection, const WebHandler& handler, WebRequest request);

  const WebLimits limits_;
  const std::size_t allowed_;
  std::map<std::string, Route> routes_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  Connections connections_;
  Addresses addresses_;
  bool stopping_ = false;
  std::size_t at_work_ = 0; ///< requests that the worker has
  std::array<char, 4096> waste_{};
  std::optional<asio::thread_pool> worker_;
  std::thread thread_;
};

/// One request, one answer.
class Connection : public std::enable_shared_from_this<Connection> {
public:
  Connection(Server& server, tcp::socket socket, Addresses::iterator address)
      : server_(server), socket_(std::move(socket)), timer_(socket_.get_executor()), address_(address),
        buffer_(server.limits().head) {
    parser_.header_limit(static_cast<std::uint32_t>(server.limits().head));
    // It is not read, so it may be as long as it likes. (Without a limit Boost 1.74 refuses any Content-Length.)
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  void start(Connections::iterator place) {
    place_ = place;
    end_within(server_.limits().silence);
    // Without a buffer, as long as there is nothing to put into it.
    socket_.async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code error) {
      if (!error && self->open_)
        self->read_head();
    });
  }

  /// Who is to go first is higher.
  std::tuple<std::size_t, bool> burden() const { return {address_->second, !answering_}; }
  /// From any thread.
  bool open() const { return open_; }

  void respond(WebResponse response) {
    if (!open_)
      return;
    head_ = head_of(response);
    body_ = std::move(response.body);
    if (parser_.get().method() == http::verb::head)
      body_.clear();
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body_)};
    asio::async_write(socket_, buffers, [self = shared_from_this()](error_code error, std::size_t) {
      error ? self->close() : self->take_leave();
    });
  }

  void close() {
    if (!open_.exchange(false))
      return;
    error_code ignored;
    timer_.cancel(ignored);
    socket_.close(ignored);
    server_.remove(place_, address_);
  }

private:
  void end_within(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      // It may have been set anew while this call was on its way.
      if (!error && self->timer_.expiry() <= std::chrono::steady_clock::now())
        self->close();
    });
  }

  void read_head() {
    end_within(server_.limits().head_time);
    http::async_read_header(socket_, buffer_, parser_, [self = shared_from_this()](error_code error, std::size_t size) {
      // The parser's own limit is one for the request line and one for the fields.
      if (!error && size > self->server_.limits().head)
        error = http::error::header_limit;
      if (self->open_)
        self->head_read(error);
    });
  }

  void head_read(error_code error) {
    const auto& syntax = http::make_error_code(http::error::bad_method).category();
    if (error && (error.category() != syntax || error == http::error::end_of_stream))
      return close();
    answering_ = true;
    end_within(server_.limits().answer_time);
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      respond({431, fmt::format("the request's headers are larger than {} bytes\n", server_.limits().head)});
    else if (error)
      respond({400, "this is not HTTP/1.1\n"});
    else
      server_.answer(shared_from_this(), parser_.get().base());
  }

  void take_leave() {
    answering_ = false;
    head_ = body_ = std::string();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    end_within(farewell_time);
    drop_input();
  }

  void drop_input() {
    socket_.async_read_some(server_.waste(), [self = shared_from_this()](error_code error, std::size_t size) {
      self->dropped_ += size;
      error || self->dropped_ > farewell_bytes ? self->close() : self->drop_input();
    });
  }

  Server& server_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  const Addresses::iterator address_;
  Connections::iterator place_;
  boost::beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  std::string head_;
  std::string body_;
  std::size_t dropped_ = 0;
  bool answering_ = false;
  std::atomic<bool> open_{true};
};

std::uint16_t Server::listen(const std::string& text, std::uint16_t port) {
  error_code error;
  const auto address = asio::ip::make_address(text, error);
  if (error)
    return 0;
  const auto steps = {
      +[](tcp::acceptor& it, const tcp::endpoint& at, error_code& e) { it.open(at.protocol(), e); },
      // Lets a new process listen at once where the old one's connections are not forgotten. Never SO_REUSEPORT, with
      // which a second agent on the same port gets half of the connections and nobody an error.
      +[](tcp::acceptor& it, const tcp::endpoint&, error_code& e) {
        it.set_option(tcp::acceptor::reuse_address(true), e);
      },
      +[](tcp::acceptor& it, const tcp::endpoint& at, error_code& e) {
        if (at.address().is_v6())
          it.set_option(asio::ip::v6_only(false), e);
      },
      +[](tcp::acceptor& it, const tcp::endpoint& at, error_code& e) { it.bind(at, e); },
      +[](tcp::acceptor& it, const tcp::endpoint&, error_code& e) {
        it.listen(tcp::acceptor::max_listen_connections, e);
      },
  };
  for (const auto step : steps)
    if (!error)
      step(acceptor_, {address, port}, error);
  if (!error)
    return acceptor_.local_endpoint(error).port();
  error_code ignored;
  acceptor_.close(ignored);
  return 0;
}

void Server::run() {
  worker_.emplace(1);
  accept();
  thread_ = std::thread([this] {
    while (!io_.stopped())
      serve_ready([this] { io_.run(); });
  });
}

void Server::stop() {
  if (!thread_.joinable())
    return;
  io_.stop();
  thread_.join();
  worker_->stop();
  worker_->join();
  error_code ignored;
  acceptor_.close(ignored);
  while (!connections_.empty())
    std::shared_ptr(connections_.front())->close();
  // What was ready when the loop ended has not been told yet: a connection may be among it that was accepted just then,
  // and would stay open as long as this object.
  stopping_ = true;
  io_.restart();
  serve_ready([this] { io_.poll(); });
}

void Server::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping_)
      return;
    if (!error) {
      accept();
      return add(std::move(socket));
    }
    // Most likely no descriptor is left: one of ours is given back, and the agent's calls come first.
    close_one();
    pause_.expires_after(accept_pause);
    pause_.async_wait([this](error_code) { accept(); });
  });
}

void Server::add(tcp::socket socket) {
  error_code gone;
  const auto peer = socket.remote_endpoint(gone);
  if (gone)
    return;
  while (connections_.size() >= allowed_)
    close_one();
  const auto address = addresses_.try_emplace(peer.address(), 0).first;
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket), address));
  ++address->second;
  connections_.back()->start(std::prev(connections_.end()));
}

void Server::close_one() {
  const auto first = std::max_element(connections_.begin(), connections_.end(), [](const auto& one, const auto& other) {
    return one->burden() < other->burden();
  });
  if (first != connections_.end())
    std::shared_ptr(*first)->close();
}

void Server::remove(Connections::iterator connection, Addresses::iterator address) {
  connections_.erase(connection);
  if (--address->second == 0)
    addresses_.erase(address);
}

void Server::answer(const std::shared_ptr<Connection>& connection, const http::request_header<>& head) {
  WebTarget target = read_target(std::string_view(head.target().data(), head.target().size()));
  const auto found = routes_.find(target.path);
  if (found == routes_.end())
    return connection->respond({404, "no such page\n"});
  const Route& route = found->second;
  const bool reading = head.method() == http::verb::get || head.method() == http::verb::head;
  const WebHandler& handler = reading ? route.get : route.post;
  if (!handler || (!reading && head.method() != http::verb::post)) {
    WebResponse response{405, "method not allowed\n"};
    response.headers["Allow"] = !route.post ? "GET, HEAD" : route.get ? "GET, HEAD, POST" : "POST";
    return connection->respond(std::move(response));
  }
  WebRequest request = request_of(head, target);
  if (route.at_once)
    return connection->respond(outcome(handler, request));
  compute(connection, handler, std::move(request));
}

void Server::compute(std::shared_ptr<Connection> connection, const WebHandler& handler, WebRequest request) {
  // Those whose connection has been closed meanwhile count as well: the worker has not thrown them away yet.
  if (at_work_ >= allowed_)
    return connection->respond({503, "too many concurrent requests\n"});
  ++at_work_;
  asio::post(*worker_, [this, connection, &handler, request = std::move(request)] {
    WebResponse response;
    if (connection->open())
      response = outcome(handler, request);
    asio::post(io_, [this, connection, response = std::move(response)]() mutable {
      --at_work_;
      connection->respond(std::move(response));
    });
  });
}

} // namespace

struct WebServer::State : Server {
  using Server::Server;
};

WebServer::WebServer(WebLimits limits) : state_(std::make_unique<State>(limits)) {}

WebServer::~WebServer() {
  stop();
}

void WebServer::get(const std::string& path, WebHandler handler) {
  state_->routes()[path].get = std::move(handler);
}

void WebServer::post(const std::string& path, WebHandler handler) {
  state_->routes()[path].post = std::move(handler);
}

void WebServer::probe(const std::string& path, WebHandler handler) {
  state_->routes()[path] = {std::move(handler), {}, true};
}

Result<std::uint16_t> WebServer::start(const std::vector<std::string>& addresses, std::uint16_t port,
                                       const std::string& setting) {
  std::uint16_t bound = 0;
  for (const std::string& address : addresses)
    if (bound == 0)
      bound = state_->listen(address, port);
  if (bound == 0) {
    Failure failure;
    failure.kind = FailureKind::configuration;
    failure.where = fmt::format("{}={}", setting, port);
    failure.what = fmt::format("cannot listen on port {} of {}", port, fmt::join(addresses, " or "));
    failure.next = "choose a free port";
    return failed(std::move(failure));
  }
  state_->run();
  return bound;
}

void WebServer::stop() {
  state_->stop();
}

} // namespace runtime_agent::app
