#include "app/web_server.hpp"

#include <algorithm>
#include <cctype>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <httplib.h>
#include <sys/socket.h>

namespace runtime_agent::app {
namespace {

constexpr std::size_t threads = 4; // one for each open connection: probes, a scraper, a person's browser

WebRequest request_of(const httplib::Request& request) {
  WebRequest result;
  result.method = request.method;
  for (const auto& [name, value] : request.params)
    result.query.emplace(name, value);
  for (const auto& [name, value] : request.headers) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    result.headers.emplace(std::move(lower), value);
  }
  return result;
}

httplib::Server::Handler adapted(WebHandler handler) {
  return [handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
    const WebResponse answer = handler(request_of(request));
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers)
      response.set_header(name.c_str(), value);
    response.set_content(answer.body, answer.content_type.c_str());
  };
}

// The library's own choice is SO_REUSEPORT, with which a second agent on the same port gets half of the connections and
// nobody an error. SO_REUSEADDR lets a new process listen at once where the old one's connections are not forgotten.
void share_no_port(socket_t socket) {
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

/// The port that it listens on; 0 where it cannot. The library makes an IPv6 socket take IPv4 connections as well.
int bind(httplib::Server& server, const std::string& address, std::uint16_t port) {
  if (port == 0)
    return std::max(0, server.bind_to_any_port(address));
  return server.bind_to_port(address, port) ? port : 0;
}

} // namespace

struct WebServer::State {
  httplib::Server server;
  std::thread thread;
};

WebServer::WebServer() : state_(std::make_unique<State>()) {
  state_->server.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  state_->server.set_socket_options(share_no_port);
  state_->server.set_tcp_nodelay(true);
  // A client that holds its connection open must not hold a thread for long.
  state_->server.set_keep_alive_timeout(2);
  state_->server.set_read_timeout(5);
  state_->server.set_write_timeout(5);
  state_->server.set_payload_max_length(0);
}

WebServer::~WebServer() {
  stop();
}

void WebServer::get(const std::string& path, WebHandler handler) {
  state_->server.Get(path, adapted(std::move(handler)));
}

void WebServer::post(const std::string& path, WebHandler handler) {
  // With a content reader the library leaves the body alone; it is not read at all.
  state_->server.Post(
      path, [respond = adapted(std::move(handler))](const httplib::Request& request, httplib::Response& response,
                                                    const httplib::ContentReader&) { respond(request, response); });
}

Result<std::uint16_t> WebServer::start(const std::vector<std::string>& addresses, std::uint16_t port,
                                       const std::string& setting) {
  int bound = 0;
  for (const std::string& address : addresses)
    if (bound == 0)
      bound = bind(state_->server, address, port);
  if (bound == 0) {
    Failure failure;
    failure.kind = FailureKind::configuration;
    failure.where = fmt::format("{}={}", setting, port);
    failure.what = fmt::format("cannot listen on port {} of {}", port, fmt::join(addresses, " or "));
    failure.next = "give a free port";
    return failed(std::move(failure));
  }
  state_->thread = std::thread([this] { state_->server.listen_after_bind(); });
  return static_cast<std::uint16_t>(bound);
}

void WebServer::stop() {
  if (!state_->thread.joinable())
    return;
  while (!state_->server.is_running()) // stop() does nothing before the loop has begun
    std::this_thread::yield();
  state_->server.stop();
  state_->thread.join();
}

} // namespace runtime_agent::app
