#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "transport/failure.hpp"

namespace runtime_agent::app {

struct WebRequest {
  std::string method; ///< "GET"
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers; ///< names in lower case; of one that is given twice, the first

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

struct WebResponse {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::map<std::string, std::string> headers{};
};

using WebHandler = std::function<WebResponse(const WebRequest&)>;

/// What one connection, and all of them together, may cost. Whoever reaches the pod may connect.
struct WebLimits {
  std::size_t head = 8192;                       ///< bytes of the request line and the fields
  std::chrono::milliseconds silence{10'000};     ///< from the connection to its first byte
  std::chrono::milliseconds head_time{2'000};    ///< from the first byte to the end of the head
  std::chrono::milliseconds answer_time{10'000}; ///< from the end of the head to the end of the answer
  std::size_t connections = 256;                 ///< open at once; at most a quarter of the process's descriptors
};

/// A small HTTP server for probes, metrics and pages, with threads of its own: nothing that the agent does can keep a
/// probe waiting, and nothing that a stranger sends can hurt the agent. A connection is good for one request; its body
/// is not read, whatever it is announced as; ranges are ignored. When there are too many connections, one is closed: of
/// the address that has the most, one that is not being answered, the oldest.
class WebServer {
public:
  explicit WebServer(WebLimits limits = {});
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer();

  /// Before `start`. `path` is exact. Of HEAD too. Handlers run on one thread, apart from that of the connections.
  void get(const std::string& path, WebHandler handler);
  void post(const std::string& path, WebHandler handler);
  /// As `get`, but answered at once on the connections' thread, never behind a page: the handler must not block.
  void probe(const std::string& path, WebHandler handler);

  /// Listens on the first of `addresses` where it can; "::" takes IPv4 connections too. `port` 0 takes a free one.
  /// Failure (configuration): the port is taken, and by which setting it is given (`setting`).
  Result<std::uint16_t> start(const std::vector<std::string>& addresses, std::uint16_t port,
                              const std::string& setting);
  void stop();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace runtime_agent::app
